//! Installations that fail, with cargo's own messages.

use conformance::{Crate, ScenarioClient};

use super::Pair;

#[test]
fn a_spec_that_cargo_refuses_is_refused_on_the_device() {
    let pair = Pair::new();
    // Nothing may be uploaded.
    let config = pair.backend.config_with("dead", &[(&format!(":{}", pair.backend.port()), ":1")]);
    let device = Pair { client: ScenarioClient::configured(config), ..pair };
    for arguments in [
        &["tool", "--git", "https://example.com/x", "--registry", "r"][..],
        &["--git", "https://example.com/x", "--path", "."],
        &["--path", ".", "--index", "https://example.com/x", "tool"],
        &["tool", "--branch", "main"],
        &["--version", "1.0.0"],
        &["--index", "https://example.com/x"],
        &["tool", "--debug", "--profile", "dev"],
        &["tool", "--bogus"],
        &[""],
        &["@1.0.0"],
        &["tool@"],
        &["tool@1"],
        &["tool@1.x.0"],
        &["tool@v1.0.0"],
        &["tool@^y"],
        &["tool", "--version", "1.2"],
        &["tool@1.0.0", "--version", "1.0.0"],
        &["+nightly", "tool"],
        &["https://example.com/x"],
        &["."],
        &["a/b"],
        &["1tool"],
        &["tool1.0"],
        &["--git", "no url"],
        &["--git", "git@example.com:a/b"],
    ] {
        let mut arguments = arguments.to_vec();
        arguments.insert(0, "install");
        let folder = device.registry_folder();
        let (cargo, cloud) = (device.cargo(folder.path(), &arguments), device.cloud(folder.path(), &arguments));
        // The help of each command lists its own flags.
        let words = |end: &super::InstallRun| {
            let lines = end.stderr.lines().filter(|line| !line.starts_with("Usage:"));
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!((cloud.code, words(&cloud)), (cargo.code, words(&cargo)), "{arguments:?}");
    }
}

#[test]
fn a_crate_that_the_registry_lacks_is_reported_by_cargo() {
    let pair = Pair::new();
    pair.registry.publish(Crate::program("gone", "1.0.0"));
    pair.registry.yank("gone", "1.0.0");
    pair.registry.publish(Crate::new("only-lib", "1.0.0").file("src/lib.rs", ""));
    pair.registry.publish(Crate::program("modern", "1.0.0"));
    pair.registry.publish(Crate::program("modern", "2.0.0").rust_version("1.999.0"));
    pair.both(&["install", "missing"]).exited(101).says(&["could not find `missing` in registry"]);
    pair.both(&["install", "modern@3.0.0"]).exited(101).says(&["could not find `modern`", "with version `=3.0.0`"]);
    pair.both(&["install", "gone"]).exited(101).says(&["could not find `gone`"]);
    pair.both(&["install", "gone@1.0.0"]).exited(101).says(&["yanked"]);
    pair.both(&["install", "only-lib"]).exited(101).says(&["there is nothing to install in `only-lib v1.0.0`"]);
    pair.both(&["install", "modern"]).exited(101).says(&["it requires rustc 1.999.0 or newer", "`modern 1.0.0`"]);
    pair.both(&["install", "modern", "--ignore-rust-version"]).exited(0).says(&["modern v2.0.0"]);
    pair.both(&["install", "modern@1.0.0", "--locked"])
        .exited(0)
        .says(&["no Cargo.lock file published in modern v1.0.0"]);
    pair.both(&["install", "modern@1.0.0", "--offline", "--force"]).exited(0);
    pair.both(&["install", "modern", "--dry-run"]).exited(101).says(&["`--dry-run` flag is unstable"]);
    pair.both(&["install", "modern", "--registry", "unknown"]).exited(101).says(&["unknown"]);
    pair.both(&["install", "modern", "-j", "0"]).exited(101).says(&["jobs may not be 0"]);
    let index = pair.registry.index();
    pair.both(&["install", "modern@1.0.0", "--index", &index]).exited(0).says(&["registry `"]);
    pair.both(&["install", "--list"]).exited(0);
}
