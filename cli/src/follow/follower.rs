//! The loop that follows a build to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use protocol::{BuildId, BuildResult, ClientAction, ClientMessage, Delivery, EventKind, EventSequencer, Owner, keys};

use super::log::Log;
use super::paths::DevicePaths;
use super::poll;
use super::printer::Printer;
use super::signal::Signal;
use super::socket::{Command, Endpoint};
use crate::interrupt::Interrupt;
use crate::storage::{Signer, Storage};
use crate::terminal::Shell;

/// Which build is followed.
pub struct Subject {
    /// Its id.
    pub build: BuildId,
    /// Whose it is.
    pub owner: Owner,
    /// The WebSocket, if the backend has one.
    pub socket: Option<String>,
    /// The device's folders, to be named in what the build prints.
    pub paths: DevicePaths,
    /// Whether standard output is cargo's messages in JSON.
    pub json: bool,
}

/// How a build is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowMode {
    /// As whoever began it: Ctrl-C cancels it.
    Own,
    /// To its end; Ctrl-C leaves it alone.
    Watching,
    /// As far as it is by now.
    Glance,
}

/// What following a build came to.
#[derive(Debug)]
pub enum Followed {
    /// The build has ended.
    Ended(Box<BuildResult>),
    /// It goes on, or was cancelled and the backend said nothing more in time.
    Left,
    /// Nothing could be heard of it.
    Unheard,
}

/// Follows one build.
pub struct Follower<'a> {
    shell: &'a Shell,
    interrupt: &'a Interrupt,
    storage: &'a Storage,
    subject: Subject,
    manner: FollowMode,
    /// The highest number the backend had when it was asked first, and when it said so.
    caught_up: Option<(u64, Instant)>,
    begun: Instant,
    live: Arc<AtomicBool>,
    heard: bool,
    warned: bool,
    cancelled_at: Option<Instant>,
    cancel_failure: Receiver<String>,
    cancel_sender: Sender<String>,
}

/// After Ctrl-C the end is waited for this long.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// A glance takes no longer than this, twice.
const GLANCE: Duration = Duration::from_secs(15);
/// Without a word from the backend for this long, the person is told.
const FIRST_WORD: Duration = Duration::from_secs(20);

impl<'a> Follower<'a> {
    /// A follower; nothing is connected yet.
    pub fn new(shell: &'a Shell, interrupt: &'a Interrupt, storage: &'a Storage, subject: Subject) -> Self {
        let (cancel_sender, cancel_failure) = channel();
        Self {
            shell,
            interrupt,
            storage,
            subject,
            manner: FollowMode::Own,
            caught_up: None,
            begun: Instant::now(),
            live: Arc::default(),
            heard: false,
            warned: false,
            cancelled_at: None,
            cancel_failure,
            cancel_sender,
        }
    }

    /// The same in another manner.
    pub fn in_manner(self, manner: FollowMode) -> Self {
        Self { manner, ..self }
    }

    /// Follows to the end; `None`: it was cancelled and the backend said nothing more in time.
    pub fn run(self, signer: Signer) -> Option<Box<BuildResult>> {
        match self.watch(signer) {
            Followed::Ended(result) => Some(result),
            _ => None,
        }
    }

    /// Follows for as long as its manner wants.
    pub fn watch(mut self, signer: Signer) -> Followed {
        let (signals, heard) = sync_channel(64);
        let (commands, orders) = channel();
        if let Some(url) = self.subject.socket.clone() {
            let endpoint =
                Endpoint { url, owner: self.subject.owner.clone(), build: self.subject.build.clone(), signer };
            let signals = signals.clone();
            thread::spawn(move || endpoint.run(&orders, &signals));
        }
        let key = keys::result(&self.subject.owner, &self.subject.build);
        let (storage, live, build) = (self.storage.clone(), self.live.clone(), self.subject.build.clone());
        thread::spawn(move || poll::run(&storage, &build, &key, &live, &signals));

        let paths = self.subject.paths.clone();
        let mut printer = Printer::new(self.shell, &paths, self.subject.json);
        self.shell.waiting("Waiting", "for the backend");
        let followed = self.follow(&commands, &heard, &mut printer);
        self.shell.clear();
        let attempts = match &followed {
            Followed::Ended(result) => result.attempts,
            // The log comes with the end.
            _ if self.manner != FollowMode::Own => {
                if printer.lacks_something() {
                    self.shell.note(
                        "this build prints more than can be followed live; the rest is in its log when it has ended",
                    );
                }
                return followed;
            }
            _ => 1,
        };
        printer.finish(&mut Log::new(self.storage, &self.subject.owner, &self.subject.build, attempts));
        followed
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn follow(&mut self, commands: &Sender<Command>, heard: &Receiver<Signal>, printer: &mut Printer) -> Followed {
        let mut order = EventSequencer::new(self.subject.build.clone(), self.now());
        // A socket's thread that is gone, or never was, hears nothing; then the bucket does the work.
        let send = |message: ClientMessage| drop(commands.send(Command::Send(message.encode())));
        loop {
            let leaves = match self.manner {
                FollowMode::Own => self.cancel(),
                FollowMode::Watching | FollowMode::Glance => self.interrupt.requested(),
            };
            if leaves {
                return Followed::Left;
            }
            if self.manner == FollowMode::Glance
                && let Some(followed) = self.seen(&order)
            {
                return followed;
            }
            self.shell.tick();
            let wait = match order.next(self.now()) {
                ClientAction::Send(message) => {
                    send(message);
                    continue;
                }
                ClientAction::Reconnect => {
                    order.disconnected();
                    let _ = commands.send(Command::Reconnect);
                    continue;
                }
                ClientAction::Wait(wait) => wait,
                ClientAction::Done => return Followed::Left,
            };
            let deliveries = match heard.recv_timeout(wait.min(Duration::from_millis(100))) {
                Ok(signal) => self.heard(signal, &mut order, &send),
                Err(RecvTimeoutError::Timeout) => order.expire(self.now()),
                // Both threads ended: the result was the last thing said.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(wait.min(Duration::from_millis(100)));
                    order.expire(self.now())
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

    fn heard(&mut self, signal: Signal, order: &mut EventSequencer, send: &dyn Fn(ClientMessage)) -> Vec<Delivery> {
        let now = self.now();
        match signal {
            Signal::Connected => {
                self.live.store(true, Ordering::Relaxed);
                self.warned = false;
                send(order.connected(now));
                Vec::new()
            }
            Signal::Frame(frame) => {
                self.heard = true;
                let caught_up = frame.events.iter().find_map(|event| match event.kind {
                    EventKind::CaughtUp { last } => Some((last, Instant::now())),
                    _ => None,
                });
                self.caught_up = self.caught_up.or(caught_up);
                frame.events.into_iter().flat_map(|event| order.receive(event, now)).collect()
            }
            Signal::Disconnected { why, denied } => {
                self.live.store(false, Ordering::Relaxed);
                order.disconnected();
                if denied && !self.warned {
                    self.warned = true;
                    self.shell.warn(format!(
                        "the build can't be followed live ({why} at `{}`); its output comes at the end",
                        self.subject.socket.as_deref().unwrap_or_default()
                    ));
                }
                Vec::new()
            }
            Signal::Result(result) => {
                self.heard = true;
                order.found(*result, now)
            }
            Signal::Unreachable(why) => {
                let way_out = if self.manner == FollowMode::Own { "cancels" } else { "leaves" };
                self.shell.warn(format!("{why}; the build goes on without us, trying again (Ctrl-C {way_out} it)"));
                Vec::new()
            }
            Signal::Reachable => {
                self.shell.note("the backend is reached again");
                Vec::new()
            }
        }
    }

    /// Whether all that there was is shown, or it is too late for that.
    fn seen(&self, order: &EventSequencer) -> Option<Followed> {
        match self.caught_up {
            Some((last, since)) if order.last_delivered() >= last || since.elapsed() > GLANCE => Some(Followed::Left),
            None if self.begun.elapsed() > GLANCE => Some(Followed::Unheard),
            _ => None,
        }
    }

    /// Acts on Ctrl-C; true when the end was waited for long enough.
    fn cancel(&mut self) -> bool {
        if let Ok(why) = self.cancel_failure.try_recv() {
            self.shell.warn(format!("the build could not be cancelled: {why}; it ends by itself"));
            return true;
        }
        if !self.heard && self.begun.elapsed() > FIRST_WORD {
            self.heard = true;
            self.shell.note("the backend has said nothing yet; the build goes on as soon as it does (Ctrl-C cancels)");
        }
        let Some(since) = self.cancelled_at else {
            if self.interrupt.requested() {
                self.cancelled_at = Some(Instant::now());
                self.shell.status("Cancelling", "the build (Ctrl-C again leaves at once)");
                let key = keys::source(&self.subject.owner, &self.subject.build);
                let (storage, failure) = (self.storage.clone(), self.cancel_sender.clone());
                thread::spawn(move || {
                    if let Err(error) = storage.delete_source(&key) {
                        let _ = failure.send(error.to_string());
                    }
                });
            }
            return false;
        };
        since.elapsed() > CANCEL_PATIENCE
    }
}
