//! What a build needs, checked one by one: the device, the network, the buckets, the socket, and a trial build.

mod backend;
mod buckets;
mod device;
mod network;
mod report;
mod socket;
mod trial_build;

pub use backend::backend;
pub use device::{configuration, install_folder};
pub use report::{CheckOutcome, DoctorReport};
