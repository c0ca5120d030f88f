//! The commands besides `build`, on any backend: check, test, run, doc, and the files that they return.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use conformance::{BackendKind, ScenarioBackend, ScenarioClient, ScenarioProject, library, program};

/// A library and a program with tests, one of which fails on request.
fn tested() -> ScenarioProject {
    ScenarioProject::new()
        .file("Cargo.toml", program("tested"))
        .file(
            "src/lib.rs",
            "//! Documented.\n\n/// One.\npub fn one() -> u32 {\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    \
             fn is_one() {\n        assert_eq!(super::one(), 1);\n    }\n\n    #[test]\n    fn told_to_fail() {\n        \
             assert!(std::env::var_os(\"FAIL\").is_none(), \"told to\");\n    }\n}\n",
        )
        .file(
            "src/main.rs",
            "fn main() {\n    println!(\"out {}\", tested::one());\n    eprintln!(\"err\");\n    \
             let code = std::env::args().nth(1).map_or(0, |code| code.parse().unwrap());\n    std::process::exit(code);\n}\n",
        )
        .file("tests/whole.rs", "#[test]\nfn whole() {\n    assert_eq!(tested::one(), 1);\n}\n")
}

#[test]
fn check_test_and_run_on_the_builder_end_as_on_the_device() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = tested();
    client.run(project.root(), &["check"]).succeeded().says(&["Checking tested", "Finished"]);
    assert!(!project.path("target").exists(), "`check` returns no target directory");
    assert!(project.path("Cargo.lock").exists(), "`check` returns the lock file");
    let run = client.run(project.root(), &["test"]).succeeded();
    assert!(run.stdout.contains("test tests::is_one ... ok") && run.stdout.contains("test whole ... ok"), "{run:?}");
    let run = client.run(project.root(), &["test", "--env", "FAIL=1"]).exited(101);
    assert!(run.stdout.contains("told to"), "{run:?}");
    run.says(&["error: test failed, to rerun pass `--lib`"]);
    let run = client.run(project.root(), &["run", "--", "7"]).exited(7);
    assert_eq!((run.stdout.as_str(), run.stderr.contains("err\n")), ("out 1\n", true));
    project.write("src/lib.rs", "pub fn one() -> u32 {\n    \"1\"\n}\n");
    client.run(project.root(), &["check"]).exited(101).says(&["error[E0308]: mismatched types", "--> src/lib.rs:2:5"]);
}

#[test]
fn documentation_is_downloaded() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = tested();
    client.run(project.root(), &["check"]).succeeded();
    client.run(project.root(), &["doc", "--no-deps"]).succeeded().says(&["Generated"]);
    assert!(project.read("target/doc/tested/fn.one.html").contains("One."));
    // Files that are already there are not downloaded again.
    client.run(project.root(), &["doc", "--no-deps"]).succeeded().never_says("Downloaded");
    // The browser of the device is opened.
    let browser = project.outside().join("browser");
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" >{}/opened\n", project.outside().display()))
        .expect("a script");
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let client = client.env("BROWSER", browser.display().to_string());
    client.run(project.root(), &["doc", "--no-deps", "--open"]).succeeded().says(&["Opening"]);
    assert!(project.read("../opened").trim().ends_with("target/doc/tested/index.html"));
    // In a workspace it is the documentation of the first member by name, in a member's folder that of the member.
    let workspace = ScenarioProject::new()
        .file("Cargo.toml", "[workspace]\nmembers = [\"x\", \"y\"]\nresolver = \"3\"\n")
        .file("x/Cargo.toml", library("b"))
        .file("x/src/lib.rs", "")
        .file("y/Cargo.toml", program("a-lib") + "[lib]\nname = \"other\"\n")
        .file("y/src/lib.rs", "");
    for (folder, page) in [("", "other"), ("x", "b")] {
        client.run(&workspace.path(folder), &["doc", "--open"]).succeeded();
        assert!(project.read("../opened").trim().ends_with(&format!("target/doc/{page}/index.html")));
    }
    client.run(project.root(), &["check", "--timings"]).succeeded().says(&["Timing report saved to"]);
    assert!(project.read("target/cargo-timings/cargo-timing.html").contains("<html"));
}

#[test]
fn libraries_for_other_languages_are_downloaded() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let manifest = program("my-lib") + "[lib]\ncrate-type = [\"cdylib\", \"staticlib\", \"rlib\"]\n";
    let project = ScenarioProject::new()
        .file("Cargo.toml", manifest)
        .file("src/lib.rs", "#[unsafe(no_mangle)]\npub extern \"C\" fn answer() -> u32 {\n    42\n}\n");
    client.run(project.root(), &["build", "--no-install"]).succeeded().says(&["Created"]);
    let library = std::fs::read(project.path("target/debug/libmy_lib.so")).expect("a library");
    assert_eq!(&library[..4], b"\x7fELF");
    assert!(project.path("target/debug/libmy_lib.a").exists() && !project.path("target/debug/libmy_lib.rlib").exists());
    client.run(project.root(), &["build"]).succeeded().says(&["nothing to install"]);
}

#[test]
fn the_folder_of_artifact_dir_is_filled_on_the_device() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("tool", "copied");
    // The flag is unstable: without the unlocking flag cargo's own message appears.
    let stable = client.run(project.root(), &["build", "--no-install", "--artifact-dir", "../out"]).exited(101);
    stable.says(&["the `--artifact-dir` flag is unstable"]);
    let unlocked =
        ["build", "--no-install", "--artifact-dir", "../out", "-Z", "unstable-options", "--env", "RUSTC_BOOTSTRAP=1"];
    client.run(project.root(), &unlocked).succeeded();
    assert_eq!(conformance::output_of(&project.outside().join("out/tool")), "copied\n");
}

#[test]
fn a_test_that_hangs_is_cancelled() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new().file("Cargo.toml", program("hangs")).file("src/lib.rs", "").file(
        "tests/hangs.rs",
        "#[test]\nfn hangs() {\n    eprintln!(\"here\");\n    loop {\n        std::thread::sleep(std::time::Duration::from_secs(1));\n    }\n}\n",
    );
    let mut running = client.spawn(project.root(), &["test", "--", "--nocapture"]);
    running.until("here\n").interrupt();
    running.end().exited(130).says(&["Cancelling"]);
    backend.assert_idle(Duration::from_secs(20));
}

/// The values of `--env` reach the build, but nothing that is kept or shown.
#[test]
fn no_message_and_no_metadata_contains_a_secret_from_the_environment() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend).env("SECRET_HERE", "hunter3");
    let project = ScenarioProject::hello("tool", "x").file(
        "build.rs",
        "fn main() {\n    let backwards = |name: &str| std::env::var(name).unwrap().chars().rev().collect::<String>();\n    \
         assert_eq!((&*backwards(\"SECRET\"), &*backwards(\"SECRET_HERE\")), (\"2retnuh\", \"3retnuh\"));\n}\n",
    );
    let arguments = ["build", "-v", "--env", "SECRET=hunter2", "--env", "SECRET_HERE"];
    let run = client.run(project.root(), &arguments).succeeded().never_says("hunter");
    assert!(!run.stdout.contains("hunter"));
    assert!(!backend.said().contains("hunter"), "{}", backend.said());
    for kept in ["/log.jsonl", "/result.json"] {
        let text = String::from_utf8(backend.output(kept).expect("an object")).expect("UTF-8");
        assert!(!text.contains("hunter"), "{kept}: {text}");
    }
    if *backend.kind() == BackendKind::Embedded {
        // Metadata, and what cargo notes of the environment, lie in files here; of the archive it is the inside that has it.
        for entry in walkdir::WalkDir::new(backend.folder().join("data")).into_iter().flatten() {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let found = bytes.windows(6).any(|window| window == b"hunter");
            assert!(!found, "{}", entry.path().display());
        }
    }
    client
        .run(project.root(), &["build", "--env", "PATH=/x"])
        .exited(101)
        .says(&["PATH", "builder"])
        .never_says("Uploading");
    client.run(project.root(), &["build", "--env", "NOT_SET"]).exited(101).says(&["NOT_SET", "not set"]);
}

#[test]
fn a_build_script_can_use_git() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("tool", "x").file(
        "build.rs",
        "fn main() {\n    let git = |args: &[&str]| {\n        \
         let output = std::process::Command::new(\"git\").args(args).output().unwrap();\n        \
         String::from_utf8(output.stdout).unwrap()\n    };\n    \
         println!(\"cargo::rustc-env=REVISION={}\", git(&[\"describe\", \"--always\", \"--dirty\", \"--tags\"]).trim());\n}\n",
    );
    project.write("src/main.rs", "fn main() {\n    println!(\"{}\", env!(\"REVISION\"));\n}\n");
    client.run(project.root(), &["build", "--with-git"]).exited(101).says(&["no git repository"]);
    project.write(".gitignore", "target\nCargo.lock\n");
    let git = |arguments: &[&str]| {
        let status = std::process::Command::new("git")
            .args(["-c", "user.name=n", "-c", "user.email=e@example.com"])
            .args(arguments)
            .current_dir(project.root())
            .status();
        assert!(status.expect("git starts").success());
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message=one"]);
    git(&["tag", "v1.2.3"]);
    client.run(project.root(), &["build", "--with-git"]).succeeded();
    assert_eq!(client.output_of("tool"), "v1.2.3\n");
    project.write("src/main.rs", "fn main() {\n    println!(\"{} changed\", env!(\"REVISION\"));\n}\n");
    client.run(project.root(), &["build", "--with-git"]).succeeded();
    assert_eq!(client.output_of("tool"), "v1.2.3-dirty changed\n");
}

/// The device runs programs that the builder can't; here a device that claims to be of another kind.
#[test]
#[cfg_attr(not(has_other_machine), ignore = "needs setarch and the target i686-unknown-linux-musl")]
fn a_program_that_the_builder_cannot_run_is_run_on_the_device() {
    const TARGET: &str = "i686-unknown-linux-musl";
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend).machine("i686");
    let project = tested();
    project.write("here.txt", "on the device");
    project.write(
        "tests/whole.rs",
        "#[test]\nfn whole() {\n    assert_eq!(std::fs::read_to_string(\"here.txt\").unwrap(), \"changed\");\n}\n\n\
         #[test]\nfn starts() {\n    let tool = std::env::var(\"CARGO_BIN_EXE_tested\").unwrap();\n    \
         assert!(std::process::Command::new(tool).status().unwrap().success());\n}\n",
    );
    let run = client.run(project.root(), &["run", "--target", TARGET, "--", "5"]).exited(5);
    assert_eq!(run.stdout, "out 1\n");
    run.says(&["Running `target/i686-unknown-linux-musl/debug/tested 5`", "err\n"]);
    let run = client.run(project.root(), &["test", "--target", TARGET, "--no-fail-fast"]).exited(101);
    assert!(run.stdout.contains("test tests::is_one ... ok") && run.stdout.contains("test starts ... ok"), "{run:?}");
    run.says(&["Running unittests src/lib.rs (target/i686-unknown-linux-musl/debug/deps/", "`--test whole`"]);
    // A test sees the files of the device, not the uploaded ones.
    project.write("here.txt", "changed");
    client.run(project.root(), &["test", "--target", TARGET]).succeeded();
    let run = client.run(project.root(), &["test", "--target", TARGET, "is_one"]).succeeded();
    assert!(!run.stdout.contains("told_to_fail"), "{run:?}");
    // A device of the builder's kind can run them too, a device of a third kind can't.
    let other = ScenarioClient::of(&backend);
    other.run(project.root(), &["run", "--target", TARGET]).exited(101).says(&["neither the builder nor this device"]);
}
