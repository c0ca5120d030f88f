//! The disconnect Lambda.

fn main() {}
