//! `cargo-cloud-local`.
fn main() {}
