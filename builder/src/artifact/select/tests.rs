use std::fs;

use protocol::CargoOptions;

use super::*;

/// A workspace of two packages, with its built files.
struct TestWorkspace {
    folder: tempfile::TempDir,
    metadata: Metadata,
}

impl TestWorkspace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in [
            "debug/app",
            "debug/tool",
            "debug/other",
            "debug/examples/demo",
            "debug/deps/app-0123",
            "t1/debug/app",
            "debug/evil",
        ] {
            let file = root.join("target").join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "x").unwrap();
        }
        std::os::unix::fs::symlink("/bin/sh", root.join("target/debug/linked")).unwrap();
        let package = |name: &str, targets: &str| {
            format!(
                r#"{{"id":"path+file://{0}/source/{name}#0.1.0","name":"{name}","version":"0.1.0","edition":"2024",
                "dependencies":[],"features":{{}},"manifest_path":"{0}/source/{name}/Cargo.toml","targets":[{targets}]}}"#,
                root.display()
            )
        };
        let target = |kind: &str, name: &str| format!(r#"{{"name":"{name}","kind":["{kind}"],"src_path":"/s.rs"}}"#);
        let bin = |name: &str| target("bin", name);
        let app = [bin("app"), bin("tool"), bin("linked"), target("example", "demo")].join(",");
        let json = format!(
            r#"{{"packages":[{},{}],"workspace_members":["path+file://{r}/source/app#0.1.0","path+file://{r}/source/other#0.1.0"],
            "workspace_default_members":["path+file://{r}/source/other#0.1.0"],"workspace_root":"{r}/source",
            "target_directory":"{r}/target","version":1}}"#,
            package("app", &app),
            package("other", &bin("other")),
            r = root.display()
        );
        Self { folder, metadata: serde_json::from_str(&json).unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn artifact(&self, package: &str, kind: &str, name: &str, file: &str, test: bool) -> Artifact {
        let root = self.root();
        let json = format!(
            r#"{{"package_id":"","manifest_path":"{0}/source/{package}/Cargo.toml",
            "target":{{"kind":["{kind}"],"name":"{name}","src_path":"{0}/source/{package}/src/main.rs"}},
            "profile":{{"opt_level":"0","debug_assertions":true,"overflow_checks":true,"test":{test}}},
            "features":[],"filenames":[],"executable":"{0}/{file}","fresh":false}}"#,
            root.display()
        );
        serde_json::from_str(&json).unwrap()
    }

    fn select(&self, options: &CargoOptions, artifacts: &[Artifact]) -> Vec<String> {
        self.select_in("source/app", options, artifacts)
    }

    fn select_in(&self, directory: &str, options: &CargoOptions, artifacts: &[Artifact]) -> Vec<String> {
        let root = self.root();
        let request = protocol::Request {
            protocol: 1,
            client: String::new(),
            command: Command::Build,
            project: "k-1".parse().unwrap(),
            options: options.clone(),
            details: protocol::Details::default(),
        };
        let selector = ArtifactSelector {
            metadata: &self.metadata,
            request: &request,
            directory: &root.join(directory),
            source: &root.join("source"),
            target: &root.join("target"),
        };
        selector.select(artifacts).into_iter().map(|file| file.path).collect()
    }

    fn all(&self) -> Vec<Artifact> {
        vec![
            self.artifact("app", "bin", "app", "target/debug/app", false),
            self.artifact("app", "bin", "tool", "target/debug/tool", false),
            self.artifact("other", "bin", "other", "target/debug/other", false),
            self.artifact("app", "example", "demo", "target/debug/examples/demo", false),
            self.artifact("app", "bin", "app", "target/debug/deps/app-0123", true),
            self.artifact("app", "bin", "app", "target/t1/debug/app", false),
        ]
    }
}

#[test]
fn only_what_was_asked_for_is_selected() {
    let project = TestWorkspace::new();
    let all = project.all();
    let select = |options: CargoOptions| project.select(&options, &all);
    let options = CargoOptions::default();
    assert_eq!(select(options.clone()), ["debug/app", "debug/tool"]);
    assert_eq!(select(CargoOptions { bin: vec!["to*".into()], ..options.clone() }), ["debug/tool"]);
    assert_eq!(select(CargoOptions { package: vec!["other@0.1".into()], ..options.clone() }), ["debug/other"]);
    assert_eq!(
        select(CargoOptions { workspace: true, exclude: vec!["app".into()], ..options.clone() }),
        ["debug/other"]
    );
    assert_eq!(select(CargoOptions { examples: true, ..options.clone() }), ["debug/examples/demo"]);
    assert_eq!(select(CargoOptions { tests: true, ..options.clone() }), ["debug/deps/app-0123"]);
    assert_eq!(select(CargoOptions { lib: true, ..options.clone() }), [""; 0]);
    assert_eq!(
        select(CargoOptions { target: vec!["t1".into()], ..options.clone() }),
        ["debug/app", "debug/tool", "t1/debug/app"]
    );
    assert_eq!(select(CargoOptions { release: true, ..options }), [""; 0]);
}

#[test]
fn at_the_root_the_default_members_are_selected() {
    let project = TestWorkspace::new();
    assert_eq!(project.select_in("source", &CargoOptions::default(), &project.all()), ["debug/other"]);
}

#[test]
fn a_forged_message_selects_nothing() {
    let project = TestWorkspace::new();
    let forged = [
        project.artifact("app", "bin", "evil", "target/debug/evil", false),
        project.artifact("nobody", "bin", "app", "target/debug/app", false),
        project.artifact("app", "bin", "app", "target/debug/evil", false),
        project.artifact("app", "bin", "app", "../../../../bin/sh", false),
        project.artifact("app", "bin", "app", "target/debug/../../../../../../bin/sh", false),
        project.artifact("app", "bin", "linked", "target/debug/linked", false),
        project.artifact("app", "bin", "tool", "target/debug/missing", false),
        project.artifact("app", "bin", "app", "target/debug/deps/app-0123", false),
    ];
    assert_eq!(project.select(&CargoOptions::default(), &forged), [""; 0]);
}

#[test]
fn a_package_specification_names_a_package_by_name_version_or_folder() {
    let project = TestWorkspace::new();
    let app = &project.metadata.packages[0];
    let path = format!("file://{}/source/app", project.root().display());
    for spec in [
        "app",
        "a*",
        "app@0.1.0",
        "app:0.1.0",
        "app@0",
        &path,
        &format!("{path}#0.1.0"),
        &format!("path+{path}#app@0.1.0"),
    ] {
        assert!(names(spec, app), "{spec}");
    }
    for spec in ["other", "app@0.2", "app@0.1.0.1", "https://x/y#app", "file:///else#app", ""] {
        assert!(!names(spec, app), "{spec}");
    }
}
