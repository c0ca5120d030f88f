//! `cargo X` and `cargo cloud X` on the same fixture: exit code, both outputs and the files that appear are the same.

mod broken;
mod options;
mod surroundings;
mod working;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};

/// A backend and a client for comparisons.
fn backend() -> (ScenarioBackend, ScenarioClient) {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let client = ScenarioClient::of(&backend);
    (backend, client)
}

/// With crates of a registry beside the project, which replaces the one on the network.
fn with_registry(project: ScenarioProject, crates: &[(&str, &str, &str)]) -> ScenarioProject {
    let mut project = project.file(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"beside\"\n[source.beside]\ndirectory = \"../registry\"\n",
    );
    for (name, manifest, library) in crates {
        let folder = format!("../registry/{name}");
        let text = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{manifest}");
        project = project
            .file(&format!("{folder}/Cargo.toml"), text)
            .file(&format!("{folder}/src/lib.rs"), library)
            .file(&format!("{folder}/.cargo-checksum.json"), r#"{"files":{},"package":"aa"}"#);
    }
    project
}

/// A workspace of two packages: a program that uses a library, with tests of all kinds.
fn workspace() -> ScenarioProject {
    ScenarioProject::new()
        .file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"util\"]\n")
        .file(
            "app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nutil = { path = \"../util\" }\n\
             [features]\nloud = []\n",
        )
        .file(
            "app/src/main.rs",
            "fn main() {\n    let args: Vec<String> = std::env::args().skip(1).collect();\n    \
             println!(\"{} {args:?} {}\", util::double(21), cfg!(feature = \"loud\"));\n    \
             eprintln!(\"to standard error\");\n    std::process::exit(args.len() as i32);\n}\n",
        )
        .file(
            "app/tests/starts.rs",
            "#[test]\nfn it_starts() {\n    let app = env!(\"CARGO_BIN_EXE_app\");\n    \
             assert!(std::process::Command::new(app).status().unwrap().success());\n}\n",
        )
        .file("app/examples/demo.rs", "fn main() {\n    println!(\"demo\");\n}\n")
        .file("util/Cargo.toml", "[package]\nname = \"util\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
        .file(
            "util/src/lib.rs",
            "/// Twice as much.\n///\n/// ```\n/// assert_eq!(util::double(2), 4);\n/// ```\n\
             pub fn double(n: u32) -> u32 {\n    n * 2\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    \
             fn doubles() {\n        assert_eq!(super::double(1), 2);\n    }\n\n    #[test]\n    #[ignore]\n    \
             fn is_ignored() {}\n}\n",
        )
}
