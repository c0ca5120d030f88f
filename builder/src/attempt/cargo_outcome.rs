//! What the end of cargo means for the build.

use std::path::Path;

use nix::sys::signal::Signal;
use protocol::{Command, Outcome};

use crate::cargo::CargoRun;
use crate::supervisor::Exit;

/// How a build ended, as its result reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CargoOutcome {
    /// The outcome, as the protocol defines it.
    pub outcome: Outcome,
    /// The exit code for the client: cargo's own, or that of the program that cargo ran.
    pub exit_code: Option<i32>,
    /// An explanation, where cargo itself prints none.
    pub message: Option<String>,
}

impl CargoOutcome {
    /// The outcome when cargo, or the supervisor, ended with `exit`. `peak_memory` is in bytes; `work` is the engine's
    /// folder, which the message about a full disk names.
    pub fn of(command: Command, exit: Exit, run: &CargoRun, peak_memory: u64, work: &Path) -> Self {
        let mib = peak_memory / (1024 * 1024);
        match exit {
            Exit::Code(0) => Self::new(Outcome::Succeeded, Some(0), None),
            Exit::Code(code) if run.filled_the_disk() => {
                let message = format!(
                    "the backend's disk is full; this project's build files were removed to free space. Build again; if \
                     that does not help, free more space in {}",
                    work.display()
                );
                Self::new(Outcome::Crashed, Some(code), Some(message))
            }
            Exit::Code(code) if run.stderr.killed => {
                let message = format!(
                    "a compiler process was killed, most likely because memory ran out (the build used up to {mib} MiB): \
                     try `-j 1`, or less optimisation (`--config profile.release.lto=false`)"
                );
                Self::new(Outcome::Crashed, Some(code), Some(message))
            }
            Exit::Code(code) => Self::new(Outcome::Failed, Some(code), None),
            // `cargo run` becomes the program by exec; a shell reports its signal with this code.
            Exit::Signal(signal) if command == Command::Run && run.stdout.build_succeeded => {
                let name = Signal::try_from(signal).map(|signal| format!(" ({signal})")).unwrap_or_default();
                let message = format!("the program was killed by signal {signal}{name}");
                Self::new(Outcome::Failed, Some(128 + signal), Some(message))
            }
            Exit::Signal(signal) => {
                let message = format!("cargo was killed by signal {signal}; the build used up to {mib} MiB of memory");
                Self::new(Outcome::Crashed, None, Some(message))
            }
        }
    }

    fn new(outcome: Outcome, exit_code: Option<i32>, message: Option<String>) -> Self {
        Self { outcome, exit_code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::{RunEnd, StderrSummary, StdoutSummary};

    fn outcome(command: Command, exit: Exit, stdout: StdoutSummary, stderr: StderrSummary) -> CargoOutcome {
        let run = CargoRun { end: RunEnd::Exit(exit), peak_memory: 0, stdout, stderr };
        CargoOutcome::of(command, exit, &run, 300 << 20, Path::new("/w"))
    }

    fn of_build(exit: Exit, stderr: StderrSummary) -> CargoOutcome {
        outcome(Command::Build, exit, StdoutSummary::default(), stderr)
    }

    fn killed() -> StderrSummary {
        StderrSummary { killed: true, ..StderrSummary::default() }
    }

    #[test]
    fn what_cargo_explains_itself_gets_no_message() {
        let quiet = |outcome, code| CargoOutcome { outcome, exit_code: Some(code), message: None };
        assert_eq!(of_build(Exit::Code(0), StderrSummary::default()), quiet(Outcome::Succeeded, 0));
        assert_eq!(of_build(Exit::Code(101), StderrSummary::default()), quiet(Outcome::Failed, 101));
        // A build that succeeded although a process was killed did succeed.
        assert_eq!(of_build(Exit::Code(0), killed()), quiet(Outcome::Succeeded, 0));
    }

    #[test]
    fn a_killed_process_and_a_full_disk_are_explained() {
        let lost = of_build(Exit::Code(101), killed());
        assert_eq!((lost.outcome, lost.exit_code), (Outcome::Crashed, Some(101)));
        let message = lost.message.unwrap();
        assert!(message.contains("300 MiB") && message.contains("-j 1"), "{message}");
        let full = of_build(Exit::Code(101), StderrSummary { disk_full: true, ..StderrSummary::default() });
        let message = full.message.unwrap();
        assert!(full.outcome == Outcome::Crashed && message.contains("/w"), "{message}");
        assert_eq!(of_build(Exit::Signal(9), StderrSummary::default()).outcome, Outcome::Crashed);
    }

    #[test]
    fn a_program_that_cargo_ran_fails_by_its_own_signal() {
        let built = StdoutSummary { build_succeeded: true, ..StdoutSummary::default() };
        let crashed = outcome(Command::Run, Exit::Signal(11), built, StderrSummary::default());
        assert_eq!((crashed.outcome, crashed.exit_code), (Outcome::Failed, Some(139)));
        assert!(crashed.message.unwrap().contains("SIGSEGV"));
    }
}
