//! Whether a program that was built can run where it is to go: looked at before it leaves, because on a phone the loader
//! says little, and nobody there has the tools to find out more.

mod elf;
mod rules;

use std::path::Path;

use crate::cargo::StdoutSummary;

pub(crate) use rules::Finding;

/// What is known of where a program is to run and of how it came about.
pub(crate) struct Destination<'a> {
    /// The triple it was built for.
    pub target: &'a str,
    /// Android API level it was built for; on other systems without meaning.
    pub android_api: u32,
    /// The device that asked, if it said so.
    pub device: Option<&'a str>,
    /// What cargo told of the build.
    pub made: &'a StdoutSummary,
}

/// What there is to say of a program. Only ELF is looked into; whether another format is the target's, the client checks.
pub(crate) fn examine(file: &Path, destination: &Destination) -> Vec<Finding> {
    let target = destination.target;
    if ["-windows", "-apple-", "-uefi"].iter().any(|system| target.contains(system)) || target.starts_with("wasm") {
        return Vec::new();
    }
    match elf::Facts::read(file) {
        Ok(facts) => rules::judge(&facts, destination),
        Err(why) => vec![Finding::Refusal(format!("it is no program for {target}: {why}"))],
    }
}

#[cfg(test)]
mod tests;
