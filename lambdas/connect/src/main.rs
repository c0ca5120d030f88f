//! The connect Lambda.

fn main() {}
