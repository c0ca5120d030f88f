//! Follows a build to its end: receives, orders and prints events, reconnects, and cancels the build on Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{BuildId, BuildResult, ClientAction, ClientMessage, Delivery, EventKind, EventSequencer, Owner, keys};

use super::build_log::BuildLog;
use super::paths::DevicePaths;
use super::printer::Printer;
use super::result_poll;
use super::signal::Signal;
use super::socket::{Endpoint, SocketCommand};
use crate::interrupt::Interrupt;
use crate::storage::{Signer, Storage};
use crate::terminal::Shell;

/// The build to follow, and how its output is printed.
pub struct FollowedBuild {
    /// The id of the build.
    pub build: BuildId,
    /// The owner of the build.
    pub owner: Owner,
    /// The URL of the WebSocket, if the backend has one.
    pub socket: Option<String>,
    /// The device's folders, which replace the builder's in the output.
    pub paths: DevicePaths,
    /// Whether standard output holds cargo's messages in JSON.
    pub json: bool,
}

/// How far a build is followed, and what Ctrl-C does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowMode {
    /// To the end, by the process that started the build. Ctrl-C cancels the build.
    Own,
    /// To the end of the build. Ctrl-C leaves the build running.
    Watch,
    /// Until all events that the backend already has are printed.
    CatchUp,
}

/// How following a build ended.
#[derive(Debug)]
pub enum Followed {
    /// The build has ended with this result.
    Ended(Box<BuildResult>),
    /// The build continues, or it was cancelled and the backend didn't confirm that in time.
    Left,
    /// The backend did not answer at all.
    Unreachable,
}

/// Follows one build and prints its output.
pub struct Follower<'a> {
    shell: &'a Shell,
    interrupt: &'a Interrupt,
    storage: &'a Storage,
    build: FollowedBuild,
    mode: FollowMode,
    /// The highest event number that the backend had when it was first asked, and the time of its answer.
    backend_last: Option<(u64, Instant)>,
    started: Instant,
    live: Arc<AtomicBool>,
    answered: bool,
    warned: bool,
    cancelled_at: Option<Instant>,
    cancel_failure: Receiver<String>,
    cancel_sender: Sender<String>,
}

/// How long the follower waits for the build's end after Ctrl-C.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long catching up waits for the first answer, and then for the events.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the backend may be silent before the user is told.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);

impl<'a> Follower<'a> {
    /// Creates a follower of this build, without connecting yet.
    pub fn new(
        shell: &'a Shell,
        interrupt: &'a Interrupt,
        storage: &'a Storage,
        build: FollowedBuild,
        mode: FollowMode,
    ) -> Self {
        let (cancel_sender, cancel_failure) = channel();
        Self {
            shell,
            interrupt,
            storage,
            build,
            mode,
            backend_last: None,
            started: Instant::now(),
            live: Arc::default(),
            answered: false,
            warned: false,
            cancelled_at: None,
            cancel_failure,
            cancel_sender,
        }
    }

    /// Follows the build until the mode's end. `signer` signs the request that opens the WebSocket.
    pub fn run(mut self, signer: Signer) -> Followed {
        let (signals, received) = sync_channel(64);
        let (commands, for_socket) = channel();
        if let Some(url) = self.build.socket.clone() {
            let endpoint = Endpoint { url, owner: self.build.owner.clone(), build: self.build.build.clone(), signer };
            let signals = signals.clone();
            thread::spawn(move || endpoint.run(&for_socket, &signals));
        }
        let key = keys::result(&self.build.owner, &self.build.build);
        let (storage, live, build) = (self.storage.clone(), self.live.clone(), self.build.build.clone());
        thread::spawn(move || result_poll::run(&storage, &build, &key, &live, &signals));

        let paths = self.build.paths.clone();
        let mut printer = Printer::new(self.shell, &paths, self.build.json);
        self.shell.waiting("Waiting", "for the backend");
        let followed = self.follow(&commands, &received, &mut printer);
        self.shell.clear();
        let attempts = match &followed {
            Followed::Ended(result) => result.attempts,
            // The build has not ended, so its log is not stored yet.
            _ if self.mode != FollowMode::Own => {
                if printer.has_gaps() {
                    self.shell
                        .note("this build prints more than can be shown live; the rest is in its log after its end");
                }
                return followed;
            }
            _ => 1,
        };
        printer.finish(&mut BuildLog::new(self.storage, &self.build.owner, &self.build.build, attempts));
        followed
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn follow(
        &mut self,
        commands: &Sender<SocketCommand>,
        signals: &Receiver<Signal>,
        printer: &mut Printer,
    ) -> Followed {
        let mut sequencer = EventSequencer::new(self.build.build.clone(), self.now());
        // Without a socket, no thread receives the command. The result then comes from the bucket.
        let send = |message: ClientMessage| drop(commands.send(SocketCommand::Send(message.encode())));
        loop {
            let leaves = match self.mode {
                FollowMode::Own => self.handle_interrupt(),
                FollowMode::Watch | FollowMode::CatchUp => self.interrupt.requested(),
            };
            if leaves {
                return Followed::Left;
            }
            if self.mode == FollowMode::CatchUp
                && let Some(followed) = self.caught_up(&sequencer)
            {
                return followed;
            }
            self.shell.tick();
            let wait = match sequencer.next(self.now()) {
                ClientAction::Send(message) => {
                    send(message);
                    continue;
                }
                ClientAction::Reconnect => {
                    sequencer.disconnected();
                    let _ = commands.send(SocketCommand::Reconnect);
                    continue;
                }
                ClientAction::Wait(wait) => wait,
                ClientAction::Done => return Followed::Left,
            };
            let deliveries = match signals.recv_timeout(wait.min(Duration::from_millis(100))) {
                Ok(signal) => self.receive(signal, &mut sequencer, &send),
                Err(RecvTimeoutError::Timeout) => sequencer.expire(self.now()),
                // Both threads have ended; the result was the last signal.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(wait.min(Duration::from_millis(100)));
                    sequencer.expire(self.now())
                }
            };
            for delivery in deliveries {
                match delivery {
                    Delivery::Finished(result) => return Followed::Ended(result),
                    other => printer.deliver(other),
                }
            }
        }
    }

    /// Passes a signal on to the sequencer. Returns what can be printed now.
    fn receive(
        &mut self,
        signal: Signal,
        sequencer: &mut EventSequencer,
        send: &dyn Fn(ClientMessage),
    ) -> Vec<Delivery> {
        let now = self.now();
        match signal {
            Signal::Connected => {
                self.live.store(true, Ordering::Relaxed);
                self.warned = false;
                send(sequencer.connected(now));
                Vec::new()
            }
            Signal::Frame(frame) => {
                self.answered = true;
                let caught_up = frame.events.iter().find_map(|event| match event.kind {
                    EventKind::CaughtUp { last } => Some((last, Instant::now())),
                    _ => None,
                });
                self.backend_last = self.backend_last.or(caught_up);
                frame.events.into_iter().flat_map(|event| sequencer.receive(event, now)).collect()
            }
            Signal::Disconnected { why, denied } => {
                self.live.store(false, Ordering::Relaxed);
                sequencer.disconnected();
                if denied && !self.warned {
                    self.warned = true;
                    self.shell.warn(format!(
                        "the build can't be followed live ({why} at `{}`); its output is shown at its end",
                        self.build.socket.as_deref().unwrap_or_default()
                    ));
                }
                Vec::new()
            }
            Signal::Result(result) => {
                self.answered = true;
                sequencer.found(*result, now)
            }
            Signal::Unreachable(why) => {
                let on_interrupt = if self.mode == FollowMode::Own { "cancels" } else { "leaves" };
                self.shell.warn(format!("{why}; the build goes on meanwhile, trying again (Ctrl-C {on_interrupt} it)"));
                Vec::new()
            }
            Signal::Reachable => {
                self.shell.note("the backend can be reached again");
                Vec::new()
            }
        }
    }

    /// How catching up ended: everything is printed, or the time limit is reached. `None` while it continues.
    fn caught_up(&self, sequencer: &EventSequencer) -> Option<Followed> {
        match self.backend_last {
            Some((last, since)) if sequencer.last_delivered() >= last || since.elapsed() > CATCH_UP_TIMEOUT => {
                Some(Followed::Left)
            }
            None if self.started.elapsed() > CATCH_UP_TIMEOUT => Some(Followed::Unreachable),
            _ => None,
        }
    }

    /// Cancels the build after Ctrl-C. True if the follower has waited long enough for the end.
    fn handle_interrupt(&mut self) -> bool {
        if let Ok(why) = self.cancel_failure.try_recv() {
            self.shell.warn(format!("the build could not be cancelled: {why}; it goes on to its own end"));
            return true;
        }
        if !self.answered && self.started.elapsed() > SILENCE_TIMEOUT {
            self.answered = true;
            self.shell.note("the backend hasn't answered yet; the build starts as soon as it does (Ctrl-C cancels it)");
        }
        let Some(since) = self.cancelled_at else {
            if self.interrupt.requested() {
                self.cancelled_at = Some(Instant::now());
                self.shell.status("Cancelling", "the build (Ctrl-C again stops waiting for it)");
                let key = keys::source(&self.build.owner, &self.build.build);
                let (storage, failure) = (self.storage.clone(), self.cancel_sender.clone());
                thread::spawn(move || {
                    if let Err(error) = storage.delete_source(&key) {
                        let _ = failure.send(error.to_string());
                    }
                });
            }
            return false;
        };
        since.elapsed() > CANCEL_TIMEOUT
    }
}
