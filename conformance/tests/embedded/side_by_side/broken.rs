//! Projects broken in every way cargo knows: the same words, the same exit code.

use conformance::{Project, program, side_by_side};

use super::{backend, with_registry, workspace};

/// `(what is broken, project, arguments)`.
type Row = (&'static str, Project, &'static [&'static str]);

fn hello() -> Project {
    Project::hello("tool", "x")
}

fn with_manifest(more: &str) -> Project {
    let project = hello();
    project.write("Cargo.toml", program("tool") + more);
    project
}

#[track_caller]
fn all_fail_alike(rows: Vec<Row>) {
    let (_backend, client) = backend();
    for (what, project, arguments) in rows {
        let (home, cloud) = side_by_side::both(&client, &project, "", arguments, arguments);
        assert_ne!(home.code, Some(0), "{what} is broken");
        home.assert_is(&cloud, arguments);
    }
}

#[test]
fn code_that_does_not_compile() {
    let main = |text: &str| hello().file("src/main.rs", text);
    all_fail_alike(vec![
        ("syntax", main("fn main() { let }\n"), &["check"]),
        ("types", main("fn main() {\n    let _: u32 = \"a\";\n}\n"), &["check"]),
        ("a lint", main("#![deny(unused_variables)]\nfn main() {\n    let x = 1;\n}\n"), &["check"]),
        (
            "a lint of clippy's",
            main("fn main() {\n    let x = 1;\n    let _ = x == x;\n}\n"),
            &["clippy", "--", "-D", "clippy::all"],
        ),
        ("borrows", main("fn main() {\n    let s = String::new();\n    drop(s);\n    drop(s);\n}\n"), &["check"]),
        ("a module that is not there", main("mod missing;\nfn main() {}\n"), &["check"]),
        (
            "endless recursion",
            main("macro_rules! r {\n    () => {\n        r!()\n    };\n}\nfn main() {\n    r!();\n}\n"),
            &["check"],
        ),
        ("a build script that panics", hello().file("build.rs", "fn main() {\n    panic!(\"no\");\n}\n"), &["check"]),
        ("a build script that does not compile", hello().file("build.rs", "fn main() { nonsense }\n"), &["check"]),
        ("format", main("fn main(){}\n"), &["fmt", "--check"]),
    ]);
}

#[test]
fn programs_that_do_not_link_or_run() {
    let main = |text: &str| hello().file("src/main.rs", text);
    all_fail_alike(vec![
        ("a panic", main("fn main() {\n    panic!(\"at run time\");\n}\n"), &["run"]),
        ("an exit code", main("fn main() {\n    std::process::exit(17);\n}\n"), &["run"]),
        (
            "tests that fail",
            hello()
                .file("tests/a.rs", "#[test]\nfn fails() {\n    assert_eq!(1, 2);\n}\n")
                .file("tests/b.rs", "#[test]\nfn fails_too() {\n    panic!(\"too\");\n}\n"),
            &["test", "--no-fail-fast", "--", "--test-threads=1"],
        ),
        (
            "a test that fails first",
            hello().file("tests/a.rs", "#[test]\nfn fails() {\n    assert_eq!(1, 2);\n}\n"),
            &["test"],
        ),
        (
            "an example in the documentation",
            hello().file("src/lib.rs", "//! ```\n//! assert!(false);\n//! ```\n"),
            &["test", "--doc"],
        ),
        ("no program to run", Project::new().file("Cargo.toml", program("lib")).file("src/lib.rs", ""), &["run"]),
    ]);
    // What the linker says names its own temporary files.
    let (_backend, client) = backend();
    let project = main("unsafe extern \"C\" {\n    fn nowhere();\n}\nfn main() {\n    unsafe { nowhere() }\n}\n");
    let (home, cloud) = side_by_side::both(&client, &project, "", &["build"], &["build", "--no-install"]);
    assert_eq!(home.code, cloud.code);
    for side in [home, cloud] {
        assert!(side.stderr.contains("linking with `cc` failed") && side.stderr.contains("nowhere"), "{}", side.stderr);
    }
}

#[test]
fn manifests_that_make_no_sense() {
    all_fail_alike(vec![
        ("a key that is missing", hello().file("Cargo.toml", "[package]\nversion = \"0.1.0\"\n"), &["check"]),
        ("an edition that is none", hello().file("Cargo.toml", program("tool").replace("2024", "2099")), &["check"]),
        ("a version that is none", hello().file("Cargo.toml", program("tool").replace("0.1.0", "x")), &["check"]),
        ("a newer Rust", with_manifest("rust-version = \"9.9\"\n"), &["check"]),
        ("a feature that is not there", with_manifest("[features]\na = [\"b\"]\n"), &["check"]),
        ("features in a circle", with_manifest("[features]\na = [\"b\"]\nb = [\"a\"]\n"), &["check", "-F", "nobody"]),
        ("a binary without a file", with_manifest("[[bin]]\nname = \"other\"\npath = \"none.rs\"\n"), &["check"]),
        (
            "two binaries of one name",
            with_manifest(
                "[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n",
            ),
            &["check"],
        ),
        ("no targets", Project::new().file("Cargo.toml", program("empty")), &["check"]),
        (
            "a member that is not there",
            workspace().file("Cargo.toml", "[workspace]\nmembers = [\"app\", \"gone\"]\n"),
            &["check"],
        ),
        (
            "a dependency by path that is not there",
            with_manifest("[dependencies]\nx = { path = \"../gone\" }\n"),
            &["check"],
        ),
        (
            "a dependency of another name",
            with_manifest("[dependencies]\nx = { path = \"../other\" }\n")
                .file("../other/Cargo.toml", program("other"))
                .file("../other/src/lib.rs", ""),
            &["check"],
        ),
        (
            "packages in a circle",
            with_manifest("[lib]\npath = \"src/main.rs\"\n[dependencies]\na = { path = \"../a\" }\n")
                .file("../a/Cargo.toml", program("a") + "[dependencies]\ntool = { path = \"../project\" }\n")
                .file("../a/src/lib.rs", ""),
            &["check"],
        ),
    ]);
}

#[test]
fn manifests_that_are_no_toml() {
    let (_backend, client) = backend();
    let project = hello().file("Cargo.toml", "[package]\nname = \"tool\nversion = 1\n");
    let (home, cloud) = side_by_side::both(&client, &project, "", &["check"], &["check"]);
    // The client reads it before anything is sent, and says it in its own words.
    assert_eq!((home.code, cloud.code), (Some(101), Some(101)));
    for side in [home, cloud] {
        assert!(side.stderr.contains("Cargo.toml") && side.stderr.contains("2"), "{}", side.stderr);
    }
}

#[test]
fn registries_and_lock_files_that_disagree() {
    let leaf = ("leaf", "", "");
    let project = |more: &str| {
        let project = with_registry(hello(), &[leaf]);
        project.write("Cargo.toml", program("tool") + more);
        project
    };
    let lock = |checksum: &str| {
        format!(
            "version = 4\n\n[[package]]\nname = \"leaf\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{checksum}\"\n\n[[package]]\nname = \"tool\"\nversion = \"0.1.0\"\ndependencies = [\n \"leaf\",\n]\n"
        )
    };
    let linked = |name: &'static str| (name, "links = \"same\"\nbuild = \"build.rs\"\n", "");
    let colliding = with_registry(hello(), &[linked("one"), linked("two")])
        .file("../registry/one/build.rs", "fn main() {}\n")
        .file("../registry/two/build.rs", "fn main() {}\n");
    colliding.write("Cargo.toml", program("tool") + "[dependencies]\none = \"1\"\ntwo = \"1\"\n");
    all_fail_alike(vec![
        ("a crate that does not exist", project("[dependencies]\nnobody = \"1\"\n"), &["check"]),
        ("a version that does not exist", project("[dependencies]\nleaf = \"7\"\n"), &["check"]),
        (
            "a lock file that would change",
            project("[dependencies]\nleaf = \"1\"\n").file("Cargo.lock", "version = 4\n"),
            &["check", "--locked"],
        ),
        ("a lock file that is none", project("").file("Cargo.lock", "nonsense\n"), &["check"]),
        (
            "another checksum",
            project("[dependencies]\nleaf = \"1\"\n").file("Cargo.lock", lock(&"b".repeat(64))),
            &["check"],
        ),
        (
            "a feature that the crate lacks",
            project("[dependencies]\nleaf = { version = \"1\", features = [\"x\"] }\n"),
            &["check"],
        ),
        ("two crates that link the same", colliding, &["check"]),
    ]);
}

/// A file that the manifest's checksums know otherwise: of a vendored crate someone has changed.
#[test]
fn a_vendored_crate_that_was_changed() {
    let project = with_registry(hello(), &[("leaf", "", "pub fn leaf() {}\n")]).file(
        "../registry/leaf/.cargo-checksum.json",
        format!("{{\"files\":{{\"src/lib.rs\":\"{}\"}},\"package\":\"aa\"}}", "0".repeat(64)),
    );
    project.write("Cargo.toml", program("tool") + "[dependencies]\nleaf = \"1\"\n");
    all_fail_alike(vec![("a changed file", project, &["check"])]);
}
