//! Things outside of a project that it uses: repositories, folders outside of its root, configuration, toolchains.

use std::path::Path;

use conformance::{Registry, ScenarioClient, ScenarioProject, program, side_by_side};

use super::{backend, workspace};

/// Runs the project with both commands and checks its output.
#[track_caller]
fn prints(client: &ScenarioClient, project: &ScenarioProject, folder: &str, arguments: &[&str], text: &str) {
    let side = side_by_side::same(client, project, folder, arguments);
    assert_eq!((side.code, side.stdout.as_str()), (Some(0), text), "{}", side.stderr);
}

#[test]
fn a_git_dependency_has_its_submodules() {
    let registry = Registry::start();
    let data = registry.repository("data");
    data.file("text", "from the submodule").commit();
    let crates = registry.repository("crates");
    crates
        .file("dep/Cargo.toml", &program("dep"))
        .file("dep/src/lib.rs", "pub const TEXT: &str = include_str!(\"../../data/text\");\n")
        .git(&["submodule", "--quiet", "add", &data.url, "data"]);
    let revision = crates.commit();
    let (_backend, client) = backend();
    let main = "fn main() {\n    println!(\"{}\", dep::TEXT);\n}\n";
    let with = |how: &str| {
        let manifest = format!("{}[dependencies]\ndep = {{ git = \"{}\"{how} }}\n", program("tool"), crates.url);
        ScenarioProject::new().file("Cargo.toml", manifest).file("src/main.rs", main)
    };
    prints(&client, &with(&format!(", rev = \"{revision}\"")), "", &["run"], "from the submodule");
    let missing = side_by_side::same(&client, &with(", branch = \"missing\""), "", &["check"]);
    assert_eq!(missing.code, Some(101));
    // A repository of the device replaces the original one.
    let patched = with("")
        .file("../mine/Cargo.toml", program("dep"))
        .file("../mine/src/lib.rs", "pub const TEXT: &str = \"mine\";\n");
    let manifest =
        patched.read("Cargo.toml") + &format!("[patch.\"{}\"]\ndep = {{ path = \"../mine\" }}\n", crates.url);
    patched.write("Cargo.toml", manifest);
    let (home, cloud) = side_by_side::both(&client, &patched, "", &["run"], &["run"]);
    assert_eq!((home.code, &home.stdout), (cloud.code, &cloud.stdout));
    assert_eq!(cloud.stdout, "mine");
}

#[test]
fn members_may_lie_outside_of_the_root() {
    let (_backend, client) = backend();
    let project = ScenarioProject::new()
        .file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"../out/lib\"]\n")
        .file("app/Cargo.toml", program("app") + "[dependencies]\nlib = { path = \"../../out/lib\" }\n")
        .file("app/src/main.rs", "fn main() {\n    println!(\"{}\", lib::N);\n}\n")
        .file("../out/lib/Cargo.toml", program("lib").replace("edition", "workspace = \"../../project\"\nedition"))
        .file("../out/lib/src/lib.rs", "pub const N: u32 = 7;\n\n#[test]\nfn is_seven() {\n    assert_eq!(N, 7);\n}\n");
    prints(&client, &project, "", &["run"], "7");
    // The same from the folder of a member.
    let side = side_by_side::same(&client, &project, "../out/lib", &["test", "--lib"]);
    assert!(side.stdout.contains("test is_seven ... ok"), "{}", side.stdout);
}

#[test]
fn configuration_is_read_wherever_cargo_reads_it() {
    let (_backend, client) = backend();
    let project = || {
        ScenarioProject::hello("tool", "x")
            .file(
                ".cargo/config.toml",
                "include = [\"more.toml\"]\n[env]\nDATA = { value = \"data/text\", relative = true }\n\
                 [alias]\nsay = \"run --release -- one\"\nlist = [\"run\", \"--\", \"a b\", \"c\"]\n",
            )
            .file(".cargo/more.toml", "build.rustflags = [\"--cfg\", \"included\"]\n")
            .file("settings/file.toml", "build.rustflags = [\"--cfg\", \"named\"]\n")
            .file("data/text", "relative")
            .file("build.rs", "fn main() {\n    println!(\"cargo::rustc-check-cfg=cfg(included, named)\");\n}\n")
            .file(
                "src/main.rs",
                "fn main() {\n    let text = std::fs::read_to_string(std::env::var(\"DATA\").unwrap()).unwrap();\n    \
                 assert_eq!(std::env::var(\"DATA\").unwrap(), env!(\"DATA\"));\n    \
                 let args: Vec<String> = std::env::args().skip(1).collect();\n    \
                 println!(\"{text} {} {} {args:?}\", cfg!(included), cfg!(named));\n}\n",
            )
    };
    prints(&client, &project(), "", &["run"], "relative true false []");
    prints(&client, &project(), "src", &["say", "two"], "relative true false [\"one\", \"two\"]");
    prints(&client, &project(), "", &["list", "-v"], "relative true false [\"a b\", \"c\", \"-v\"]");
    prints(&client, &project(), "", &["run", "--config", "settings/file.toml"], "relative true true []");
    prints(&client, &project(), "", &["run", "--config", "build.rustflags=['--cfg','named']"], "relative true true []");
    // The configuration of the current folder counts too, and paths are relative to it.
    let below = project().file("src/.cargo/config.toml", "build.rustflags = [\"--cfg\", \"named\"]\n");
    prints(&client, &below, "src", &["run"], "relative true true []");
    side_by_side::same(&client, &below, "src", &["check", "--config", "../settings/file.toml"]);
    let odd = project().file("Cargo.toml", program("tool") + "odd = 1\n");
    let side = side_by_side::same(&client, &odd, "src", &["check"]);
    assert!(side.stderr.contains("unused manifest key"), "{}", side.stderr);
}

#[test]
fn a_toolchain_file_with_components_and_targets_uses_the_installed_toolchain() {
    let (_backend, client) = backend();
    // The toolchain that compiled the suite is installed: `…/toolchains/NAME/bin/cargo`, where rustup put it.
    let folder = Path::new(env!("CARGO")).ancestors().nth(2).expect("a folder");
    let Some(name) = folder.file_name().filter(|_| folder.parent().is_some_and(|above| above.ends_with("toolchains")))
    else {
        return;
    };
    let project = ScenarioProject::hello("tool", "x").file(
        "rust-toolchain.toml",
        format!(
            "[toolchain]\nchannel = \"{}\"\ncomponents = [\"clippy\", \"rustfmt\"]\nprofile = \"minimal\"\n",
            name.display()
        ),
    );
    for arguments in [&["clippy"][..], &["fmt", "--check"], &["run"]] {
        assert_eq!(side_by_side::same(&client, &project, "", arguments).code, Some(0));
    }
}

#[test]
fn vendored_crates_are_uploaded_even_if_git_ignores_them() {
    let (_backend, client) = backend();
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("tool") + "[dependencies]\nleaf = \"1\"\n")
        .file("src/main.rs", "fn main() {\n    println!(\"{}\", leaf::TEXT);\n}\n")
        .file(".gitignore", "target\n*.txt\n")
        .file(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n",
        )
        .file("vendor/leaf/Cargo.toml", program("leaf").replace("0.1.0", "1.2.3"))
        .file("vendor/leaf/src/lib.rs", "pub const TEXT: &str = include_str!(\"../text.txt\");\n")
        .file("vendor/leaf/text.txt", "vendored")
        .file("vendor/leaf/.cargo-checksum.json", r#"{"files":{},"package":"aa"}"#);
    prints(&client, &project, "", &["run", "--offline"], "vendored");
}

/// A build for several targets leaves the results of each.
#[test]
#[cfg_attr(not(has_musl), ignore = "needs `rustup target add x86_64-unknown-linux-musl`")]
fn several_targets_are_built_and_tested_at_once() {
    let (_backend, client) = backend();
    let targets = ["--target", "x86_64-unknown-linux-gnu", "--target", "x86_64-unknown-linux-musl"];
    let with = |words: &[&'static str]| -> Vec<&'static str> { words.iter().chain(&targets).copied().collect() };
    side_by_side::same(&client, &workspace(), "", &with(&["test", "-p", "util"]));
    assert_eq!(side_by_side::same(&client, &workspace(), "", &with(&["run"])).code, Some(101));
    let project = workspace();
    let (home, cloud) = side_by_side::both(&client, &project, "", &with(&["build"]), &with(&["build", "--no-install"]));
    home.assert_is(&cloud, &["build"]);
    for triple in ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"] {
        let app = project.path(&format!("target/{triple}/debug/app"));
        assert_eq!(conformance::output_of(&app), "42 [] false\n");
    }
}
