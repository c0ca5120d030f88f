//! The engine on real, tiny crates: no network, no dependencies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, in a harness clippy doesn't know")]

mod builds;
mod deaths;
mod endings;
mod support;

use libtest_mimic::{Arguments, Trial};

fn main() {
    cargo_cloud_builder::supervisor_main_if_asked();
    if deaths::backend_main_if_asked() {
        return;
    }
    let args = Arguments::from_args();
    let tests: Vec<(&str, fn())> = [builds::TESTS, deaths::TESTS, endings::TESTS].concat();
    let trials = tests
        .into_iter()
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
        })
        .collect();
    libtest_mimic::run(&args, trials).exit();
}
