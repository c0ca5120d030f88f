//! A backend, spoken to: its storage, its clock, and keys to sign with.

use std::thread;
use std::time::Duration;

use protocol::{BuildId, BuildResult, Outcome};

use crate::config::{Backend, Config};
use crate::follow::{DevicePaths, FollowMode, Followed, Follower, Subject};
use crate::interrupt::Interrupt;
use crate::random::random;
use crate::storage::{Clock, Signer, Storage};
use crate::terminal::Shell;

/// What every verb that speaks to a backend needs.
pub struct Session<'a> {
    /// The terminal.
    pub shell: &'a Shell,
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// The backend.
    pub backend: Backend,
    /// Its buckets.
    pub storage: Storage,
    /// What time the backend has.
    pub clock: Clock,
}

impl<'a> Session<'a> {
    /// With the named backend, or the configured one.
    ///
    /// # Errors
    /// When there is no usable configuration; nothing was said to anyone yet.
    pub fn open(shell: &'a Shell, interrupt: &'a Interrupt, backend: Option<&str>) -> anyhow::Result<Self> {
        let (backend, warning) = Config::backend(backend)?;
        if let Some(warning) = warning {
            shell.warn(warning);
        }
        Self::with_backend(shell, interrupt, backend)
    }

    /// A session with a backend whose configuration was read already.
    ///
    /// # Errors
    /// When HTTP or TLS can't be set up on this device.
    pub fn with_backend(shell: &'a Shell, interrupt: &'a Interrupt, backend: Backend) -> anyhow::Result<Self> {
        let clock = Clock::default();
        let storage = Storage::new(&backend, clock.clone())?;
        Ok(Self { shell, interrupt, backend, storage, clock })
    }

    /// An id for a build that begins now.
    pub fn new_build(&self) -> anyhow::Result<BuildId> {
        Ok(BuildId::new(self.clock.unix_ms(), random()?))
    }

    /// Signs for the socket.
    pub fn signer(&self) -> Signer {
        Signer::new(self.backend.credentials.clone(), self.backend.region.clone(), self.clock.clone())
    }

    /// Follows a build to its end, and says how it ended where cargo did not; `None`: it was cancelled, and the backend
    /// said nothing more in time.
    pub fn follow(&self, subject: Subject) -> Option<Box<BuildResult>> {
        let result = Follower::new(self.shell, self.interrupt, &self.storage, subject).run(self.signer())?;
        self.tell(&result);
        Some(result)
    }

    /// Follows a build that somebody has begun before; what is said of its end is up to the caller.
    pub fn watch(&self, subject: Subject, manner: FollowMode) -> Followed {
        Follower::new(self.shell, self.interrupt, &self.storage, subject).in_manner(manner).watch(self.signer())
    }

    /// What is to be followed of a build of this owner; paths stay the builder's.
    pub fn subject(&self, build: &BuildId) -> Subject {
        Subject {
            build: build.clone(),
            owner: self.backend.owner.clone(),
            socket: self.backend.socket.clone(),
            paths: DevicePaths::default(),
            json: false,
        }
    }

    /// Says how a build ended where cargo did not.
    pub fn tell(&self, result: &BuildResult) {
        if let Some(message) = &result.message {
            match result.outcome {
                Outcome::Succeeded => self.shell.warn(message),
                _ => self.shell.error(message),
            }
        } else if !matches!(result.outcome, Outcome::Succeeded | Outcome::Failed) {
            self.shell.error(ending(result.outcome));
        }
    }

    /// From now on Ctrl-C ends whatever is asked of the backend.
    pub fn give_up_on_interrupt(&self) {
        let (interrupt, storage) = (self.interrupt.clone(), self.storage.clone());
        thread::spawn(move || {
            while !interrupt.requested() {
                thread::sleep(Duration::from_millis(50));
            }
            storage.shut_down();
        });
    }
}

fn ending(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Cancelled => "the build was cancelled",
        Outcome::TimedOut => "the build took longer than the backend allows",
        Outcome::Crashed => {
            "the builder died; type the same command again, and if it happens again, try fewer jobs with -j"
        }
        Outcome::Refused => "the backend refused the build without saying why",
        _ => "the build ended in a way this version doesn't know; update cargo-cloud",
    }
}
