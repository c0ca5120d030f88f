//! The scenarios. Each starts a backend of its own and drives the real client against it.

mod afterwards;
mod android;
mod attempts;
mod builds;
mod cancel;
mod clean;
mod command_line;
mod commands;
mod concurrency;
mod configure;
mod device;
mod doctor;
mod failures;
mod freshness;
mod hostile_archives;
mod hostile_builds;
mod install;
mod memory;
mod network;
mod owners;
mod packing;
mod readme;
mod restart;

/// What tells that a build has to wait for others. Only a backend with a queue of its own knows its place; to Lambda's
/// the platform can't look.
fn queued(backend: &conformance::ScenarioBackend) -> &'static str {
    if backend.is_one_machine() { "Queued" } else { "Uploading" }
}
