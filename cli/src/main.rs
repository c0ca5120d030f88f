//! `cargo cloud`: Rust builds in the cloud, for machines too small to compile Rust.

#[cfg(all(no_unwind_tables, panic = "unwind", not(test)))]
compile_error!("build.rs drops the tables for unwinding: a profile with opt-level = \"z\" needs panic = \"abort\"");

#[cfg(not(unix))]
compile_error!("the client is for Unix: Linux, Android, macOS. On Windows build and use it in WSL");

mod args;
mod builds;
mod config;
mod device;
mod doctor;
mod environment;
mod follow;
mod install;
mod interrupt;
#[cfg(any(test, feature = "manual"))]
mod manual;
mod pipeline;
mod project;
mod random;
mod source;
mod storage;
mod terminal;
mod verbs;

use std::process::ExitCode;

use args::{Invocation, Refusal, Verb};
use interrupt::Interrupt;
use storage::StorageError;
use terminal::{ColorWhen, Shell};

/// Cargo's exit code when it can't carry out a command.
const EXIT_FAILURE: u8 = 101;

fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(folder) = manual::wanted() {
        return manual::run(&folder);
    }
    let mut invocation = match args::parse() {
        Ok(invocation) => invocation,
        Err(refusal) => return refuse(refusal),
    };
    invocation.cli.common.quiet = environment::quiet(invocation.cli.common.quiet, invocation.cli.common.verbose);
    let color = environment::color(invocation.cli.common.color, environment::variable("CARGO_TERM_COLOR").as_deref());
    let shell = Shell::new(*color.as_ref().unwrap_or(&ColorWhen::Never), invocation.cli.common.quiet);
    if let Err(why) = color {
        shell.error(why);
        return ExitCode::from(EXIT_FAILURE);
    }
    match run(&shell, &invocation) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            shell.clear();
            if let Some(StorageError::Interrupted) = error.downcast_ref() {
                return ExitCode::from(interrupt::EXIT_CODE);
            }
            shell.error(format!("{error:#}"));
            if let Some(hint) = error.downcast_ref::<StorageError>().and_then(StorageError::hint) {
                shell.note(hint);
            }
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

/// Prints why a command line can't be carried out.
fn refuse(refusal: Refusal) -> ExitCode {
    match refusal {
        // Help goes to standard output and is no failure. For wrong flags cargo's exit code is 1.
        Refusal::Clap(error) => {
            let _ = error.print();
            ExitCode::from(u8::from(error.use_stderr()))
        }
        Refusal::Help(mut command) => {
            let _ = command.print_help();
            ExitCode::SUCCESS
        }
        Refusal::Verb(why) => {
            Shell::new(ColorWhen::default(), false).error(why);
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

/// Carries out the command line. Returns the exit code.
fn run(shell: &Shell, invocation: &Invocation) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    if let Some(command) = invocation.cli.verb.build_command()? {
        return verbs::build(shell, &interrupt, invocation, &command);
    }
    match &invocation.cli.verb {
        Verb::Install(args) => verbs::install(shell, &interrupt, invocation, args),
        Verb::Uninstall(args) => verbs::uninstall(shell, invocation, args),
        Verb::Builds(args) => verbs::builds(shell, &interrupt, invocation, args),
        Verb::Logs(args) => verbs::logs(shell, &interrupt, invocation, args),
        Verb::Attach(args) => verbs::attach(shell, &interrupt, invocation, args),
        Verb::Cancel(args) => verbs::cancel(shell, &interrupt, invocation, args),
        Verb::Clean(args) => verbs::clean(shell, &interrupt, invocation, args),
        Verb::Configure(args) => verbs::configure(shell, invocation, args),
        Verb::Doctor(args) => verbs::doctor(shell, &interrupt, invocation, args),
        Verb::Package(args) => verbs::package(shell, invocation, args),
        // The verbs that send the project were handled above.
        _ => Ok(0),
    }
}
