//! Flags work as in cargo, including wrong ones.

use conformance::{ScenarioClient, ScenarioProject, side_by_side};

use super::{backend, workspace};

/// A flag that only cargo can check reaches cargo, and its message comes back.
#[test]
fn flags_that_cargo_refuses_are_refused_with_its_words() {
    let (_backend, client) = backend();
    for arguments in [
        &["check", "-p", "nobody"][..],
        &["check", "--bin", "nobody"],
        &["check", "-F", "nobody"],
        &["check", "--profile", "nobody"],
        &["check", "--locked"],
        &["check", "-j", "none"],
        &["check", "--message-format", "nonsense"],
        &["check", "-Z", "nonsense"],
        &["run", "--bin", "nobody"],
        &["run", "-p", "util"],
        &["test", "--test", "nobody"],
        &["doc", "--bin", "nobody"],
        &["check", "--exclude", "app"],
        &["check", "--manifest-path", "app"],
        &["check", "--manifest-path", "app/src/main.rs/Cargo.toml"],
        &["build", "--no-install", "--artifact-dir", "out"],
        // Without a value these flags list what exists.
        &["check", "-p"],
        &["run", "--bin"],
        &["run", "--example"],
        &["test", "--test"],
        &["bench", "--bench"],
    ] {
        let at_home: Vec<&str> = arguments.iter().copied().filter(|flag| *flag != "--no-install").collect();
        let (home, cloud) = side_by_side::both(&client, &workspace(), "", &at_home, arguments);
        assert_ne!(home.code, Some(0), "{arguments:?}");
        home.assert_is(&cloud, arguments);
    }
}

/// A mistake that the command line alone shows is refused before the upload, with cargo's exit code.
#[test]
fn a_mistyped_flag_uploads_nothing() {
    let (_backend, client) = backend();
    for (arguments, near) in [
        (&["check", "--relase"][..], "--release"),
        (&["biuld"], "build"),
        (&["test", "--no-rnu"], "--no-run"),
        (&["check", "--release", "--profile", "dev"], "--profile"),
        (&["check", "-q", "-v"], "--quiet"),
        (&["test", "--keep-going"], "--no-fail-fast"),
        (&["clippy", "--fix"], "--fix"),
        (&["fmt"], "--check"),
        (&["check", "--target"], "takes a target architecture"),
    ] {
        let run = client.run(workspace().root(), arguments);
        assert!(matches!(run.code, Some(1 | 101)), "{arguments:?}: {run:?}");
        run.says(&[near]).never_says("Uploading");
    }
}

#[test]
fn machine_readable_messages_name_the_devices_paths() {
    let (_backend, client) = backend();
    for format in [
        "json",
        "JSON",
        "json-diagnostic-short",
        "json-diagnostic-rendered-ansi",
        "json-render-diagnostics",
        "json,json-diagnostic-rendered-ansi",
        "short",
        "human",
    ] {
        let flag = format!("--message-format={format}");
        let project = ScenarioProject::hello("tool", "x").file("src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
        side_by_side::same(&client, &project, "", &["check", &flag]);
    }
}

/// The client's help lists the flags of cargo's help in the same sections, except for those left out on purpose.
#[test]
fn help_lists_the_flags_that_cargo_lists() {
    let client = ScenarioClient::configured("/nonexistent/config.toml".into());
    let project = ScenarioProject::new();
    for verb in ["build", "check", "clippy", "test", "bench", "doc", "run", "install", "uninstall"] {
        // Clippy's own help omits the flags that it shares with `check`.
        let (code, theirs, _) = project.cargo(&[if verb == "clippy" { "check" } else { verb }, "--help"]);
        let ours = client.run(project.root(), &[verb, "--help"]).succeeded().stdout;
        assert_eq!(code, Some(0));
        // A flag of nightly cargo, an alias, and flags that only unlock unstable features.
        let left_out =
            |flag: &String| matches!((verb, flag.as_str()), (_, "--unit-graph" | "--all") | ("uninstall", "-Z"));
        let missing: Vec<_> =
            flags(&theirs).into_iter().filter(|flag| !left_out(flag) && !flags(&ours).contains(flag)).collect();
        assert!(missing.is_empty(), "{verb}: {missing:?} missing in:\n{ours}");
        let usage = |help: &str| help.lines().find(|line| line.starts_with("Usage: ")).unwrap_or_default().to_owned();
        if verb != "clippy" {
            assert_eq!(usage(&ours).replace("cargo cloud", "cargo"), usage(&theirs));
        }
        let theirs = sections(&theirs);
        let ours: Vec<String> = sections(&ours).into_iter().filter(|section| theirs.contains(section)).collect();
        assert_eq!(ours, theirs, "{verb}");
    }
}

/// The flags that a help text lists.
fn flags(help: &str) -> Vec<String> {
    let listed = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = listed.flat_map(|line| line.split_whitespace().take_while(|word| word.starts_with('-')));
    words.map(|word| word.trim_end_matches([',', '.']).to_owned()).collect()
}

fn sections(help: &str) -> Vec<String> {
    let heads = help.lines().filter(|line| !line.starts_with(' ') && line.ends_with(':'));
    heads.map(str::to_owned).collect()
}
