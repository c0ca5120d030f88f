//! What a build needs, looked at one by one, from the device outwards.

mod buckets;
mod device;
mod echo;
mod network;
mod report;
mod socket;

pub use buckets::buckets;
pub use device::{install_folder, target};
pub use echo::{Trial, versions};
pub use network::network;
pub use report::{Finding, Report};
pub use socket::socket;
