//! `cargo cloud clean`: removes what the backend keeps between builds.

use protocol::{CargoOptions, Command, Details, ProjectKey};

use crate::args::{CleanArgs, Invocation};
use crate::interrupt::{self, Interrupt};
use crate::pipeline::{Session, Workspace, new_request, send};
use crate::terminal::Shell;

/// The project key of a request that is about all projects.
const ALL_PROJECTS: &str = "all-projects";

/// Removes what the backend keeps of this project, or of all. Returns the exit code.
///
/// # Errors
/// If there is no project, or the backend can't be reached.
pub fn clean(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &CleanArgs) -> anyhow::Result<u8> {
    let project: ProjectKey =
        if args.all { ALL_PROJECTS.parse()? } else { Workspace::find(&invocation.cli.common, &args.project)?.key()? };
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    let options = CargoOptions { color: shell.color(), ..CargoOptions::default() };
    let details = Details { all_projects: args.all, ..Details::default() };
    let build = send(&session, None, &new_request(Command::Clean, project, options, details))?;
    let result = session.follow_own(session.followed_build(&build));
    Ok(result.map_or(interrupt::EXIT_CODE, |result| result.client_exit_code()))
}
