//! AWS, as far as the suite needs it.

fn main() {}
