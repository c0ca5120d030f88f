//! What the client and the backends of cargo-cloud say to each other, and the pure logic both sides must agree on.
//! Nothing here does I/O or looks at a clock: times come in as arguments, so every rule can be tested, and explored,
//! step by step.

mod admission;
mod artifact;
mod capabilities;
mod cargo_options;
mod client_line;
mod command;
mod etag;
mod event;
mod failure;
mod ids;
mod install;
pub mod keys;
pub mod limits;
mod message;
pub mod messages;
mod replay;
mod request;
mod result;
mod sequencer;
mod settings;
mod summary;
mod time;
mod triple;
mod variables;

pub use admission::{admit, admit_size};
pub use artifact::{ArtifactFile, ArtifactManifest, FileKind, MANIFEST_ENTRY, PackageRef, TargetKind, TargetRef};
pub use capabilities::{Capabilities, MissingTools};
pub use cargo_options::CargoOptions;
pub use client_line::{ClientLine, InvalidLine};
pub use command::Command;
pub use etag::multipart_etag;
pub use event::{Event, EventKind, Status, Stream};
pub use failure::{FailedInvocation, FailureRecord, ResponseContext, ResponsePayload};
pub use ids::{BuildId, InvalidName, Owner, ProjectKey};
pub use install::{InstallRequest, Installed, SOURCE_URL, file_url, move_source};
pub use message::{ClientMessage, Frame};
pub use replay::Replay;
pub use request::{Details, InvalidRequest, REQUEST_ENTRY, Request, RequestFile, RequestHead, SOURCE_PREFIX};
pub use result::{ArtifactInfo, BuildResult, CacheUse, Outcome, Times};
pub use sequencer::{ClientAction, Delivery, EventSequencer};
pub use settings::BuildSettings;
pub use summary::BuildSummary;
pub use time::unix_millis;
pub use triple::runs_on;
pub use variables::is_builders_own;
