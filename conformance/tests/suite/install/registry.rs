//! Crates of a registry.

use std::path::Path;

use conformance::{Crate, ScenarioClient, output_of};

use super::Pair;

#[test]
fn a_crate_is_installed_kept_upgraded_and_loses_binaries_that_the_new_version_lacks() {
    let pair = Pair::new();
    pair.registry.publish(Crate::new("helper", "0.3.0").file("src/lib.rs", "pub fn help() {}\n"));
    pair.registry.publish(Crate::program("tool", "1.0.0").binary("tool-extra", "extra").depends_on("helper", "0.3"));
    pair.registry.publish(Crate::program("tool", "1.1.0-beta.1"));
    let end = pair.both(&["install", "tool"]).exited(0).has(&["tool", "tool-extra"]);
    assert_eq!(pair.client.output_of("tool"), "tool 1.0.0\n");
    end.says(&[
        "Compiling helper v0.3.0",
        "Installing HOME/.cargo/bin/tool\n",
        "Installed package `tool v1.0.0` (executables `tool`, `tool-extra`)",
        "be sure to add `HOME/.cargo/bin` to your PATH",
    ]);

    pair.both(&["install", "tool"])
        .exited(0)
        .says(&["Ignored package `tool v1.0.0` is already installed, use --force"]);
    pair.both(&["install", "tool", "--force"]).exited(0).says(&["Replacing HOME/.cargo/bin/tool\n"]);
    // An exact version needs no request to the registry.
    pair.registry.requests();
    pair.cloud(Path::new("/"), &["install", "tool@1.0.0"]).exited(0).says(&["is already installed"]);
    assert_eq!(pair.registry.requests(), Vec::<String>::new());

    pair.registry.publish(Crate::program("tool", "1.2.0"));
    pair.both(&["install", "tool"]).exited(0).has(&["tool"]).says(&[
        "Replaced package `tool v1.0.0` with `tool v1.2.0` (executable `tool`)",
        "Removing executable `HOME/.cargo/bin/tool-extra` from previous version tool v1.0.0",
    ]);
    assert_eq!(pair.client.output_of("tool"), "tool 1.2.0\n");
    pair.both(&["install", "tool@1.1.0-beta.1"]).exited(0);
    assert_eq!(pair.client.output_of("tool"), "tool 1.1.0-beta.1\n");
    pair.both(&["install", "tool", "--version", "^1.0"]).exited(0);
    assert_eq!(pair.client.output_of("tool"), "tool 1.2.0\n");
    for (requirement, chosen) in
        [("=1.0.0", "1.0.0"), ("~1.1.0-0", "1.1.0-beta.1"), (">=1, <1.2", "1.0.0"), ("*", "1.2.0")]
    {
        pair.both(&["install", &format!("tool@{requirement}")]).exited(0);
        assert_eq!(pair.client.output_of("tool"), format!("tool {chosen}\n"), "{requirement}");
    }
    pair.both(&["install", "tool@^2"]).exited(101).says(&["with version `^2`"]);
    pair.both(&["install", "--list"]).exited(0);
}

#[test]
fn binaries_examples_features_and_profiles_are_chosen_as_in_cargo() {
    let pair = Pair::new();
    pair.registry.publish(
        Crate::program("many", "1.0.0")
            .binary("second", "second")
            .binary("third", "third")
            .manifest("required-features = [\"fast\"]\n")
            .features(&["fast", "loud"])
            .file("examples/show.rs", "fn main() { println!(\"{}\", cfg!(feature = \"loud\")); }\n"),
    );
    pair.both(&["install", "many", "--bin", "second"]).exited(0).has(&["second"]);
    pair.both(&["install", "many", "--bin", "second"]).exited(0).says(&["already installed"]);
    pair.both(&["install", "many"]).exited(0).has(&["many", "second"]);
    pair.both(&["install", "many", "-F", "fast"]).exited(0).has(&["many", "second", "third"]);
    pair.both(&["install", "many", "--bin", "third"]).exited(101).says(&["requires the features"]);
    pair.both(&["install", "many", "--example", "show", "--all-features", "--debug"])
        .exited(0)
        .says(&["`dev` profile"]);
    assert_eq!(pair.client.output_of("show"), "true\n");
    pair.both(&["install", "many", "--example", "none"]).exited(101);
    pair.both(&["install", "many", "--bin", "none"]).exited(101).says(&["no bin target named `none`"]);
    pair.both(&["install", "many", "-F", "none"]).exited(101).says(&["none"]);
    pair.both(&["install", "many", "--bins", "--profile", "dev", "--no-default-features"]).exited(0);
    pair.both(&["install", "many", "--profile", "none"]).exited(101).says(&["profile `none` is not defined"]);
    let end = pair.both(&["install", "many", "--message-format=json", "--force", "--bin=many"]).exited(0);
    assert!(end.stdout.contains("\"reason\":\"build-finished\""), "{}", end.stdout);
    pair.both(&["install", "many", "-q", "--force", "--bin=many"]).exited(0);
}

#[test]
fn programs_of_other_packages_are_kept_without_force() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("one", "1.0.0").binary("shared", "from one"));
    pair.registry.publish(Crate::program("two", "1.0.0").binary("shared", "from two"));
    pair.both(&["install", "one"]).exited(0);
    pair.both(&["install", "two"])
        .exited(101)
        .has(&["one", "shared"])
        .says(&["binary `shared` already exists in destination as part of `one v1.0.0`\nAdd --force to overwrite"]);
    assert_eq!(pair.client.output_of("shared"), "from one\n");
    pair.both(&["install", "two", "--force"]).exited(0).has(&["one", "shared", "two"]);
    assert_eq!(pair.client.output_of("shared"), "from two\n");
    for root in [pair.root(), pair.cargo_root()] {
        std::fs::write(root.join("bin/three"), "mine").expect("a file");
    }
    pair.registry.publish(Crate::program("three", "1.0.0"));
    pair.both(&["install", "three"]).exited(101).says(&["binary `three` already exists in destination\nAdd --force"]);
    pair.both(&["install", "three", "--no-track"]).exited(101).says(&["already exists in destination `HOME"]);
    pair.both(&["install", "three", "--no-track", "--force"]).exited(0);
    assert_eq!(pair.client.output_of("three"), "three 1.0.0\n");
    pair.both(&["install", "--list"]).exited(0);
}

#[test]
fn one_crate_that_fails_does_not_keep_others_from_being_installed() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("good", "1.0.0"));
    pair.registry.publish(Crate::program("fine", "2.0.0"));
    pair.registry.publish(Crate::new("bad", "1.0.0").file("src/main.rs", "fn main() { nonsense }\n"));
    pair.both(&["install", "good", "missing", "bad", "fine@2.0.0"]).exited(101).has(&["fine", "good"]).says(&[
        "could not find `missing`",
        "cannot find value `nonsense`",
        "Summary Successfully installed good, fine! Failed to install missing, bad (see error(s) above).",
        "error: some crates failed to install",
    ]);
    assert_eq!(pair.client.output_of("fine"), "fine 2.0.0\n");
    pair.both(&["install", "good", "fine"]).exited(0).says(&["Successfully installed good, fine!"]);
}

#[test]
fn the_option_root_chooses_the_folder() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("tool", "1.0.0"));
    let elsewhere = tempfile::tempdir().expect("a folder");
    let root = elsewhere.path().join("new folder");
    let run = pair.client.run(elsewhere.path(), &["install", "tool", "--root", "new folder"]).succeeded();
    run.says(&[&format!("Installing {}", root.join("bin/tool").display())]);
    assert_eq!(output_of(&root.join("bin/tool")), "tool 1.0.0\n");
    // The real cargo accepts the installation as its own.
    let root = root.to_str().expect("UTF-8");
    pair.cargo(elsewhere.path(), &["install", "tool", "--root", root]).exited(0).says(&["already installed"]);
    pair.cargo(elsewhere.path(), &["uninstall", "tool", "--root", root]).exited(0).says(&["Removing"]);
    pair.client.run(elsewhere.path(), &["install", "--list", "--root", root]).succeeded();
    assert!(!Path::new(root).join("bin/tool").exists());
}

#[test]
fn the_configuration_of_cargo_chooses_the_folder() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("tool", "1.0.0"));
    for root in [pair.root(), pair.cargo_root()] {
        std::fs::create_dir_all(&root).expect("a folder");
        let config = root.join("config.toml");
        let text = std::fs::read_to_string(&config).unwrap_or_default() + "[install]\nroot = \"apps/\"\n";
        std::fs::write(config, text).expect("a configuration");
    }
    // The outputs differ only in the client's note about configuration that is not uploaded.
    pair.cargo(Path::new("/"), &["install", "tool"]).exited(0).says(&["Installing HOME/apps/bin/tool\n"]);
    pair.cloud(Path::new("/"), &["install", "tool"]).exited(0).says(&["Installing HOME/apps/bin/tool\n"]);
    let apps = pair.client.home().join("apps");
    assert_eq!(output_of(&apps.join("bin/tool")), "tool 1.0.0\n");
    assert!(pair.both(&["install", "--list"]).exited(0).stdout.starts_with("tool v1.0.0:"));
    pair.both(&["install", "tool"]).exited(0).says(&["already installed"]);
    // The variable takes precedence.
    let variable = pair.client.home().join("variable");
    let client = ScenarioClient::of(&pair.backend).env("CARGO_INSTALL_ROOT", variable.to_string_lossy());
    client.run(Path::new("/"), &["install", "tool"]).succeeded();
    assert_eq!(output_of(&variable.join("bin/tool")), "tool 1.0.0\n");
    pair.both(&["uninstall", "tool"]).exited(0);
    assert!(!apps.join("bin/tool").exists());
}

#[test]
fn cargo_and_the_client_find_the_installations_of_each_other() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("tool", "1.0.0"));
    let folder = Path::new("/");
    let root = pair.cargo_root();
    let root = root.to_str().expect("UTF-8");
    pair.cargo(folder, &["install", "tool"]).exited(0);
    pair.client.run(folder, &["install", "tool", "--root", root]).succeeded().says(&["Ignored package `tool v1.0.0`"]);
    pair.registry.publish(Crate::program("tool", "1.1.0"));
    pair.client.run(folder, &["install", "tool", "--root", root]).succeeded().says(&["Replaced package `tool v1.0.0`"]);
    pair.cargo(folder, &["install", "tool"]).exited(0).says(&["Ignored package `tool v1.1.0`"]);
    pair.client.run(folder, &["uninstall", "tool", "--root", root]).succeeded();
    pair.cargo(folder, &["install", "tool"]).exited(0).says(&["Installed package `tool v1.1.0`"]);
}

#[test]
fn an_installation_continues_in_further_attempts() {
    use std::time::Duration;
    let limit = Duration::from_secs(if conformance::ScenarioBackend::start().is_one_machine() { 8 } else { 10 });
    let pair = Pair::with(conformance::ScenarioOptions { attempt_limit: Some(limit), ..Default::default() });
    let mut slow = Crate::program("slow", "1.0.0");
    for n in 0..16 {
        let name = format!("part{n}");
        let build = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); std::thread::sleep(std::time::Duration::from_millis(1500)); }\n";
        pair.registry.publish(Crate::new(&name, "1.0.0").file("build.rs", build).file("src/lib.rs", ""));
        slow = slow.depends_on(&name, "1");
    }
    pair.registry.publish(slow);
    let end = pair.cloud(Path::new("/"), &["install", "slow", "-j", "2"]).exited(0).has(&["slow"]);
    assert!(pair.backend.output("/2/log.jsonl").is_some(), "there was a second attempt");
    assert_eq!(end.stderr.matches("Installed package `slow v1.0.0`").count(), 1, "{}", end.stderr);
    assert_eq!(pair.client.output_of("slow"), "slow 1.0.0\n");
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn a_crate_is_installed_for_a_tablet() {
    let env = conformance::android::environment();
    let pair = Pair::with(conformance::ScenarioOptions { env, ..Default::default() });
    pair.registry.publish(Crate::program("tool", "1.0.0"));
    let target = "aarch64-linux-android";
    pair.cloud(Path::new("/"), &["install", "tool", "--target", target]).exited(0).has(&["tool"]);
    let bytes = std::fs::read(pair.client.installed("tool")).expect("a program");
    assert_eq!(u16::from_le_bytes([bytes[18], bytes[19]]), 183, "EM_AARCH64 of elf.h");
    pair.cloud(Path::new("/"), &["install", "tool", "--target", target]).exited(0).says(&["already installed"]);
    // For another target the program differs.
    pair.cloud(Path::new("/"), &["install", "tool"]).exited(0).says(&["Replaced package"]);
    assert_eq!(pair.client.output_of("tool"), "tool 1.0.0\n");
}
