//! `cargo cloud logs`: prints what a build has printed.

use crate::args::{Invocation, LogsArgs};
use crate::builds::{BuildState, find};
use crate::follow::{FollowMode, Followed, FollowedBuild};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::{Session, paths_of_current_project};
use crate::terminal::Shell;

/// The exit code when the backend couldn't be heard.
const EXIT_UNREACHABLE: u8 = 101;

/// Prints a build's output on the stream on which the build printed it. Returns the exit code, which says nothing about
/// the build's.
///
/// # Errors
/// If there is no such build, or its log can't be read.
pub fn logs(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &LogsArgs) -> anyhow::Result<u8> {
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    session.stop_on_interrupt();
    let found = find(&session.storage, &session.clock, &session.backend.owner, &args.build)?;
    let paths = paths_of_current_project(invocation, found.summary());
    let build = FollowedBuild { paths, ..session.followed_build(&found.id) };
    if let BuildState::Ended(result) = &found.state {
        session.replay(build, result)?;
        session.report_outcome(result);
        return Ok(0);
    }
    let mode = if args.follow { FollowMode::Watch } else { FollowMode::CatchUp };
    if mode == FollowMode::CatchUp && session.backend.socket.is_none() {
        anyhow::bail!(
            "the backend `{}` has no socket, so a build's output can be read only after its end; `--follow` waits for that",
            session.backend.name
        );
    }
    match session.follow(build, mode) {
        Followed::Ended(result) => {
            session.report_outcome(&result);
            Ok(0)
        }
        Followed::Left if interrupt.requested() => {
            session.note_build_continues(&found.id);
            Ok(interrupt::EXIT_CODE)
        }
        Followed::Left => Ok(0),
        Followed::Unreachable => {
            shell.error("nothing is heard of the build; `cargo cloud doctor` tells whether the socket works");
            Ok(EXIT_UNREACHABLE)
        }
    }
}
