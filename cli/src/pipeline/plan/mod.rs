//! Plans a job before anything is sent: which project or crates, for which targets, with which flags.

mod install;
mod project;
mod resume;
mod variables;
mod workspace;

use protocol::limits::PROTOCOL_VERSION;
use protocol::{CargoOptions, Command, Details, ProjectKey, Request};

pub use install::InstallContext;
pub use workspace::{Workspace, paths_of_current_project};

/// A request of this version of the client.
pub fn new_request(command: Command, project: ProjectKey, options: CargoOptions, details: Details) -> Request {
    Request {
        protocol: PROTOCOL_VERSION,
        client: env!("CARGO_PKG_VERSION").to_owned(),
        command,
        project,
        options,
        details,
    }
}
