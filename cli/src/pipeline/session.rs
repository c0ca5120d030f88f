//! A connection to one backend: its configuration, its storage, its clock, and the keys to sign with.

use std::thread;
use std::time::Duration;

use protocol::BuildId;

use crate::config::{Backend, Config};
use crate::interrupt::Interrupt;
use crate::random::random;
use crate::storage::{Clock, Signer, Storage};
use crate::terminal::Shell;

/// How often Ctrl-C is looked for while a request is under way.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// What every command that talks to a backend needs.
pub struct Session<'a> {
    /// The terminal to print on.
    pub shell: &'a Shell,
    /// Whether the user pressed Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// The backend's entry in the configuration.
    pub backend: Backend,
    /// Reads and writes the backend's buckets.
    pub storage: Storage,
    /// The time by the backend's clock.
    pub clock: Clock,
}

impl<'a> Session<'a> {
    /// A session with the backend of this name, or with the default one. Prints what is doubtful in the configuration.
    ///
    /// # Errors
    /// If no usable backend is configured. Nothing is sent yet.
    pub fn open(shell: &'a Shell, interrupt: &'a Interrupt, backend: Option<&str>) -> anyhow::Result<Self> {
        let (backend, warning) = Config::backend(backend)?;
        if let Some(warning) = warning {
            shell.warn(warning);
        }
        Self::with_backend(shell, interrupt, backend)
    }

    /// A session with this backend.
    ///
    /// # Errors
    /// If its addresses or the device's TLS certificates can't be used.
    pub fn with_backend(shell: &'a Shell, interrupt: &'a Interrupt, backend: Backend) -> anyhow::Result<Self> {
        let clock = Clock::default();
        let storage = Storage::new(&backend, clock.clone())?;
        Ok(Self { shell, interrupt, backend, storage, clock })
    }

    /// The same session, with another terminal and another reason to stop.
    pub fn on<'b>(&self, shell: &'b Shell, interrupt: &'b Interrupt) -> Session<'b> {
        let (backend, storage, clock) = (self.backend.clone(), self.storage.clone(), self.clock.clone());
        Session { shell, interrupt, backend, storage, clock }
    }

    /// An id for a build that begins now.
    ///
    /// # Errors
    /// If the operating system gives no random numbers.
    pub fn new_build(&self) -> anyhow::Result<BuildId> {
        Ok(BuildId::new(self.clock.unix_ms(), random()?))
    }

    /// Signs the request that opens the WebSocket.
    pub fn signer(&self) -> Signer {
        Signer::new(self.backend.credentials.clone(), self.backend.region.clone(), self.clock.clone())
    }

    /// Makes Ctrl-C end any request to the backend from now on.
    pub fn stop_on_interrupt(&self) {
        let (interrupt, storage) = (self.interrupt.clone(), self.storage.clone());
        thread::spawn(move || {
            while !interrupt.requested() {
                thread::sleep(INTERRUPT_POLL);
            }
            storage.shut_down();
        });
    }
}
