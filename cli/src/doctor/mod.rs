//! What a build needs, looked at one by one, from the device outwards.

mod buckets;
mod device;
mod network;
mod report;
mod socket;
mod trial_build;

pub use buckets::buckets;
pub use device::{install_folder, target};
pub use network::network;
pub use report::{CheckOutcome, DoctorReport};
pub use socket::socket;
pub use trial_build::{TrialBuild, versions};
