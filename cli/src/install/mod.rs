//! What was built, onto the device.

mod artifact;
mod bookkeeping;
mod executable;
mod ledger;
pub mod left;
mod lock;
mod lockfile;
mod package_id;
mod place;
mod root;
mod spec;
mod takeover;

pub use artifact::Artifact;
pub use bookkeeping::{Installation, Provenance};
pub use executable::check as check_executable;
pub use ledger::{Detail, Records};
pub use lockfile::{sha256_of, write_back};
pub use package_id::PackageId;
pub use place::{Staged, below, single_name};
pub use root::InstallRoot;
pub use spec::{Spec, of_folder};
pub use takeover::{Arrived, InstalledSnapshot, take_over};
