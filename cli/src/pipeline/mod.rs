//! The life of a build on the client's side: plan the job, pack and send its source, follow the build, deliver what it
//! made. Verbs call this, and so does `doctor`.

mod attach;
mod deliver;
mod execute;
mod follow;
mod job;
mod open_documentation;
mod pack;
mod plan;
mod run;
mod send;
mod session;
mod targets;

pub use attach::deliver_elsewhere;
pub use deliver::download;
pub use job::BuildJob;
pub use pack::{ProjectSource, report_listing};
pub use plan::{InstallContext, Workspace, new_request, paths_of_current_project};
pub use run::{finish, run};
pub use send::send;
pub use session::Session;
