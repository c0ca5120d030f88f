//! The compile Lambda.

fn main() {}
