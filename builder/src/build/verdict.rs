//! What cargo's end means for the build.

use std::path::Path;

use nix::sys::signal::Signal;
use protocol::{Command, Outcome};

use crate::cargo::CargoRun;
use crate::supervisor::Exit;

/// What cargo's end means.
pub(super) fn verdict(
    command: Command,
    exit: Exit,
    run: &CargoRun,
    peak: u64,
    work: &Path,
) -> (Outcome, Option<i32>, Option<String>) {
    let mib = peak / (1024 * 1024);
    match exit {
        Exit::Code(0) => (Outcome::Succeeded, Some(0), None),
        Exit::Code(code) if run.filled_the_disk() => {
            let message = format!(
                "the backend's disk is full; what it kept of this project was removed to make room. Build again; if that \
                 does not help, make room in {}",
                work.display()
            );
            (Outcome::Crashed, Some(code), Some(message))
        }
        Exit::Code(code) if run.told.killed => {
            let message = format!(
                "a compiler process was killed, most likely because memory ran out (the build held {mib} MiB at its peak): \
                 try `-j 1`, or less optimisation (`--config profile.release.lto=false`)"
            );
            (Outcome::Crashed, Some(code), Some(message))
        }
        Exit::Code(code) => (Outcome::Failed, Some(code), None),
        // Cargo has become the program; a shell tells of it with this code.
        Exit::Signal(signal) if command == Command::Run && run.made.built => {
            let name = Signal::try_from(signal).map(|signal| format!(" ({signal})")).unwrap_or_default();
            let message = format!("the program was killed by signal {signal}{name}");
            (Outcome::Failed, Some(128 + signal), Some(message))
        }
        Exit::Signal(signal) => {
            let message = format!("cargo was killed by signal {signal}; the build held {mib} MiB at its peak");
            (Outcome::Crashed, None, Some(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::{End, StderrSummary, StdoutSummary};

    fn outcome(exit: Exit, told: StderrSummary) -> (Outcome, Option<i32>, String) {
        let run = CargoRun { end: End::Exit(exit), peak_memory: 0, made: StdoutSummary::default(), told };
        let (outcome, code, message) = verdict(Command::Build, exit, &run, 300 << 20, Path::new("/w"));
        (outcome, code, message.unwrap_or_default())
    }

    #[test]
    fn cargos_own_endings_need_no_words_and_others_do() {
        assert_eq!(outcome(Exit::Code(0), StderrSummary::default()), (Outcome::Succeeded, Some(0), String::new()));
        assert_eq!(outcome(Exit::Code(101), StderrSummary::default()), (Outcome::Failed, Some(101), String::new()));
        let (crashed, code, message) =
            outcome(Exit::Code(101), StderrSummary { killed: true, ..StderrSummary::default() });
        assert_eq!((crashed, code), (Outcome::Crashed, Some(101)));
        assert!(message.contains("300 MiB") && message.contains("-j 1"), "{message}");
        let (crashed, _, message) =
            outcome(Exit::Code(101), StderrSummary { disk_full: true, ..StderrSummary::default() });
        assert!(crashed == Outcome::Crashed && message.contains("/w"), "{message}");
        assert_eq!(outcome(Exit::Signal(9), StderrSummary::default()).0, Outcome::Crashed);
        let built = StdoutSummary { built: true, ..StdoutSummary::default() };
        let run =
            CargoRun { end: End::Exit(Exit::Signal(11)), peak_memory: 0, made: built, told: StderrSummary::default() };
        let (ended, code, message) = verdict(Command::Run, Exit::Signal(11), &run, 0, Path::new("/w"));
        assert_eq!((ended, code), (Outcome::Failed, Some(139)));
        assert!(message.unwrap().contains("SIGSEGV"));
        // A build that came through in spite of it did.
        assert_eq!(
            outcome(Exit::Code(0), StderrSummary { killed: true, ..StderrSummary::default() }).0,
            Outcome::Succeeded
        );
    }
}
