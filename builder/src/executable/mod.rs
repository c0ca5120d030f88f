//! Checks whether a program can run on its target, before it leaves the builder: on a phone the loader explains little, and
//! there are no tools to find out more.

mod elf;
mod rules;

use std::path::Path;

use crate::cargo::StdoutSummary;

pub(crate) use rules::ProgramIssue;

/// Where a program will run, and how it was built.
pub(crate) struct ProgramContext<'a> {
    /// The target triple that the program was built for.
    pub target: &'a str,
    /// The Android API level that the program was built for; unused for other systems.
    pub android_api: u32,
    /// The target triple of the device that sent the build, if it is known.
    pub device: Option<&'a str>,
    /// What cargo's messages say about the build.
    pub build: &'a StdoutSummary,
}

/// The issues of a program. Only ELF files are checked here; the client checks that another format is the target's.
pub(crate) fn check_program(file: &Path, context: &ProgramContext) -> Vec<ProgramIssue> {
    let target = context.target;
    if ["-windows", "-apple-", "-uefi"].iter().any(|system| target.contains(system)) || target.starts_with("wasm") {
        return Vec::new();
    }
    match elf::ElfHeaders::read(file) {
        Ok(headers) => rules::issues(&headers, context),
        Err(why) => vec![ProgramIssue::Refusal(format!("it is not a program for {target}: {why}"))],
    }
}

#[cfg(test)]
mod tests;
