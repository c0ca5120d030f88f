//! Folders of the device.

use std::path::Path;

use conformance::{ScenarioProject, library, program};

use super::Pair;

#[test]
fn a_folder_is_installed_from_anywhere_and_recorded_with_its_path() {
    let pair = Pair::new();
    let project = ScenarioProject::named("my project")
        .file("Cargo.toml", "[workspace]\nmembers = [\"app\", \"lib\"]\nresolver = \"3\"\n")
        .file("app/Cargo.toml", program("app") + "[dependencies]\nlib = { path = \"../lib\" }\n")
        .file("app/src/main.rs", "fn main() { println!(\"{}\", lib::N); }\n")
        .file("lib/Cargo.toml", library("lib"))
        .file("lib/src/lib.rs", "pub const N: u32 = 1;\n");
    pair.both_in(project.root(), &["install", "--path", "app"]).exited(0).has(&["app"]);
    assert_eq!(pair.client.output_of("app"), "1\n");
    project.write("lib/src/lib.rs", "pub const N: u32 = 2;\n");
    pair.both_in(&project.path("app"), &["install", "--path", "."]).exited(0).says(&["Replaced package `app v0.1.0 ("]);
    assert_eq!(pair.client.output_of("app"), "2\n");
    pair.both(&["install", "--list"]).exited(0);
    pair.both_in(project.root(), &["install", "--path", "lib"])
        .exited(101)
        .says(&["no packages found with binaries or examples"]);
    pair.both_in(project.root(), &["install", "--path", "app", "other"]).exited(101);
    project.write("app/src/main.rs", "fn main() { nonsense }\n");
    pair.both_in(project.root(), &["install", "--path", "app"]).exited(101).says(&["app/src/main.rs:1:13"]);
    // A package that was installed from a folder can be removed from that folder.
    pair.both_in(&project.path("app"), &["uninstall"]).exited(0).has(&[]);
}

#[test]
fn a_folder_without_a_package_is_refused_before_the_upload() {
    let pair = Pair::new();
    let project = ScenarioProject::hello("tool", "hello");
    pair.both_in(project.root(), &["install", "--path", "nowhere"]).exited(101).says(&["is not a directory"]);
    pair.both_in(project.root(), &["install", "--path", "src"])
        .exited(101)
        .says(&["does not contain a Cargo.toml file"]);
    pair.both_in(project.root(), &["install"]).exited(101).says(&["use `cargo install --path .` instead"]);
    pair.both_in(Path::new("/"), &["install"]).exited(101).says(&["`/` is not a crate root"]);
    let old =
        ScenarioProject::hello("old", "hello").file("Cargo.toml", "[package]\nname = \"old\"\nversion = \"0.1.0\"\n");
    pair.both_in(old.root(), &["install"]).exited(0).has(&["old"]).says(&["is deprecated"]);
}
