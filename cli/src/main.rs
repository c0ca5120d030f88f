//! `cargo cloud`.
fn main() {}
