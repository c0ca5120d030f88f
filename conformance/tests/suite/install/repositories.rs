//! Crates of git repositories.

use std::path::Path;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions};

use super::Pair;

#[test]
fn branches_tags_and_commits_are_installed() {
    let pair = Pair::new();
    let repository = pair.registry.repository("tool.git");
    let first = repository.program("tool", "1.0.0", "first").commit();
    repository.git(&["tag", "v1"]);
    repository.git(&["switch", "--quiet", "-c", "next"]);
    repository.program("tool", "2.0.0", "branch").commit();
    repository.git(&["switch", "--quiet", "main"]);
    repository.program("tool", "1.5.0", "main").commit();
    let url = repository.url.as_str();
    let output = || pair.client.output_of("tool");
    pair.both(&["install", "--git", url]).exited(0).has(&["tool"]);
    assert_eq!(output(), "main\n");
    pair.both(&["install", "--git", url]).exited(0).says(&["already installed"]);
    pair.both(&["install", "--git", url, "--tag", "v1"]).exited(0);
    assert_eq!(output(), "first\n");
    pair.both(&["install", "--git", url, "--branch", "next", "tool"]).exited(0);
    assert_eq!(output(), "branch\n");
    pair.both(&["install", "--git", url, "--rev", &first]).exited(0);
    assert_eq!(output(), "first\n");
    pair.both(&["install", "--list"]).exited(0);
    // A further commit changes the program.
    repository.program("tool", "1.5.0", "later").commit();
    pair.both(&["install", "--git", url]).exited(0).says(&["Compiling tool", "Replaced package"]);
    assert_eq!(output(), "later\n");
    // The same for a commit that was compiled before.
    pair.both(&["install", "--git", url, "--rev", &first]).exited(0);
    assert_eq!(output(), "first\n");
    pair.both(&["install", "--git", url, "--tag", "v9"]).exited(101);
    pair.both(&["install", "--git", url, "other"]).exited(101).says(&["could not find `other`"]);
    pair.both(&["uninstall", "tool"]).exited(0).has(&[]);
}

#[test]
fn one_of_several_packages_has_to_be_named() {
    let pair = Pair::new();
    let repository = pair.registry.repository("several");
    for name in ["one", "two"] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        repository.file(&format!("{name}/Cargo.toml"), &manifest);
        repository.file(&format!("{name}/src/main.rs"), "fn main() { println!(\"{}\", env!(\"CARGO_PKG_NAME\")); }\n");
    }
    repository.file("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"3\"\n").commit();
    let url = repository.url.as_str();
    pair.both(&["install", "--git", url]).exited(101).says(&["multiple packages with binaries found: one, two"]);
    pair.both(&["install", "--git", url, "two"]).exited(0).has(&["two"]);
    assert_eq!(pair.client.output_of("two"), "two\n");
    pair.both(&["install", "--git", url, "one", "two"]).exited(0).has(&["one", "two"]);
}

#[test]
fn a_repository_that_needs_a_password_fails_at_once_with_a_remedy() {
    let pair = Pair::new();
    let url = pair.registry.url("private.git");
    let end = pair.both(&["install", "--git", &url]).exited(101);
    end.says(&["failed to authenticate when downloading repository"]);
    let run = pair.client.run(Path::new("/"), &["install", "--git", &url]).exited(101);
    run.says(&["passwords, keys and tokens", "cargo cloud install --path"]);
    // Git itself would ask for the password.
    let env = [("CARGO_NET_GIT_FETCH_WITH_CLI", "true"), ("CARGO_NET_RETRY", "0")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let config = Some(pair.registry.cargo_config());
    let backend = ScenarioBackend::with(ScenarioOptions { cargo_config: config, env, ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let run = client.run(Path::new("/"), &["install", "--git", &url]).exited(101);
    run.says(&["terminal prompts disabled", "cargo cloud install --path"]);
    let missing = pair.registry.url("missing.git");
    client.run(Path::new("/"), &["install", "--git", &missing]).exited(101).says(&["missing.git"]);
}
