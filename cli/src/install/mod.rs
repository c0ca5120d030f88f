//! Puts what was built onto the device, and keeps cargo's records of what is installed.

mod artifact;
mod cargo_lock;
mod executable_format;
mod file_lock;
mod installation;
mod package_id;
mod package_spec;
mod programs;
mod records;
mod root;
mod snapshot;
mod staged;
pub mod unpacked;

pub use artifact::Artifact;
pub use cargo_lock::{sha256_of, write_back};
pub use executable_format::check_executable;
pub use installation::Installation;
pub use package_id::PackageId;
pub use package_spec::{PackageSpec, installed_from_folder};
pub use programs::InstallPolicy;
pub use records::{InstallDetail, InstallRecords};
pub use root::InstallRoot;
pub use snapshot::InstalledSnapshot;
pub use staged::{StagedFile, StagedProgram, below, is_file_name};
