//! `cargo cloud clean`: removes what the backend keeps between builds.

use protocol::limits::PROTOCOL_VERSION;
use protocol::{CargoOptions, Command, Details, ProjectKey, Request};

use crate::args::{CleanArgs, Invocation};
use crate::config::config_folder;
use crate::interrupt::{self, Interrupt};
use crate::pipeline::Session;
use crate::pipeline::plan::Workspace;
use crate::pipeline::send as sending;
use crate::project::project_key;
use crate::terminal::Shell;

/// In the place of a project, where all are meant.
const ALL: &str = "all-projects";

/// Has it removed. Returns the exit code.
pub fn clean(shell: &Shell, interrupt: &Interrupt, typed: &Invocation, args: &CleanArgs) -> anyhow::Result<u8> {
    let project: ProjectKey = if args.all {
        ALL.parse()?
    } else {
        let place = Workspace::find(&typed.cli.common, &args.project)?;
        project_key(&place.project.name, &place.project.root, &config_folder()?)?
    };
    let session = Session::open(shell, interrupt, typed.cli.common.backend.as_deref())?;
    let request = Request {
        protocol: PROTOCOL_VERSION,
        client: env!("CARGO_PKG_VERSION").to_owned(),
        command: Command::Clean,
        project,
        options: CargoOptions { color: shell.color(), ..CargoOptions::default() },
        details: Details { all_projects: args.all, ..Details::default() },
    };
    let build = sending::send_request(&session, &request)?;
    let Some(result) = session.follow(session.subject(&build)) else { return Ok(interrupt::EXIT_CODE) };
    Ok(result.client_exit_code())
}
