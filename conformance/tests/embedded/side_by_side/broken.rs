//! Projects that are broken in every way that cargo knows: the output and the exit code are the same.

use conformance::{Crate, Registry, ScenarioProject, program, side_by_side};

use super::{backend, with_registry, workspace};

/// What is broken, the project, and the arguments.
type BrokenProject = (&'static str, ScenarioProject, &'static [&'static str]);

fn hello() -> ScenarioProject {
    ScenarioProject::hello("tool", "x")
}

fn with_manifest(more: &str) -> ScenarioProject {
    let project = hello();
    project.write("Cargo.toml", program("tool") + more);
    project
}

#[track_caller]
fn all_fail_alike(rows: Vec<BrokenProject>) {
    let (_backend, client) = backend();
    for (what, project, arguments) in rows {
        let (home, cloud) = side_by_side::both(&client, &project, "", arguments, arguments);
        assert_ne!(home.code, Some(0), "{what} is broken");
        home.assert_is(&cloud, arguments);
    }
}

#[test]
fn code_that_does_not_compile_fails_as_with_cargo() {
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
        (
            "a build script that is not content",
            hello().file("build.rs", "fn main() {\n    println!(\"cargo::error=no\");\n}\n"),
            &["check"],
        ),
        (
            "a build script that is killed",
            hello().file("build.rs", "fn main() {\n    std::process::abort();\n}\n"),
            &["check"],
        ),
        (
            "a macro that panics",
            hello()
                .file("Cargo.toml", program("tool") + "[dependencies]\nmacros = { path = \"macros\" }\n")
                .file("macros/Cargo.toml", program("macros") + "[lib]\nproc-macro = true\n")
                .file(
                    "macros/src/lib.rs",
                    "#[proc_macro]\npub fn no(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n    panic!(\"no\")\n}\n",
                )
                .file("src/main.rs", "fn main() {\n    macros::no!();\n}\n"),
            &["check"],
        ),
        ("a text that is not there", main("fn main() {\n    include_str!(\"../missing.txt\");\n}\n"), &["check"]),
        (
            "documentation",
            hello().file("src/lib.rs", "#![deny(rustdoc::broken_intra_doc_links)]\n/// See [nothing].\npub fn f() {}\n"),
            &["doc"],
        ),
        ("clippy's configuration", hello().file("clippy.toml", "bogus = 1\n"), &["clippy"]),
        ("a build script that does not compile", hello().file("build.rs", "fn main() { nonsense }\n"), &["check"]),
        ("format", main("fn main(){}\n"), &["fmt", "--check"]),
    ]);
}

#[test]
fn programs_that_do_not_link_or_run_fail_as_with_cargo() {
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
        (
            "a test that aborts",
            hello().file("tests/a.rs", "#[test]\nfn aborts() {\n    std::process::abort();\n}\n"),
            &["test", "--test", "a", "--", "--test-threads=1"],
        ),
        ("several programs to run", hello().file("src/bin/other.rs", "fn main() {}\n"), &["run"]),
        (
            "a program that needs a feature",
            with_manifest(
                "[features]\nf = []\n[[bin]]\nname = \"tool\"\npath = \"src/main.rs\"\nrequired-features = [\"f\"]\n",
            ),
            &["run"],
        ),
        (
            "no program to run",
            ScenarioProject::new().file("Cargo.toml", program("lib")).file("src/lib.rs", ""),
            &["run"],
        ),
    ]);
    // The linker's messages contain the names of temporary files.
    let (_backend, client) = backend();
    let project = main("unsafe extern \"C\" {\n    fn nowhere();\n}\nfn main() {\n    unsafe { nowhere() }\n}\n");
    let (home, cloud) = side_by_side::both(&client, &project, "", &["build"], &["build", "--no-install"]);
    assert_eq!(home.code, cloud.code);
    for side in [home, cloud] {
        assert!(side.stderr.contains("linking with `cc` failed") && side.stderr.contains("nowhere"), "{}", side.stderr);
    }
}

#[test]
fn invalid_manifests_fail_as_with_cargo() {
    all_fail_alike(vec![
        ("a key that is missing", hello().file("Cargo.toml", "[package]\nversion = \"0.1.0\"\n"), &["check"]),
        ("an edition that is none", hello().file("Cargo.toml", program("tool").replace("2024", "2099")), &["check"]),
        ("a version that is none", hello().file("Cargo.toml", program("tool").replace("0.1.0", "x")), &["check"]),
        ("a newer Rust", with_manifest("rust-version = \"9.9\"\n"), &["check"]),
        ("a feature that is not there", with_manifest("[features]\na = [\"b\"]\n"), &["check"]),
        ("a feature that needs itself", with_manifest("[features]\na = [\"a\"]\n"), &["check", "-F", "a"]),
        ("a binary without a file", with_manifest("[[bin]]\nname = \"other\"\npath = \"none.rs\"\n"), &["check"]),
        (
            "two binaries of one name",
            with_manifest(
                "[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n[[bin]]\nname = \"a\"\npath = \"src/main.rs\"\n",
            ),
            &["check"],
        ),
        ("no targets", ScenarioProject::new().file("Cargo.toml", program("empty")), &["check"]),
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

/// The client reads these files before the upload and prints the same messages as cargo.
#[test]
fn unreadable_files_fail_as_with_cargo() {
    let broken = |text: &str| hello().file("Cargo.toml", text);
    all_fail_alike(vec![
        ("a text without its end", broken("[package]\nname = \"tool\nversion = 1\n"), &["check"]),
        ("a key twice, in line 10", broken(&("\n".repeat(7) + "'é' = 1\nkey = 1\nkey = 2\n")), &["check"]),
        ("a configuration", hello().file(".cargo/config.toml", "[build]\n\njobs = = 1\n"), &["check"]),
        ("`--config`", hello(), &["check", "--config", "nonsense"]),
        (
            "a workspace that is nowhere",
            hello().file("Cargo.toml", program("tool").replace("edition", "workspace = \"../nowhere\"\nedition")),
            &["check"],
        ),
        ("a name in lower case", ScenarioProject::new().file("cargo.toml", program("tool")), &["check"]),
    ]);
    let (_backend, client) = backend();
    let workspace = workspace().file("Cargo.toml", "[workspace\n");
    assert_eq!(side_by_side::same(&client, &workspace, "app/src", &["check"]).code, Some(101));
}

#[test]
fn a_lock_file_that_disagrees_with_the_registry_fails_as_with_cargo() {
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

/// Cargo chooses no yanked version, but keeps one that is in the lock file.
#[test]
fn a_yanked_version_is_treated_as_with_cargo() {
    let registry = Registry::start();
    registry.publish(Crate::new("leaf", "1.0.0").file("src/lib.rs", ""));
    let config = std::fs::read_to_string(registry.cargo_config()).expect("a configuration");
    let manifest = "[dependencies]\nleaf = \"1\"\n";
    let project = || with_manifest(manifest).file(".cargo/config.toml", &config);
    // A new backend for each, which has fetched as little as the local cargo.
    let check = |project: &ScenarioProject, arguments: &[&str]| {
        let (_backend, client) = backend();
        side_by_side::same(&client, project, "", arguments)
    };
    let locked = project();
    assert_eq!(check(&locked, &["check"]).code, Some(0));
    let locked = project().file("Cargo.lock", locked.read("Cargo.lock"));
    registry.yank("leaf", "1.0.0");
    assert_eq!(check(&locked, &["check", "--locked"]).code, Some(0));
    let side = check(&project(), &["check"]);
    assert!(side.code == Some(101) && side.stderr.contains("is yanked"), "{}", side.stderr);
}

/// Locally the shell reports a killed program with this code.
#[test]
fn a_program_that_is_killed_ends_as_with_cargo() {
    let (_backend, client) = backend();
    for (code, signal, main) in [
        (134, "SIGABRT", "fn main() {\n    println!(\"before\");\n    std::process::abort();\n}\n"),
        (
            134,
            "SIGABRT",
            "fn deep(n: u64) -> u64 {\n    std::hint::black_box(deep(std::hint::black_box(n + 1))) + 1\n}\n\
             fn main() {\n    println!(\"before\");\n    deep(1);\n}\n",
        ),
        (
            139,
            "SIGSEGV",
            "fn main() {\n    println!(\"before\");\n    unsafe { *std::ptr::without_provenance_mut::<u8>(8) = 1 };\n}\n",
        ),
    ] {
        let project = hello().file("src/main.rs", main);
        let (home, cloud) = side_by_side::both(&client, &project, "", &["run"], &["run"]);
        assert_eq!((home.code, cloud.code), (None, Some(code)), "{}", cloud.stderr);
        assert_eq!((home.stdout.as_str(), cloud.stdout.as_str()), ("before", "before"));
        let ours = format!("error: the program was killed by signal {} ({signal})", code - 128);
        let (words, last) = cloud.stderr.rsplit_once('\n').expect("lines");
        assert_eq!(last, ours);
        let without_thread = |text: &str| text.split('(').next().unwrap_or_default().to_owned();
        assert_eq!(
            words.lines().map(without_thread).collect::<Vec<_>>(),
            home.stderr.lines().map(without_thread).collect::<Vec<_>>()
        );
    }
}

/// A project names a toolchain that the builder can't install.
#[test]
fn an_unavailable_toolchain_fails_as_with_rustup() {
    let (backend, client) = backend();
    let project = hello().file("rust-toolchain.toml", "[toolchain]\nchannel = \"no-such-channel\"\n");
    let run = client.run(project.root(), &["check"]).exited(101);
    let run = run.says(&[
        "this backend can't use the toolchain that the project asks for",
        "no-such-channel",
        "'rust-toolchain.toml'",
    ]);
    assert!(!run.stderr.contains(&*backend.folder().to_string_lossy()), "{}", run.stderr);
}

/// A file of a vendored crate was changed, so its checksum is wrong.
#[test]
fn a_changed_vendored_crate_fails_as_with_cargo() {
    let project = with_registry(hello(), &[("leaf", "", "pub fn leaf() {}\n")]).file(
        "../registry/leaf/.cargo-checksum.json",
        format!("{{\"files\":{{\"src/lib.rs\":\"{}\"}},\"package\":\"aa\"}}", "0".repeat(64)),
    );
    project.write("Cargo.toml", program("tool") + "[dependencies]\nleaf = \"1\"\n");
    all_fail_alike(vec![("a changed file", project, &["check"])]);
}
