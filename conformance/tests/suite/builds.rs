//! Builds that succeed.

use std::os::unix::fs::PermissionsExt;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, library, output_of, program};

#[test]
fn a_program_is_built_installed_and_runs() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("greeter", "hello from afar");
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), ["greeter"]);
    let run = run.says(&["Packing", "Uploading", "Finished `release` profile [optimized]", "Installed"]);
    assert_eq!(run.stdout, "");
    assert_eq!(client.output_of("greeter"), "hello from afar\n");
    let mode = client.installed("greeter").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    run.left_nothing_else(&client.home().join(".cargo/bin"), &["greeter"]);
    // Cargo has made a lock file, which belongs to the project.
    assert!(project.read("Cargo.lock").contains("name = \"greeter\""));
}

#[test]
fn without_installing_executables_are_in_the_target_directory() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project =
        ScenarioProject::hello("tool", "dev").file("examples/show.rs", "fn main() { println!(\"example\"); }\n");
    client.run(project.root(), &["build", "--no-install"]).succeeded().says(&["Finished `dev` profile"]);
    assert_eq!(output_of(&project.path("target/debug/tool")), "dev\n");
    assert!(!client.home().join(".cargo").exists(), "nothing is installed");
    // The lock file of the first build is downloaded once more; after that existing files are not downloaded again.
    client.run(project.root(), &["build", "--no-install"]).succeeded();
    client.run(project.root(), &["build", "--no-install"]).succeeded().says(&["Unchanged target/debug/tool"]);
    std::fs::write(project.path("target/debug/tool"), "spoilt").unwrap();
    client.run(project.root(), &["build", "--no-install"]).succeeded().says(&["Created target/debug/tool"]);
    assert_eq!(output_of(&project.path("target/debug/tool")), "dev\n");
    client.run(project.root(), &["build", "--no-install", "-r", "--examples"]).succeeded();
    assert_eq!(output_of(&project.path("target/release/examples/show")), "example\n");
    let host = host();
    client.run(project.root(), &["build", "--no-install", "--target", &host]).succeeded();
    assert_eq!(output_of(&project.path(&format!("target/{host}/debug/tool"))), "dev\n");
    let manifest = project.read("Cargo.toml") + "[profile.tiny]\ninherits = \"release\"\nopt-level = \"z\"\n";
    project.write("Cargo.toml", manifest);
    client.run(project.root(), &["build", "--no-install", "--profile", "tiny"]).succeeded();
    assert_eq!(output_of(&project.path("target/tiny/tool")), "dev\n");
}

/// The triple of this machine.
pub fn host() -> String {
    let output = std::process::Command::new("rustc").arg("-vV").output().expect("rustc starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

#[test]
fn features_reach_cargo() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("flags") + "[features]\ndefault = [\"one\"]\none = []\ntwo = []\n\"thrée\" = []\n")
        .file(
            "src/main.rs",
            "fn main() { println!(\"{} {} {}\", cfg!(feature = \"one\"), cfg!(feature = \"two\"), cfg!(feature = \"thrée\")); }\n",
        );
    for (flags, expected) in [
        (&["build"][..], "true false false"),
        (&["build", "-F", "two"], "true true false"),
        (&["build", "--no-default-features", "--features", "two thrée"], "false true true"),
        (&["build", "--all-features"], "true true true"),
    ] {
        client.run(project.root(), flags).succeeded();
        assert_eq!(client.output_of("flags").trim(), expected, "{flags:?}");
    }
}

#[test]
fn all_binaries_or_the_named_one_are_installed() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("pair"))
        .file("src/bin/left.rs", "fn main() { println!(\"left\"); }\n")
        .file("src/bin/right.rs", "fn main() { println!(\"right\"); }\n");
    let run = client.run(project.root(), &["build", "--bin", "left"]).succeeded();
    run.left_nothing_else(&client.home().join(".cargo/bin"), &["left"]);
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!((client.output_of("left"), client.output_of("right")), ("left\n".to_owned(), "right\n".to_owned()));
    let books = std::fs::read_to_string(client.home().join(".cargo/.crates.toml")).unwrap();
    assert!(books.contains("pair 0.1.0 (path+file://") && books.contains("\"left\",\n    \"right\""), "{books}");
}

#[test]
fn members_of_a_workspace_are_chosen_as_cargo_chooses() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"3\"\n[workspace.package]\nversion = \"4.5.6\"\n")
        .file("crates/a/Cargo.toml", "[package]\nname = \"a\"\nversion.workspace = true\nedition = \"2024\"\n[dependencies]\ncommon = { path = \"../common\" }\n")
        .file("crates/a/src/main.rs", "fn main() { println!(\"a {} {}\", env!(\"CARGO_PKG_VERSION\"), common::NAME); }\n")
        .file("crates/b/Cargo.toml", program("b"))
        .file("crates/b/src/main.rs", "fn main() { println!(\"b\"); }\n")
        .file("crates/common/Cargo.toml", library("common"))
        .file("crates/common/src/lib.rs", "pub const NAME: &str = \"common\";\n");
    // Two packages have programs, so the command has to name one.
    let run = client.run(project.root(), &["build"]);
    assert_ne!(run.code, Some(0));
    run.says(&["-p PACKAGE", "a of a", "b of b"]);
    let run = client.run(project.root(), &["build", "-p", "a"]).succeeded();
    assert_eq!(client.output_of("a"), "a 4.5.6 common\n");
    run.left_nothing_else(&client.home().join(".cargo/bin"), &["a"]);
    client.run(&project.path("crates/b/src"), &["build"]).succeeded();
    assert_eq!(client.output_of("b"), "b\n");
    client.run(project.outside(), &["build", "--no-install", "--manifest-path", "project/Cargo.toml"]).succeeded();
    assert_eq!(output_of(&project.path("target/debug/b")), "b\n");
}

#[test]
fn folders_outside_the_root_that_the_project_needs_are_uploaded() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file(
            "Cargo.toml",
            program("near")
                + "[dependencies]\nfar = { path = \"../far\" }\nnever = { path = \"../never\", optional = true }\n\
                   [dev-dependencies]\nhelper = { path = \"../helper\" }\n",
        )
        .file("src/main.rs", "fn main() { println!(\"{}\", far::answer()); }\n")
        // A workspace of its own, whose root is inherited from, with a path dependency further out.
        .file("../far/Cargo.toml", "[package]\nname = \"far\"\nversion.workspace = true\nedition = \"2024\"\nworkspace = \"../foreign\"\n[dependencies]\nfarther = { path = \"../farther\" }\n")
        .file("../far/src/lib.rs", "pub fn answer() -> u32 { farther::ANSWER }\n")
        .file("../foreign/Cargo.toml", "[workspace]\nmembers = [\"../far\"]\n[workspace.package]\nversion = \"7.0.0\"\n")
        .file("../farther/Cargo.toml", library("farther"))
        .file("../farther/src/lib.rs", "pub const ANSWER: u32 = 42;\n")
        .file("../never/Cargo.toml", library("never"))
        .file("../never/src/lib.rs", "")
        .file("../helper/Cargo.toml", library("helper"))
        .file("../helper/src/lib.rs", "")
        .file("../private.txt", "not referred to");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("near"), "42\n");
    let list = client.run(project.root(), &["package", "--list"]).succeeded();
    assert!(list.stdout.contains("farther/src/lib.rs") && !list.stdout.contains("private.txt"), "{}", list.stdout);
}

#[test]
fn the_output_and_the_files_of_a_build_script_are_used() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("scripted"))
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::warning=mind the gap\");\n    println!(\"cargo::rustc-env=WORD=spoken\");\n    \
             std::fs::write(\"src/generated.rs\", \"pub const N: u32 = 7;\\n\").unwrap();\n}\n",
        )
        .file("src/main.rs", "mod generated;\nfn main() { println!(\"{} {}\", env!(\"WORD\"), generated::N); }\n");
    client.run(project.root(), &["build"]).succeeded().says(&["warning: scripted@0.1.0: mind the gap"]);
    assert_eq!(client.output_of("scripted"), "spoken 7\n");
    assert!(!project.path("src/generated.rs").exists());
    // The generated file is not part of the upload and stays where the script wrote it.
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("scripted"), "spoken 7\n");
}

#[test]
fn unusual_names_permissions_and_links_are_preserved() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::named("mein Prøjekt 日本")
        .file("Cargo.toml", program("odd"))
        .file("scripts/number tool.sh", "#!/bin/sh\necho 12\n")
        .mode("scripts/number tool.sh", 0o755)
        .file("data/größe.txt", "XL")
        .link("data/alias.txt", "größe.txt")
        .file(
            "build.rs",
            "fn main() {\n    let out = std::process::Command::new(\"./scripts/number tool.sh\").output().unwrap();\n    \
             println!(\"cargo::rustc-env=NUMBER={}\", String::from_utf8(out.stdout).unwrap().trim());\n    \
             assert!(std::fs::symlink_metadata(\"data/alias.txt\").unwrap().is_symlink());\n}\n",
        )
        .file("src/main.rs", "fn main() { println!(\"{} {}\", env!(\"NUMBER\"), include_str!(\"../data/alias.txt\")); }\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("odd"), "12 XL\n");
}

#[test]
fn the_project_chooses_its_toolchain() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("chooser", "chosen")
        .file("rust-toolchain.toml", "[toolchain]\nchannel = \"no-such-channel\"\n");
    let run = client.run(project.root(), &["build"]);
    assert_ne!(run.code, Some(0));
    run.says(&["no-such-channel"]);
}

#[test]
fn json_messages_go_to_standard_output() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("machine", "x");
    let run = client.run(project.root(), &["build", "--no-install", "--message-format=json"]).succeeded();
    let reasons: Vec<String> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON, line by line"))
        .map(|message| message["reason"].as_str().expect("a reason").to_owned())
        .collect();
    assert_eq!(reasons, ["compiler-artifact", "build-finished"]);
    assert!(run.stdout.contains(&*project.path("src/main.rs").to_string_lossy()), "{}", run.stdout);
}

#[test]
#[cfg_attr(not(has_musl), ignore = "needs `rustup target add x86_64-unknown-linux-musl`")]
fn a_program_for_another_target_is_built() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("portable", "static");
    client.run(project.root(), &["build", "--target", "x86_64-unknown-linux-musl"]).succeeded();
    assert_eq!(client.output_of("portable"), "static\n");
    client.run(project.root(), &["build", "--no-install", "--target", "x86_64-unknown-linux-musl"]).succeeded();
    assert_eq!(output_of(&project.path("target/x86_64-unknown-linux-musl/debug/portable")), "static\n");
}
