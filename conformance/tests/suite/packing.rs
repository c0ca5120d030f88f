//! The files that are uploaded, and those that are not.

use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject, program};

fn listed(project: &ScenarioProject) -> Vec<String> {
    // Listing needs no backend.
    let client = ScenarioClient::configured("/nonexistent/config.toml".into());
    let run = client.run(project.root(), &["package", "--list"]).succeeded();
    let mut names: Vec<String> =
        run.stdout.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn ignored_files_are_not_uploaded_and_hidden_files_that_cargo_needs_are() {
    let project = ScenarioProject::hello("picky", "x")
        .file(".gitignore", "/target\n*.log\n!keep.log\nbuild/\n[[:digit:]]*.tmp\nCargo.lock\n")
        .file("Cargo.lock", "version = 4\n")
        .file("keep.log", "")
        .file("drop.log", "")
        .file("build/out.o", "")
        .file("1.tmp", "")
        .file("a.tmp", "")
        .file(".ignore", "secret-plans/\n")
        .file("secret-plans/x", "")
        .file("sub/.gitignore", "*.dat\n")
        .file("sub/x.dat", "")
        .file("x.dat", "")
        .file(".cargo/config.toml", "")
        .file("rust-toolchain.toml", "")
        .file("target/CACHEDIR.TAG", "")
        .file("target/debug/large", "")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".git/info/exclude", "excluded.txt\n")
        .file("excluded.txt", "");
    assert_eq!(
        listed(&project),
        [
            ".cargo/config.toml",
            ".gitignore",
            ".ignore",
            "Cargo.lock",
            "Cargo.toml",
            "a.tmp",
            "keep.log",
            "rust-toolchain.toml",
            "src/main.rs",
            "sub/.gitignore",
            "x.dat"
        ]
    );
}

#[test]
fn the_manifest_overrules_gitignore() {
    let project = ScenarioProject::hello("overruled", "x")
        .file(".gitignore", "generated/\n")
        .file("generated/needed.rs", "")
        .file("movies/large.bin", "");
    let manifest =
        project.read("Cargo.toml") + "[package.metadata.cloud]\ninclude = [\"generated/\"]\nexclude = [\"movies/\"]\n";
    project.write("Cargo.toml", manifest);
    let names = listed(&project);
    assert!(names.contains(&"generated/needed.rs".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("movies")), "{names:?}");
}

#[test]
fn a_real_tree_is_uploaded_as_git_sees_it() {
    let project = ScenarioProject::hello("tracked", "x")
        .file(".gitignore", "*.o\n/out\n**/cache/*\n!**/cache/keep\nfoo?bar\n\\#odd\ntrailing \ndeep/**/end\n")
        .file("a.o", "")
        .file("out/x", "")
        .file("sub/out/x", "")
        .file("p/cache/a", "")
        .file("p/cache/keep", "")
        .file("fooxbar", "")
        .file("#odd", "")
        .file("trailing", "")
        .file("deep/a/b/end", "")
        .file("deep/end", "")
        .file("deep/other", "");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(project.root()).output().expect("git starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "-q"]);
    let mut expected: Vec<String> =
        git(&["ls-files", "-co", "--exclude-standard"]).lines().map(str::to_owned).collect();
    expected.sort();
    assert_eq!(listed(&project), expected);
}

#[test]
fn files_that_look_like_secrets_cause_a_warning_unless_named() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("careful", "x")
        .file(".env", "PASSWORD=1")
        .file("server.key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n");
    client.run(project.root(), &["build"]).succeeded().says(&["warning", ".env", "server.key"]);
    let manifest =
        project.read("Cargo.toml") + "[package.metadata.cloud]\ninclude = [\".env\"]\nexclude = [\"*.key\"]\n";
    project.write("Cargo.toml", manifest);
    client.run(project.root(), &["build"]).succeeded().never_says(".env").never_says("server.key");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("closed", "x").link("dangling", "nowhere").file("locked.txt", "x");
    ScenarioClient::of(&backend).run(project.root(), &["build"]).succeeded();
    let project = project.mode("locked.txt", 0o000);
    let client = ScenarioClient::of(&backend).unprivileged(project.outside());
    client.run(project.root(), &["build"]).exited(101).says(&["locked.txt", "ermission"]);
}

#[test]
fn a_broken_manifest_is_reported_by_cargo() {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("torn", "x").file("Cargo.toml", "[package\nname = ");
    ScenarioClient::of(&backend).run(project.root(), &["build"]).exited(101).says(&["Cargo.toml"]);
}

#[test]
fn a_source_over_the_limit_is_refused_before_the_upload() {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("heavy", "x");
    std::fs::create_dir(project.path("recordings")).unwrap();
    let file = std::fs::File::create(project.path("recordings/long.wav")).unwrap();
    file.set_len(5 << 30).unwrap();
    let run = ScenarioClient::of(&backend).run(project.root(), &["build"]).exited(101);
    run.says(&["limit", "recordings", "exclude"]).never_says("Uploading");
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_named() {
    let backend = ScenarioBackend::start();
    let project = ScenarioProject::hello("restless", "x").file("growing.log", vec![b'x'; 64 << 20]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = std::fs::File::options().append(true).open(project.path("growing.log")).unwrap();
            while !stop.load(Ordering::SeqCst) {
                file.write_all(b"more\n").unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let run = ScenarioClient::of(&backend).run(project.root(), &["build"]);
        stop.store(true, Ordering::SeqCst);
        run.exited(101).says(&["growing.log", "changed"]);
    });
}

#[test]
fn an_empty_folder_is_uploaded_and_removed_again() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("hollow"))
        .file(
            "build.rs",
            "fn main() {\n    println!(\"cargo::rustc-env=THERE={}\", std::path::Path::new(\"assets/empty\").is_dir());\n    \
             println!(\"cargo::rerun-if-changed=assets\");\n}\n",
        )
        .file("src/main.rs", "fn main() { println!(\"{}\", env!(\"THERE\")); }\n")
        // A home folder under git often ignores all that is in it.
        .file("../.gitignore", "*\n")
        .file("../.git/HEAD", "ref: refs/heads/main\n");
    std::fs::create_dir_all(project.path("assets/empty")).unwrap();
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("hollow"), "true\n");
    std::fs::remove_dir(project.path("assets/empty")).unwrap();
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("hollow"), "false\n");
}
