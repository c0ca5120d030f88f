//! `cargo cloud logs`: what a build printed, or prints.

use protocol::{BuildId, BuildResult, BuildSummary};

use crate::args::{Invocation, LogsArgs, ProjectArgs};
use crate::builds::{State, find, short};
use crate::config::config_folder;
use crate::follow::{DevicePaths, FollowMode, Followed, Log, Printer, Subject};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::pipeline::job::device_paths;
use crate::pipeline::plan::Workspace;
use crate::project::project_key;
use crate::terminal::Shell;

/// What the process ends with when nothing could be shown.
const UNHEARD: u8 = 101;

/// Shows a build's output, each line where the build printed it. Returns the exit code, which says nothing of the build's.
pub fn logs(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &LogsArgs) -> anyhow::Result<u8> {
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    session.give_up_on_interrupt();
    let found = find(&session.storage, &session.clock, &session.backend.owner, &args.build)?;
    let paths = paths_here(typed, found.summary());
    if let State::Ended(result) = &found.state {
        replay(&session, &found.id, &paths, false, result)?;
        session.tell(result);
        return Ok(0);
    }
    let manner = if args.follow { FollowMode::Watching } else { FollowMode::Glance };
    if manner == FollowMode::Glance && session.backend.socket.is_none() {
        anyhow::bail!(
            "the backend `{}` has no socket, so what a build prints is there when it has ended; `--follow` waits for that",
            session.backend.name
        );
    }
    match session.watch(Subject { paths, ..session.subject(&found.id) }, manner) {
        Followed::Ended(result) => {
            session.tell(&result);
            Ok(0)
        }
        Followed::Left if interrupt.requested() => {
            say_it_goes_on(shell, &found.id);
            Ok(interrupt::EXIT_CODE)
        }
        Followed::Left => Ok(0),
        Followed::Unheard => {
            shell.error("nothing is heard of the build; `cargo cloud doctor` tells whether the socket works");
            Ok(UNHEARD)
        }
    }
}

/// What to say of a build that is left alone.
pub fn say_it_goes_on(shell: &Shell, build: &BuildId) {
    let short = short(build);
    shell.note(format!(
        "the build goes on; `cargo cloud attach {short}` follows it again, `cargo cloud cancel {short}` ends it"
    ));
}

/// Shows the output of a build that has ended.
pub fn replay(
    session: &Session,
    build: &BuildId,
    paths: &DevicePaths,
    json: bool,
    result: &BuildResult,
) -> anyhow::Result<()> {
    // What died left no log, but the backend may remember what it had heard by then.
    if !result.complete && session.backend.socket.is_some() {
        let subject = Subject { paths: paths.clone(), json, ..session.subject(build) };
        session.watch(subject, FollowMode::Watching);
        return Ok(());
    }
    let mut log = Log::new(&session.storage, &session.backend.owner, build, result.attempts);
    Printer::new(session.shell, paths, json).replay(&mut log, result.complete)?;
    Ok(())
}

/// This device's folders, if the build is one of the project one stands in.
pub fn paths_here(typed: &Invocation, asked: Option<&BuildSummary>) -> DevicePaths {
    let here = || {
        let place = Workspace::find(&typed.cli.common, &ProjectArgs::default()).ok()?;
        let key = project_key(&place.project.name, &place.project.root, &config_folder().ok()?).ok()?;
        (key.as_str() == asked?.project).then(|| device_paths(&place))
    };
    here().unwrap_or_default()
}
