//! Commands that work locally work the same with a backend.

use conformance::{ScenarioProject, program, side_by_side};

use super::{backend, with_registry, workspace};

#[test]
fn every_command_prints_and_does_the_same_as_cargo() {
    let (_backend, client) = backend();
    for (folder, arguments) in [
        ("", &["check"][..]),
        ("", &["check", "--workspace", "--all-targets"]),
        ("app", &["check", "-p", "app", "--features", "loud"]),
        ("", &["clippy", "--workspace", "--", "-D", "warnings"]),
        ("", &["test"]),
        ("app", &["test"]),
        ("", &["test", "doubles"]),
        ("", &["test", "-p", "util", "--lib", "--", "--ignored"]),
        ("", &["test", "--doc"]),
        ("", &["test", "--no-run"]),
        ("", &["test", "-q", "-p", "util"]),
        ("", &["bench", "-p", "util"]),
        ("", &["run"]),
        ("app", &["run", "--", "--one", "two"]),
        ("app", &["run", "--example", "demo"]),
        ("app/src", &["run", "--release", "-F", "loud"]),
        ("util", &["run"]),
        ("", &["fmt", "--check"]),
        ("", &["fmt", "--all", "--check"]),
        ("", &["doc", "--no-deps", "--workspace"]),
        ("app", &["doc", "--document-private-items"]),
        ("app", &["run", "one", "--two"]),
        ("", &["test", "--lib", "--", "--nocapture", "--test-threads=1"]),
        ("", &["test", "--", "--list"]),
        ("", &["check", "-p", "[au]*"]),
        ("", &["check", "--workspace", "--exclude", "app"]),
    ] {
        side_by_side::same(&client, &workspace(), folder, arguments);
    }
    // Programs are in the folder where cargo puts them.
    let project = workspace();
    let (home, cloud) = side_by_side::both(&client, &project, "", &["build"], &["build", "--no-install"]);
    assert_eq!(home, cloud);
    assert_eq!(conformance::output_of(&project.path("target/debug/app")), "42 [] false\n");
}

#[test]
fn files_that_cargo_finds_around_the_package_are_found() {
    let (_backend, client) = backend();
    let manifest = program("tool");
    // Dependencies of dependencies by path, a patch, inherited settings, build scripts, a vendored registry.
    let project = with_registry(ScenarioProject::new(), &[("leaf", "", "pub const LEAF: u32 = 1;\n")])
        .file(
            "Cargo.toml",
            format!("{manifest}[dependencies]\nnear = {{ path = \"../near\" }}\nleaf = \"1\"\n[patch.crates-io]\nfar = {{ path = \"../far\" }}\n"),
        )
        .file("src/main.rs", "fn main() {\n    println!(\"{} {}\", near::near(), include_str!(\"../../shared.txt\").trim());\n}\n")
        .file("../shared.txt", "shared\n")
        .file("../near/Cargo.toml", "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nfar = \"0.2\"\n")
        .file("../near/src/lib.rs", "pub fn near() -> u32 {\n    far::FAR\n}\n")
        .file("../far/Cargo.toml", "[package]\nname = \"far\"\nversion = \"0.2.0\"\nedition = \"2021\"\n")
        .file("../far/build.rs", "fn main() {\n    println!(\"cargo::rustc-env=FAR=7\");\n}\n")
        .file("../far/src/lib.rs", "pub const FAR: u32 = env!(\"FAR\").len() as u32;\n");
    project
        .write("Cargo.toml", project.read("Cargo.toml") + "[package.metadata.cloud]\ninclude = [\"../shared.txt\"]\n");
    let side = side_by_side::same(&client, &project, "", &["run"]);
    assert_eq!((side.code, side.stdout.as_str()), (Some(0), "1 shared"));
}

#[test]
fn the_configuration_of_the_project_is_used() {
    let (_backend, client) = backend();
    let project = || {
        ScenarioProject::hello("tool", "x")
        .file(".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"flagged\"]\n[env]\nGREETING = \"hello\"\n[profile.dev]\npanic = \"abort\"\n")
        .file("build.rs", "fn main() {\n    println!(\"cargo::rustc-check-cfg=cfg(flagged)\");\n}\n")
        .file("src/main.rs", "fn main() {\n    println!(\"{} {} {}\", env!(\"GREETING\"), cfg!(flagged), cfg!(panic = \"abort\"));\n}\n")
    };
    let side = side_by_side::same(&client, &project(), "", &["run"]);
    assert_eq!(side.stdout, "hello true true");
    // From a subfolder, and with the path of the manifest.
    side_by_side::same(&client, &project(), "src", &["check"]);
    side_by_side::same(&client, &project(), "src", &["check", "--manifest-path", "../Cargo.toml"]);
}

/// A bench without a harness is a program, which gets cargo's arguments; features may form a circle.
#[test]
fn benches_get_the_same_arguments_as_from_cargo() {
    let (_backend, client) = backend();
    let project = || {
        ScenarioProject::new()
            .file(
                "Cargo.toml",
                program("tool") + "[features]\na = [\"b\"]\nb = [\"a\"]\n[[bench]]\nname = \"fast\"\nharness = false\n",
            )
            .file("src/lib.rs", "")
            .file(
                "benches/fast.rs",
                "fn main() {\n    println!(\"{:?}\", std::env::args().skip(1).collect::<Vec<_>>());\n}\n",
            )
    };
    for arguments in [
        &["bench", "--bench", "fast", "name", "--", "--flag", "-F"][..],
        &["bench", "--no-run", "-F", "a"],
        &["test", "--benches"],
    ] {
        assert_eq!(side_by_side::same(&client, &project(), "", arguments).code, Some(0), "{arguments:?}");
    }
}

/// The input and output of a program are unchanged if they are text; on the builder it has no input.
#[test]
fn a_program_gets_the_same_arguments_and_folder_as_from_cargo() {
    let (_backend, client) = backend();
    let main = "use std::io::Read;\nfn main() {\n    let mut input = String::new();\n    \
        std::io::stdin().read_to_string(&mut input).unwrap();\n    \
        let args: Vec<String> = std::env::args().skip(1).collect();\n    \
        println!(\"{args:?} {input:?} {}\", std::env::current_dir().unwrap().display());\n    \
        println!(\"{{\\\"reason\\\":\\\"build-finished\\\"}}\");\n    print!(\"no end\");\n}\n";
    let project =
        || ScenarioProject::new().file("Cargo.toml", program("tool")).file("src/main.rs", main).file("a/b/c", "");
    side_by_side::same(&client, &project(), "a/b", &["run", "--", "", "a b", "*", "--", "-x", "é"]);
    side_by_side::same(&client, &project(), "", &["run", "--message-format=json"]);
}
