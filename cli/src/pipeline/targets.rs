//! The targets that a build is for, and the one check of whether the backend builds for them.

use anyhow::{Context, bail};
use protocol::Request;
use toml::Table;

use crate::config::Backend;
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

/// Checks, before anything is sent, that the backend builds for the targets of a request.
///
/// # Errors
/// With the first target that the configuration's list doesn't have.
pub fn check_supported(request: &Request, backend: &Backend) -> anyhow::Result<()> {
    for target in request.targets() {
        if target.is_empty() {
            let known: String = backend.targets.iter().map(|known| format!("\n    {known}")).collect();
            bail!(
                "\"--target\" takes a target architecture as an argument.\n\nThe backend `{}` builds for:{known}",
                backend.name
            );
        }
        if !backend.targets.is_empty() && !backend.targets.iter().any(|known| known == target) {
            bail!(
                "the backend `{}` can't build for `{target}`; it builds for {}. {}If that has changed, write its \
                 configuration anew (the embedded backend does, started with --client-config)",
                backend.name,
                backend.targets.join(", "),
                suggestion(target, &backend.targets)
            );
        }
    }
    Ok(())
}

/// How many edits a mistyped target may be away from the one that is suggested.
const SIMILAR: usize = 3;

/// A question that names the target that the user may have meant, or nothing.
fn suggestion(target: &str, known: &[String]) -> String {
    let distances = known.iter().map(|known| (strsim::osa_distance(known, target), known));
    match distances.filter(|(distance, _)| *distance <= SIMILAR).min_by_key(|(distance, _)| *distance) {
        Some((_, known)) => format!("Did you mean `{known}`? "),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_target_gets_a_suggestion() {
        let known = ["aarch64-linux-android", "x86_64-unknown-linux-gnu"].map(str::to_owned);
        assert_eq!(suggestion("aarch64-linux-andriod", &known), "Did you mean `aarch64-linux-android`? ");
        assert_eq!(suggestion("riscv64gc-unknown-linux-gnu", &known), "");
    }
}
