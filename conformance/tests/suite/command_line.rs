//! The command line itself: help, mistakes and aliases, as in cargo.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject};

fn nowhere() -> ScenarioClient {
    ScenarioClient::configured("/nonexistent/config.toml".into())
}

#[test]
fn help_is_printed_without_arguments_and_for_every_verb() {
    let (client, project) = (nowhere(), ScenarioProject::new());
    let plain = client.run(project.root(), &[]).succeeded();
    let (code, cargo, _) = project.cargo(&[]);
    assert_eq!(code, plain.code);
    for section in ["Usage: cargo", "Options:", "Commands:"] {
        assert!(plain.stdout.contains(section) && cargo.contains(section), "{section}");
    }
    assert_eq!(client.run(project.root(), &["--help"]).succeeded().stdout, plain.stdout);
    assert_eq!(client.run(project.root(), &["help"]).succeeded().stdout, plain.stdout);
    let verbs: Vec<&str> = plain
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split([' ', ',']).next())
        .filter(|verb| !["", "help", "cargo"].contains(verb))
        .filter(|verb| verb.bytes().all(|b| b.is_ascii_lowercase()))
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs {
        let help = client.run(project.root(), &["help", verb]).succeeded().stdout;
        assert!(help.contains(&format!("Usage: cargo cloud {verb}")), "{help}");
        assert_eq!(client.run(project.root(), &[verb, "--help"]).succeeded().stdout, help);
        let short = client.run(project.root(), &[verb, "-h"]).succeeded().stdout;
        assert!(short.lines().count() <= 40, "{short}");
        for text in [&help, &short] {
            let (_, examples) = text.rsplit_once("\nExamples:\n").unwrap_or_else(|| panic!("no examples: {text}"));
            let lines: Vec<_> = examples.lines().collect();
            assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("    cargo cloud ")), "{text}");
        }
    }
}

#[test]
fn a_similar_name_is_suggested_with_the_exit_codes_of_cargo() {
    let (client, project) = (nowhere(), ScenarioProject::hello("x", "x"));
    for (arguments, near) in [
        (&["biuld"][..], "`build`"),
        (&["chekc"], "`check`"),
        (&["instal"], "`install`"),
        (&["build", "--relase"], "'--release'"),
        (&["build", "--no-instal"], "'--no-install'"),
        (&["test", "--no-rnu"], "'--no-run'"),
        (&["frobnicate"], "no such command: `frobnicate`"),
    ] {
        let run = client.run(project.root(), arguments);
        let (code, _, _) = project.cargo(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
        run.says(&[near]);
    }
}

#[test]
fn aliases_work_as_in_cargo() {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("named", "by another name").file(
        ".cargo/config.toml",
        "[alias]\nxb = \"build --no-install\"\nxr = [\"xb\", \"--release\"]\nbuild = \"fmt\"\nloop = \"pool\"\npool = [\"loop\"]\nodd = 1\n",
    );
    let client = ScenarioClient::of(&backend);
    let home = client.home().join(".cargo");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("config.toml"), "[alias]\nmine = \"build --no-install --profile dev\"\n").unwrap();
    client.run(project.root(), &["xr"]).succeeded();
    assert!(project.path("target/release/named").exists() && !project.path("target/debug/named").exists());
    client.run(project.root(), &["mine", "-v"]).succeeded();
    assert!(project.path("target/debug/named").exists());
    // An alias can't replace a verb.
    client.run(project.root(), &["build"]).succeeded().says(&["Installed package"]);
    let (code, _, stderr) = project.cargo(&["loop"]);
    let run = client.run(project.root(), &["loop"]);
    assert_eq!((run.code, run.stderr.trim_end()), (code, stderr.lines().last().unwrap_or_default()));
    client.run(project.root(), &["odd"]).exited(101).says(&["`alias.odd`"]);
    let client = client.env("CARGO_ALIAS_XB", "package --list");
    assert!(client.run(project.root(), &["xb"]).succeeded().stdout.contains("Cargo.toml"));
}
