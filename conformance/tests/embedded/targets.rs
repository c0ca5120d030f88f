//! Targets whose standard library isn't installed: the backend has rustup fetch it when a build asks for one. The backend
//! has a rustup folder of its own, so that nothing is added to this machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};

/// Targets that need nothing but the standard library; the first that isn't installed is taken.
const CANDIDATES: [&str; 3] = ["wasm32-wasip1", "wasm32-unknown-unknown", "wasm32-wasip2"];

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A rustup folder with this machine's toolchain in it. The files are the same (hard links), but for those that rustup
/// rewrites.
struct RustupHome {
    folder: tempfile::TempDir,
    toolchain: PathBuf,
}

impl RustupHome {
    fn new() -> Self {
        let sysroot = PathBuf::from(output("rustc", &["--print", "sysroot"]));
        // On the same file system as the toolchain, if that can be.
        let near = sysroot.parent().and_then(Path::parent).and_then(Path::parent);
        let folder = near.and_then(|near| tempfile::Builder::new().prefix(".rustup-").tempdir_in(near).ok());
        let folder = folder.unwrap_or_else(|| tempfile::tempdir().expect("a folder"));
        let toolchain = folder.path().join("toolchains").join(sysroot.file_name().expect("a name"));
        fs::create_dir(folder.path().join("toolchains")).expect("a folder");
        let copy = |how: &str| Command::new("cp").arg(how).arg(&sysroot).arg(&toolchain).output().expect("cp starts");
        if !copy("-al").status.success() {
            let _ = fs::remove_dir_all(&toolchain);
            assert!(copy("-a").status.success(), "the toolchain is copied");
        }
        for entry in fs::read_dir(toolchain.join("lib/rustlib")).expect("a toolchain").flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let content = fs::read(entry.path()).expect("a file");
                fs::remove_file(entry.path()).expect("a link");
                fs::write(entry.path(), content).expect("a file of its own");
            }
        }
        fs::write(folder.path().join("settings.toml"), "version = \"12\"\nprofile = \"minimal\"\n").expect("settings");
        Self { folder, toolchain }
    }

    fn has(&self, target: &str) -> bool {
        self.toolchain.join("lib/rustlib").join(target).is_dir()
    }

    /// A backend that builds with it.
    fn backend(&self, more: &[(&str, &str)]) -> (ScenarioBackend, ScenarioClient) {
        let name = self.toolchain.file_name().expect("a name").to_string_lossy().into_owned();
        let mut env = vec![
            ("RUSTUP_HOME".to_owned(), self.folder.path().to_string_lossy().into_owned()),
            ("RUSTUP_TOOLCHAIN".to_owned(), name),
        ];
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let backend = ScenarioBackend::embedded(ScenarioOptions { env, ..ScenarioOptions::default() });
        let client = ScenarioClient::of(&backend);
        (backend, client)
    }
}

#[test]
fn a_standard_library_is_fetched_when_a_build_asks_for_it() {
    let rustup = RustupHome::new();
    let Some(target) = CANDIDATES.into_iter().find(|target| !rustup.has(target)) else {
        eprintln!("skipped: every target that it would fetch is installed here");
        return;
    };
    let (_backend, client) = rustup.backend(&[]);
    let project = ScenarioProject::hello("portable", "hello");
    let build = ["build", "--no-install", "--target", target];
    let run = client.run(project.root(), &build);
    if run.code != Some(0) && run.stderr.contains("can't fetch it") {
        eprintln!("skipped: rustup can't fetch {target} here: {}", run.stderr);
        return;
    }
    run.succeeded().says(&["Fetching", &format!("the standard library for {target}")]);
    let program = fs::read(project.path(&format!("target/{target}/debug/portable.wasm"))).expect("a program");
    // The magic number of WebAssembly's binary format.
    assert_eq!(&program[..4], b"\0asm");
    assert!(rustup.has(target));
    client.run(project.root(), &build).succeeded().never_says("the standard library for");
}

#[test]
fn what_cannot_be_fetched_is_said_with_rustups_own_words() {
    let rustup = RustupHome::new();
    let Some(target) = CANDIDATES.into_iter().find(|target| !rustup.has(target)) else {
        eprintln!("skipped: every target that it would fetch is installed here");
        return;
    };
    // Nothing listens there.
    let (_backend, client) = rustup.backend(&[("RUSTUP_DIST_SERVER", "http://127.0.0.1:9")]);
    let project = ScenarioProject::hello("portable", "hello");
    client
        .run(project.root(), &["build", "--no-install", "--target", target])
        .exited(101)
        .says(&[&format!("this backend has no standard library for `{target}`, and can't fetch it: "), "127.0.0.1:9"]);
}

#[test]
fn a_configuration_that_an_older_backend_wrote_is_read_and_its_targets_are_ignored() {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let config = backend.config_with("old", &[("owner = \"me\"", "owner = \"me\"\ntargets = [\"mips-acme-none\"]")]);
    let client = ScenarioClient::configured(config);
    let project = ScenarioProject::hello("here", "hello");
    client.run(project.root(), &["build"]).succeeded();
    assert_eq!(client.output_of("here"), "hello\n");
    client
        .run(project.root(), &["build", "--target", "mips-acme-none"])
        .exited(101)
        .says(&["this backend can't build for `mips-acme-none`; it builds for "])
        .never_says("Packing");
}
