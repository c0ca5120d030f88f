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

/// What cargo exits with when it could not do its work.
const EXIT_FAILURE: u8 = 101;

fn main() -> ExitCode {
    #[cfg(feature = "manual")]
    if let Some(folder) = manual::wanted() {
        return manual::run(&folder);
    }
    let mut typed = match args::parse() {
        Ok(typed) => typed,
        Err(refusal) => return refuse(refusal),
    };
    typed.cli.common.quiet = environment::quiet(typed.cli.common.quiet, typed.cli.common.verbose);
    let color = environment::color(typed.cli.common.color, environment::variable("CARGO_TERM_COLOR").as_deref());
    let shell = Shell::new(*color.as_ref().unwrap_or(&ColorWhen::Never), typed.cli.common.quiet);
    if let Err(why) = color {
        shell.error(why);
        return ExitCode::from(EXIT_FAILURE);
    }
    match run(&shell, &typed) {
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

fn refuse(refusal: Refusal) -> ExitCode {
    match refusal {
        // Help goes to standard output and is no failure; for the rest cargo exits with 1.
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

fn run(shell: &Shell, typed: &Invocation) -> anyhow::Result<u8> {
    let interrupt = Interrupt::install()?;
    if let Some(asked) = typed.cli.verb.build_command()? {
        return verbs::build(shell, &interrupt, typed, &asked);
    }
    match &typed.cli.verb {
        Verb::Install(args) => verbs::install(shell, &interrupt, typed, args),
        Verb::Uninstall(args) => verbs::uninstall(shell, typed, args),
        Verb::Builds(args) => verbs::builds(shell, &interrupt, typed, args),
        Verb::Logs(args) => verbs::logs(shell, &interrupt, typed, args),
        Verb::Attach(args) => verbs::attach(shell, &interrupt, typed, args),
        Verb::Cancel(args) => verbs::cancel(shell, &interrupt, typed, args),
        Verb::Clean(args) => verbs::clean(shell, &interrupt, typed, args),
        Verb::Configure(args) => verbs::configure(shell, typed, args),
        Verb::Doctor(args) => verbs::doctor(shell, &interrupt, typed, args),
        Verb::Package(args) => verbs::package(shell, typed, args),
        // What sends the project is done by now.
        _ => Ok(0),
    }
}
