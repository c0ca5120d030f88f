//! Cargo decides what is built again, so it has to see the true state of the sources.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, library, program};

fn project() -> ScenarioProject {
    ScenarioProject::new()
        .file("Cargo.toml", program("app") + "[dependencies]\nbase = { path = \"base\" }\n")
        .file("src/main.rs", "mod text;\nfn main() { println!(\"{} {}\", base::NAME, text::TEXT); }\n")
        .file("src/text.rs", "pub const TEXT: &str = \"one\";\n")
        .file("base/Cargo.toml", library("base"))
        .file("base/src/lib.rs", "pub const NAME: &str = \"base\";\n")
}

#[test]
fn only_what_changed_is_built_again() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = project();
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), ["base", "app"]);
    assert_eq!(client.output_of("app"), "base one\n");

    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), [""; 0]);

    project.write("src/text.rs", "pub const TEXT: &str = \"two\";\n");
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), ["app"]);
    assert_eq!(client.output_of("app"), "base two\n");

    // A checkout or a restored copy can contain new content with an old time, which cargo alone would miss.
    project.write_keeping_time("src/text.rs", "pub const TEXT: &str = \"six\";\n");
    let run = client.run(project.root(), &["build"]).succeeded();
    assert_eq!(run.compiled(), ["app"]);
    assert_eq!(client.output_of("app"), "base six\n");

    // The same content with a new time is no change.
    project.write("src/text.rs", project.read("src/text.rs"));
    assert_eq!(client.run(project.root(), &["build"]).succeeded().compiled(), [""; 0]);
}

#[test]
fn a_deleted_module_is_deleted_on_the_builder() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = project();
    client.run(project.root(), &["build"]).succeeded();
    project.remove("src/text.rs");
    client.run(project.root(), &["build"]).exited(101).says(&["file not found for module `text`"]);
    project.write("src/text.rs", "pub const TEXT: &str = \"back\";\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("app"), "base back\n");
}

#[test]
fn a_build_after_a_failed_one_does_not_reuse_its_failure() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = project();
    client.run(project.root(), &["build"]).succeeded();
    project.write("src/text.rs", "pub const TEXT: &str = 3;\n");
    client.run(project.root(), &["build"]).exited(101).says(&["mismatched types"]);
    // A failure removes nothing from the device.
    assert_eq!(client.output_of("app"), "base one\n");
    client.run(project.root(), &["build"]).exited(101).says(&["mismatched types"]);
    project.write("src/text.rs", "pub const TEXT: &str = \"three\";\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("app"), "base three\n");
}

#[test]
fn a_source_the_build_script_changed_stays_until_the_device_changes_it() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
                  std::fs::write(\"src/text.rs\", \"pub const TEXT: &str = \\\"stamped\\\";\\n\").unwrap();\n}\n";
    let project = project().file("build.rs", script);
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("app"), "base stamped\n");
    // As with the local cargo, the file that the script wrote stays, and it causes no further build.
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.run(project.root(), &["build"]).succeeded().compiled(), [""; 0]);
    project.remove("build.rs");
    project.write("src/text.rs", "pub const TEXT: &str = \"mine\";\n");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("app"), "base mine\n");
}

#[test]
fn projects_of_two_devices_do_not_disturb_each_other() {
    let backend = ScenarioBackend::start();
    let (tablet, phone) = (ScenarioClient::of(&backend), ScenarioClient::of(&backend));
    let (first, second) = (project(), project());
    tablet.run(first.root(), &["build"]).succeeded();
    second.write("src/text.rs", "pub const TEXT: &str = \"second\";\n");
    assert_eq!(phone.run(second.root(), &["build"]).succeeded().compiled(), ["base", "app"]);
    assert_eq!(tablet.run(first.root(), &["build"]).succeeded().compiled(), [""; 0]);
    assert_eq!(tablet.output_of("app"), "base one\n");
}

#[test]
fn a_link_that_becomes_a_folder_is_replaced() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("swap", "x")
        .file("src/main.rs", "fn main() { print!(\"{}\", include_str!(\"../data/text\")); }\n")
        .file("real/text", "one\n")
        .link("data", "real");
    client.run(project.root(), &["build"]).succeeded();
    project.remove("data");
    std::fs::rename(project.path("real"), project.path("data")).unwrap();
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("swap"), "one\n");
}
