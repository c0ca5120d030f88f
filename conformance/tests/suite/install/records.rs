//! Cargo's records tell how a program was built, whichever verb built it and whichever device installs it: they are those
//! that `cargo install` writes for the same command, to the byte.

use conformance::{ScenarioClient, ScenarioProject};

use super::{InstallRun, Pair};
use crate::builds::host;

/// Flags of a build: as `cargo install` has them, and as `build` has them.
const FLAGS: [(&[&str], &[&str]); 8] = [
    (&[], &[]),
    (&["--debug"], &["--profile", "dev"]),
    (&["--profile", "dev"], &["--profile", "dev"]),
    (&["--profile", "small"], &["--profile", "small"]),
    (&["--features", "loud,fast loud"], &["--features", "loud,fast loud"]),
    (&["--all-features", "--profile", "small"], &["--all-features", "--profile", "small"]),
    (&["--no-default-features", "-F", "fast"], &["--no-default-features", "-F", "fast"]),
    (&["--target", "HOST", "--debug"], &["--target", "HOST", "--profile", "dev"]),
];

fn project() -> ScenarioProject {
    ScenarioProject::hello("tool", "hello").file(
        "Cargo.toml",
        "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [features]\ndefault = [\"loud\"]\nloud = []\nfast = []\n[profile.small]\ninherits = \"release\"\nopt-level = \"s\"\n",
    )
}

/// A command line, with this machine's triple in the place of `HOST`.
fn command(verb: &[&str], flags: &[&str]) -> Vec<String> {
    let host = host();
    verb.iter().chain(flags).map(|word| if *word == "HOST" { host.clone() } else { (*word).to_owned() }).collect()
}

fn words(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

/// What `cargo install --path .` does with these flags.
fn by_cargo(pair: &Pair, project: &ScenarioProject, flags: &[&str]) -> InstallRun {
    pair.cargo(project.root(), &words(&command(&["install", "--path", "."], flags)))
}

/// Both records are there, and the two sides agree on them and on the programs.
#[track_caller]
fn assert_same(cargo: &InstallRun, cloud: &InstallRun, flags: &[&str]) {
    assert_eq!((cargo.code, cloud.code), (Some(0), Some(0)), "{flags:?}\n{}\n---\n{}", cargo.stderr, cloud.stderr);
    assert!(cargo.records[1].contains("\"rustc\":\"rustc "), "{}", cargo.records[1]);
    assert_eq!(cloud.records, cargo.records, "{flags:?}: cargo on the right");
    assert_eq!(cloud.bin, cargo.bin, "{flags:?}");
}

#[test]
fn they_tell_what_install_built() {
    let (pair, project) = (Pair::new(), project());
    for (flags, _) in FLAGS {
        pair.both_in(project.root(), &words(&command(&["install", "--path", "."], flags))).exited(0).has(&["tool"]);
    }
}

#[test]
fn they_tell_what_build_built() {
    let (pair, project) = (Pair::new(), project());
    for (install_flags, build_flags) in FLAGS {
        let cargo = by_cargo(&pair, &project, install_flags);
        let cloud = pair.cloud(project.root(), &words(&command(&["build"], build_flags)));
        assert_same(&cargo, &cloud, build_flags);
    }
}

#[test]
fn they_tell_what_another_device_had_built() {
    let (pair, project) = (Pair::new(), project());
    let phone = ScenarioClient::of(&pair.backend);
    let folder = protocol::file_url(&project.root().to_string_lossy());
    let attached = |verb: &[&str], flags: &[&str]| {
        pair.cloud(project.root(), &words(&command(verb, flags)));
        let list = phone.run(phone.home(), &["builds", "--json", "-n", "1"]).succeeded().stdout;
        let build: serde_json::Value = serde_json::from_str(&list).expect("one build");
        let (id, key) = (build["id"].as_str().expect("an id"), build["project"].as_str().expect("a project"));
        let root = phone.home().join("tools");
        let run = phone.run(phone.home(), &["attach", id, "--root", &root.to_string_lossy()]);
        let mut end = pair.end(run.code, run.stdout, run.stderr, &root);
        // The folder lies on the other device.
        let elsewhere = protocol::file_url(&format!("/cargo-cloud/{key}"));
        assert!(end.records.iter().all(|record| record.contains(&elsewhere)), "{:?}", end.records);
        end.records = end.records.map(|record| record.replace(&elsewhere, &folder));
        end
    };
    for (install_flags, build_flags) in FLAGS {
        let cargo = by_cargo(&pair, &project, install_flags);
        // Without installing the profile is cargo's own default.
        let release: &[&str] = if build_flags.contains(&"--profile") { &[] } else { &["--release"] };
        let build = [&["build", "--no-install"], release].concat();
        assert_same(&cargo, &attached(&build, build_flags), build_flags);
        assert_same(&cargo, &attached(&["install", "--path", "."], install_flags), install_flags);
    }
}
