//! The settings of a build that `cargo install` records with what it installs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{CargoOptions, Command, Request};

/// Profile and features of a build, in the form of cargo's record of installed programs (`.crates2.json`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildSettings {
    /// Name of the profile: `release`, `dev`, `test`, `bench` or one that the project defines.
    pub profile: String,
    /// Features named with `--features`, each once.
    pub features: BTreeSet<String>,
    /// Whether `--all-features` turned on every feature.
    pub all_features: bool,
    /// Whether `--no-default-features` left the default feature off.
    pub no_default_features: bool,
}

impl BuildSettings {
    /// The settings that cargo uses for a request.
    pub fn of(request: &Request) -> Self {
        let options = &request.options;
        // Cargo accepts several features in one value, separated by commas or spaces.
        let features = options.features.iter().flat_map(|value| value.split([',', ' ']));
        Self {
            profile: profile(request.command, options, request.details.install.as_ref().is_some_and(|it| it.debug)),
            features: features.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            all_features: options.all_features,
            no_default_features: options.no_default_features,
        }
    }
}

/// The profile that cargo chooses; `debug` is the flag of that name, which only `cargo install` has.
fn profile(command: Command, options: &CargoOptions, debug: bool) -> String {
    let name = match (options.profile.as_deref(), command) {
        (Some(name), _) => name,
        (None, _) if options.release => "release",
        (None, Command::Install) if !debug => "release",
        (None, Command::Test) => "test",
        (None, Command::Bench) => "bench",
        (None, _) => "dev",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Details, InstallRequest};

    fn settings(command: Command, options: CargoOptions, debug: bool) -> BuildSettings {
        let install = (command == Command::Install).then(|| InstallRequest { debug, ..InstallRequest::default() });
        BuildSettings::of(&Request {
            protocol: 1,
            client: String::new(),
            command,
            project: "k-1".parse().unwrap(),
            options,
            details: Details { install, ..Details::default() },
        })
    }

    #[test]
    fn the_profile_is_the_one_cargo_chooses() {
        let profile = |command, options: CargoOptions, debug| settings(command, options, debug).profile;
        let release = CargoOptions { release: true, ..CargoOptions::default() };
        let custom = CargoOptions { profile: Some("dist".to_owned()), ..CargoOptions::default() };
        assert_eq!(profile(Command::Build, CargoOptions::default(), false), "dev");
        assert_eq!(profile(Command::Build, release, false), "release");
        assert_eq!(profile(Command::Build, custom.clone(), false), "dist");
        assert_eq!(profile(Command::Test, CargoOptions::default(), false), "test");
        assert_eq!(profile(Command::Bench, CargoOptions::default(), false), "bench");
        assert_eq!(profile(Command::Install, CargoOptions::default(), false), "release");
        assert_eq!(profile(Command::Install, CargoOptions::default(), true), "dev");
        assert_eq!(profile(Command::Install, custom, false), "dist");
    }

    #[test]
    fn features_are_single_names_each_once() {
        let options = CargoOptions {
            features: vec!["b,a".to_owned(), "a  dep/c".to_owned(), String::new()],
            no_default_features: true,
            ..CargoOptions::default()
        };
        let settings = settings(Command::Build, options, false);
        assert_eq!(settings.features.iter().collect::<Vec<_>>(), ["a", "b", "dep/c"]);
        assert!(settings.no_default_features && !settings.all_features);
    }
}
