//! The targets that a build is for, and the one check of whether the backend builds for them.

use anyhow::{Context, bail};
use toml::Table;

use crate::config::Backend;
use crate::project::CargoConfig;
use crate::{device, environment};

/// What is built for.
pub struct Targets {
    /// `--target` for the builder.
    pub named: Vec<String>,
    /// The device's own triple, where it is known.
    pub device: Option<String>,
}

impl Targets {
    /// The flag's targets, else those of `--config`, of `CARGO_BUILD_TARGET`, of the configuration.
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
        let mut named = candidates.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
        for name in &mut named {
            // Cargo's word for the machine one sits at.
            if matches!(name.as_str(), "host-tuple") {
                name.clone_from(device.as_ref().context("the kind of this device is not known; name a target")?);
            }
            if name.ends_with(".json") {
                bail!("the target specification `{name}` can't be sent; name one of rustc's own targets");
            }
        }
        if named.is_empty() && device.is_none() {
            bail!(
                "there is no Rust target for this kind of device that cargo-cloud knows; name one with --target TRIPLE"
            );
        }
        Ok(Self { named, device })
    }

    /// Before anything is sent: what the configuration knows that the backend can't build.
    pub fn refuse_unknown(&self, backend: &Backend) -> anyhow::Result<()> {
        let device = self.device.iter().filter(|_| self.named.is_empty());
        for target in self.named.iter().chain(device) {
            if target.is_empty() {
                let known: String = backend.targets.iter().map(|known| format!("\n    {known}")).collect();
                bail!(
                    "\"--target\" takes a target architecture as an argument.\n\nThe backend `{}` builds for:{known}",
                    backend.name
                );
            }
            if !backend.targets.is_empty() && !backend.targets.contains(target) {
                bail!(
                    "the backend `{}` can't build for `{target}`; it builds for {}. {}If that has changed, write its \
                     configuration anew (the embedded backend does, started with --client-config)",
                    backend.name,
                    backend.targets.join(", "),
                    near(target, &backend.targets)
                );
            }
        }
        Ok(())
    }
}

/// A target that was mistyped is this far from what was meant, at most.
const SIMILAR: usize = 3;

/// A question that names the target that may have been meant.
fn near(target: &str, known: &[String]) -> String {
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
    fn a_mistyped_target_is_recognised() {
        let known = ["aarch64-linux-android", "x86_64-unknown-linux-gnu"].map(str::to_owned);
        assert_eq!(near("aarch64-linux-andriod", &known), "Did you mean `aarch64-linux-android`? ");
        assert_eq!(near("riscv64gc-unknown-linux-gnu", &known), "");
    }
}
