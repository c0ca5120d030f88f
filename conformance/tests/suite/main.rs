//! The scenarios. Each starts a backend of its own and drives the real client against it.

mod attempts;
mod builds;
mod cancel;
mod concurrency;
mod device;
mod failures;
mod freshness;
mod hostile_archives;
mod hostile_builds;
mod network;
mod owners;
mod packing;
mod readme;
mod restart;
