//! `cargo-cloud-local setup android`: a fresh backend says what it lacks, the command installs it, and the same backend
//! builds for a tablet, with no restart. A server on this machine stands in for Google's, with the NDK that
//! `conformance/fixtures/ndk.sh` makes; scripts stand in for rustup and for `cargo install`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, android, backend_binary, until};

const TARGET: &str = "aarch64-linux-android";

/// What the archive holds beside the NDK, so that there is a middle to stop in.
const PADDING_BYTES: usize = 3 * 1024 * 1024;

/// Knows the targets that its state file lists.
const RUSTUP: &str = r#"#!/bin/sh
state=$(dirname "$0")/targets
case "$1 $2" in
"show active-toolchain") echo "stand-in (default)" ;;
"target list") cat "$state" ;;
"target add") echo "$5" >>"$state" ;;
"target remove") grep -vx "$5" "$state" >"$state.new"; mv "$state.new" "$state" ;;
*) exit 1 ;;
esac
"#;

/// Installs the cargo-ndk that `make android-tools` has built.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = install ] || exit 1
for root; do :; done
mkdir -p "$root/bin" && cp TOOLS/cargo-ndk* "$root/bin/"
"#;

/// A backend without the NDK and cargo-ndk, whatever this machine has.
fn fresh() -> (ScenarioBackend, ScenarioClient) {
    let options =
        ScenarioOptions { env: vec![("ANDROID_NDK_HOME".to_owned(), String::new())], ..ScenarioOptions::default() };
    let backend = ScenarioBackend::embedded(options);
    let client = ScenarioClient::of(&backend);
    (backend, client)
}

/// How the server answers.
#[derive(Default)]
struct Behaviour {
    /// Bytes of a body after which it says nothing more, with the connection open.
    stall_after: Option<usize>,
    /// The `Range` of each request.
    asked: Vec<String>,
}

/// A server that has one file, and knows ranges.
struct FileServer {
    port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl FileServer {
    fn start(file: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let behaviour = Arc::new(Mutex::new(Behaviour::default()));
        let (shared, file) = (behaviour.clone(), Arc::new(file));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, file) = (shared.clone(), file.clone());
                std::thread::spawn(move || answer(stream, &file, &behaviour));
            }
        });
        Self { port, behaviour }
    }

    fn stall_after(&self, bytes: Option<usize>) {
        self.behaviour.lock().expect("no panic").stall_after = bytes;
    }

    /// The ranges that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.behaviour.lock().expect("no panic").asked)
    }
}

fn answer(mut stream: TcpStream, file: &[u8], behaviour: &Mutex<Behaviour>) {
    let mut range = String::new();
    for line in BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range:") {
            value.trim().clone_into(&mut range);
        }
    }
    let from = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0usize);
    let stall_after = {
        let mut behaviour = behaviour.lock().expect("no panic");
        behaviour.asked.push(range);
        behaviour.stall_after
    };
    let (size, rest) = (file.len(), &file[from..]);
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{size}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        size - 1,
        rest.len()
    );
    let shown = stall_after.map_or(rest.len(), |bytes| bytes.min(rest.len()));
    // Whoever is killed in the middle reads no more.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&rest[..shown]));
    if shown < rest.len() {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// The NDK that stands in, as Google packs one: a folder in a zip archive.
fn archive() -> Vec<u8> {
    let ndk = android::environment().into_iter().find(|(name, _)| name == "ANDROID_NDK_HOME").expect("the NDK").1;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = |mode| {
        zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(mode)
    };
    for entry in walkdir::WalkDir::new(&ndk).follow_links(true).into_iter().map(|entry| entry.expect("a file")) {
        let path = entry.path().strip_prefix(&ndk).expect("below the NDK");
        let name = Path::new("android-ndk-r27d").join(path).to_string_lossy().into_owned();
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o777;
        if entry.file_type().is_dir() {
            zip.add_directory(name, stored(mode)).expect("a folder");
        } else {
            zip.start_file(name, stored(mode)).expect("a file");
            zip.write_all(&fs::read(entry.path()).expect("a file")).expect("its content");
        }
    }
    zip.start_file("android-ndk-r27d/padding", stored(0o644)).expect("a file");
    zip.write_all(&vec![7; PADDING_BYTES]).expect("its content");
    zip.finish().expect("an archive").into_inner()
}

/// Where somebody types `setup android`.
struct AndroidDesktop {
    folder: tempfile::TempDir,
    data: PathBuf,
    server: FileServer,
    sha1: String,
}

impl AndroidDesktop {
    fn new(data: PathBuf, archive: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/bin");
        for (name, script) in [("rustup", RUSTUP.to_owned()), ("cargo", CARGO.replace("TOOLS", tools))] {
            let path = folder.path().join(name);
            fs::write(&path, script).expect("a script");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
        }
        fs::write(folder.path().join("targets"), "x86_64-linux-android\n").expect("a list");
        let file = folder.path().join("ndk.zip");
        fs::write(&file, &archive).expect("the archive");
        let output = Command::new("sha1sum").arg(&file).output().expect("sha1sum starts");
        let sha1 = String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a checksum").to_owned();
        Self { folder, data, server: FileServer::start(archive), sha1 }
    }

    fn command(&self, sha1: &str, arguments: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(backend_binary());
        command
            .args(["setup", "android", "--data"])
            .arg(&self.data)
            .args(["--ndk-url", &format!("http://127.0.0.1:{}/ndk.zip", self.server.port), "--ndk-sha1", sha1])
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.folder.path().display()));
        command
    }

    fn setup(&self, arguments: &[&str]) -> Output {
        self.command(&self.sha1, arguments).output().expect("the backend starts")
    }

    fn start(&self) -> Child {
        self.command(&self.sha1, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the backend starts")
    }

    /// Rustup's targets.
    fn targets(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("targets")).expect("a list");
        text.lines().map(str::to_owned).collect()
    }

    fn android(&self) -> PathBuf {
        self.data.join("android")
    }

    /// The archive while it arrives, and how much of it there is.
    fn part(&self) -> Option<(PathBuf, u64)> {
        let entries = fs::read_dir(self.android()).into_iter().flatten().flatten();
        let mut parts = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "part"));
        let part = parts.next()?;
        Some((part.path(), part.metadata().ok()?.len()))
    }
}

#[track_caller]
fn says(output: &Output, success: bool, texts: &[&str]) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), success, "{said}");
    for text in texts {
        assert!(said.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn a_fresh_backend_names_what_it_lacks_and_the_command_before_anything_is_sent() {
    let (_backend, client) = fresh();
    let project = ScenarioProject::hello("tablet", "hello");
    client
        .run(project.root(), &["build", "--target", TARGET])
        .exited(101)
        .says(&[
            "can't build for `aarch64-linux-android` yet: it lacks the Android NDK and cargo-ndk",
            "On the backend's machine, run: cargo-cloud-local setup android --data ",
        ])
        .never_says("Packing");
    client
        .run(project.root(), &["build", "--target", "armv7-linux-androideabi"])
        .exited(101)
        .says(&["--abi armeabi-v7a"]);
    client
        .run(project.root(), &["build", "--target", "aarch64-linux-andriod"])
        .exited(101)
        .says(&["Did you mean `aarch64-linux-android`?"])
        .never_says("Packing");
}

#[test]
#[cfg_attr(not(has_android), ignore = "needs `make android-tools`")]
fn setup_android_makes_a_running_backend_able_and_remove_undoes_it() {
    let (backend, client) = fresh();
    let desktop = AndroidDesktop::new(backend.folder().join("data"), archive());
    let project = ScenarioProject::hello("tablet", "hello");
    client.run(project.root(), &["build", "--no-install", "--target", TARGET]).exited(101);

    says(
        &desktop.setup(&["--dry-run"]),
        true,
        &["664 MB from http://127.0.0.1", "cargo-ndk 4.1.2", TARGET, "nothing was"],
    );
    assert!(!desktop.android().exists() && desktop.server.asked().is_empty());

    // A wrong file is not unpacked, and not kept to go on from.
    let wrong = desktop.command(&"0".repeat(40), &[]).output().expect("the backend starts");
    says(&wrong, false, &["is wrong: its SHA-1 is", &desktop.sha1]);
    assert_eq!(desktop.part(), None);
    desktop.server.asked();

    // Killed in the middle of the download.
    desktop.server.stall_after(Some(PADDING_BYTES / 2));
    let mut stopped = desktop.start();
    until(|| format!("{:?}", desktop.part()), || desktop.part().is_some_and(|(_, size)| size > 100_000));
    stopped.kill().expect("a process");
    stopped.wait().expect("its end");
    let (_, arrived) = desktop.part().expect("a part");
    assert_eq!(desktop.server.asked(), ["bytes=0-"]);

    // The same command goes on from there; what a set-up left that was stopped while it unpacked is cleared away.
    desktop.server.stall_after(None);
    fs::create_dir(desktop.android().join("unpacking")).expect("a folder");
    fs::write(desktop.android().join("unpacking/half"), "").expect("a file");
    says(&desktop.setup(&[]), true, &["ready: this backend builds for aarch64-linux-android"]);
    assert_eq!(desktop.server.asked(), [format!("bytes={arrived}-")]);
    assert!(desktop.part().is_none() && !desktop.android().join("unpacking").exists());
    assert_eq!(desktop.targets(), ["x86_64-linux-android", TARGET]);

    // Nothing is fetched twice.
    says(
        &desktop.setup(&["--abi", "x86_64", "--abi", "arm64-v8a"]),
        true,
        &["r27d: installed already", "cargo-ndk 4.1.2: installed"],
    );
    assert!(desktop.server.asked().is_empty());

    client.run(project.root(), &["build", "--no-install", "--target", TARGET]).succeeded().never_says("may not run");
    let program = fs::read(project.path(&format!("target/{TARGET}/debug/tablet"))).expect("a program");
    // `e_machine` of elf.h: EM_AARCH64.
    assert_eq!((&program[..4], program[18]), (&b"\x7fELF"[..], 183));
    let loader = b"/system/bin/linker64";
    assert!(program.windows(loader.len()).any(|bytes| bytes == loader), "no program for Android's loader");

    // A standard library that was there before stays.
    says(&desktop.setup(&["--remove", "--dry-run"]), true, &["would be removed"]);
    assert!(desktop.android().exists());
    says(&desktop.setup(&["--remove"]), true, &["removed"]);
    assert!(!desktop.android().exists());
    assert_eq!(desktop.targets(), ["x86_64-linux-android"]);
    client.run(project.root(), &["build", "--no-install", "--target", TARGET]).exited(101).says(&["it lacks"]);
}

#[test]
fn a_data_folder_that_only_the_set_up_has_used_goes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let desktop = AndroidDesktop::new(folder.path().join("data"), b"no archive".to_vec());
    says(&desktop.setup(&[]), false, &["can't be unpacked"]);
    assert!(desktop.android().exists());
    says(&desktop.setup(&["--remove"]), true, &["removed"]);
    assert!(!desktop.data.exists());
    assert_eq!(desktop.targets(), ["x86_64-linux-android"]);
    says(&desktop.setup(&["--remove"]), true, &["nothing to remove"]);
}

#[test]
#[cfg_attr(not(can_mount), ignore = "needs root, for a file system of its own")]
fn a_disk_that_is_full_is_said_and_what_has_arrived_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&data).status();
    assert!(mounted.expect("mount starts").success());
    let desktop = AndroidDesktop::new(data.clone(), vec![7; PADDING_BYTES]);
    let output = desktop.setup(&[]);
    let arrived = desktop.part().map_or(0, |(_, size)| size);
    let unmounted = Command::new("umount").arg("-l").arg(&data).status();
    assert!(unmounted.expect("umount starts").success());
    says(&output, false, &["the disk is full", "free some space"]);
    assert!(arrived > 500_000, "{arrived}");
}
