//! The targets that a build is for, and the one check of whether the backend builds for them.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::{Capabilities, Command, Request};
use toml::Table;

use super::session::Session;
use crate::interrupt::Interrupt;
use crate::project::CargoConfig;
use crate::{device, environment};

/// The targets of a build.
pub struct BuildTargets {
    /// The triples for `--target` on the builder; empty if none was chosen.
    pub chosen: Vec<String>,
    /// The device's own triple, if there is one. It is the target if none was chosen.
    pub device: Option<String>,
}

impl BuildTargets {
    /// The first that is given: `--target`, `--config`, `CARGO_BUILD_TARGET`, cargo's configuration, this device.
    ///
    /// # Errors
    /// If a target can't be sent, or none is given and this device has none.
    pub fn choose(flag: &[String], arguments: &[Table], config: &CargoConfig) -> anyhow::Result<Self> {
        let from_argument = || {
            let found = arguments.iter().rev().find_map(|table| table.get("build")?.get("target"));
            match found {
                Some(toml::Value::String(one)) => vec![one.clone()],
                Some(toml::Value::Array(list)) => {
                    list.iter().filter_map(|one| one.as_str()).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            }
        };
        let device = device::triple();
        let candidates = [
            flag.to_vec(),
            from_argument(),
            environment::variable("CARGO_BUILD_TARGET").into_iter().collect(),
            config.targets(),
        ];
        let mut chosen = candidates.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
        for name in &mut chosen {
            // Cargo's name for the machine on which it is typed.
            if matches!(name.as_str(), "host-tuple") {
                name.clone_from(device.as_ref().context("this device's target is unknown; name a target")?);
            }
            if name.ends_with(".json") {
                bail!("the target specification `{name}` can't be sent; name one of rustc's own targets");
            }
        }
        if chosen.is_empty() && device.is_none() {
            bail!("cargo-cloud doesn't know the Rust target of this device; name one with --target TRIPLE");
        }
        Ok(Self { chosen, device })
    }
}

/// The question to the backend whether it builds for the targets of a request. It is asked in the background.
pub struct TargetCheck {
    targets: Vec<String>,
    command: Command,
    backend: String,
    answer: JoinHandle<Option<Capabilities>>,
    interrupt: Interrupt,
}

impl TargetCheck {
    /// Asks the backend what it can build.
    pub fn start(session: &Session, request: &Request) -> Self {
        let storage = session.storage.clone();
        Self {
            targets: request.targets().map(str::to_owned).collect(),
            command: request.command,
            backend: session.backend.name.clone(),
            answer: thread::spawn(move || storage.capabilities()),
            interrupt: session.interrupt.clone(),
        }
    }

    /// Waits for the answer. Without one in time, the backend itself decides once it has the source.
    ///
    /// # Errors
    /// If the backend can't build for a target: what it lacks, and what to do about it.
    pub fn finish(self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.answer.is_finished() && begun.elapsed() < PATIENCE && !self.interrupt.requested() {
            thread::sleep(Duration::from_millis(5));
        }
        let answer = if self.answer.is_finished() { self.answer.join().ok().flatten() } else { None };
        let can = answer.unwrap_or_default();
        for target in &self.targets {
            if target.is_empty() {
                let known: String = can.linkable().map(|known| format!("\n    {known}")).collect();
                let known = match known.as_str() {
                    "" => String::new(),
                    known => format!("\n\nThe backend `{}` builds for:{known}", self.backend),
                };
                bail!("\"--target\" takes a target architecture as an argument.{known}");
            }
            // Nothing is known without an answer.
            if !can.host.is_empty()
                && let Some(why) = can.refusal(self.command, target)
            {
                match suggestion(target, &can) {
                    Some(known) => bail!("{}. Did you mean `{known}`?", why.trim_end_matches('.')),
                    None => bail!("{why}"),
                }
            }
        }
        Ok(())
    }
}

/// How long the answer is waited for once the source is listed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many edits a mistyped target may be away from the one that is suggested.
const SIMILAR: usize = 3;

/// The target that the user may have meant, if the backend doesn't know this one.
fn suggestion<'a>(target: &str, can: &'a Capabilities) -> Option<&'a str> {
    let distances = can.known().map(|known| (strsim::osa_distance(known, target), known));
    let (distance, known) = distances.min_by_key(|(distance, _)| *distance)?;
    (1..=SIMILAR).contains(&distance).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_target_gets_a_suggestion() {
        let targets = ["aarch64-linux-android", "x86_64-unknown-linux-gnu"].map(str::to_owned).to_vec();
        let can = Capabilities { targets, ..Capabilities::new("x86_64-unknown-linux-gnu", "0.1.0") };
        assert_eq!(suggestion("aarch64-linux-andriod", &can), Some("aarch64-linux-android"));
        assert_eq!(suggestion("riscv64gc-unknown-linux-gnu", &can), None);
        assert_eq!(suggestion("aarch64-linux-android", &can), None, "it is known: something else is missing");
    }
}
