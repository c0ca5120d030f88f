//! Flags mean what they mean in cargo, wrong ones too.

use conformance::{Project, side_by_side};

use super::{backend, workspace};

/// A flag that only cargo can judge reaches it, and its words come back.
#[test]
fn what_cargo_refuses_is_refused_in_its_words() {
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
    ] {
        side_by_side::same(&client, &workspace(), "", arguments);
    }
}

/// What the command line alone shows to be wrong is refused before anything is sent, with cargo's exit code.
#[test]
fn mistyped_flags_send_nothing() {
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
    ] {
        let run = client.run(workspace().root(), arguments);
        assert!(matches!(run.code, Some(1 | 101)), "{arguments:?}: {run:?}");
        run.says(&[near]).never_says("Uploading");
    }
}

#[test]
fn machine_readable_messages_name_the_devices_paths() {
    let (_backend, client) = backend();
    for format in ["json", "json-diagnostic-short", "short", "human"] {
        let flag = format!("--message-format={format}");
        let project = Project::hello("tool", "x").file("src/main.rs", "fn main() {\n    let unused = 1;\n}\n");
        side_by_side::same(&client, &project, "", &["check", &flag]);
    }
}
