//! The installer of a release, which users of Termux paste, on a server that stands in for GitHub.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use walkdir::WalkDir;

use crate::cloud::binaries;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What lies in an archive beside the program: a completion for each shell, and man pages.
const EXTRAS: [&str; 5] = [
    "completions/cargo-cloud.bash",
    "completions/_cargo-cloud",
    "completions/cargo-cloud.fish",
    "man1/cargo-cloud.1",
    "man1/cargo-cloud-build.1",
];

/// A release, and a device to install it on.
struct Release {
    folder: tempfile::TempDir,
    address: String,
}

impl Release {
    /// Starts a server with a release without files. `latest` redirects to its version.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/releases", listener.local_addr().expect("its number"));
        let files = folder.path().to_owned();
        // The server ends with the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                let mut reader = BufReader::new(&stream);
                let _ = reader.read_line(&mut line);
                let mut rest = String::new();
                while reader.read_line(&mut rest).is_ok_and(|read| read > 2) {
                    rest.clear();
                }
                let path = line.split(' ').nth(1).unwrap_or_default();
                let head = |status: &str, more: &str, length: usize| {
                    format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n")
                };
                let _ = match path.strip_prefix("/releases/latest/download/") {
                    Some(name) => (&stream).write_all(
                        head("302 Found", &format!("location: /releases/download/v0.1.0/{name}\r\n"), 0).as_bytes(),
                    ),
                    None => match fs::read(files.join(path.trim_start_matches("/releases/"))) {
                        Ok(body) => (&stream).write_all(&[head("200 OK", "", body.len()).as_bytes(), &body].concat()),
                        Err(_) => (&stream).write_all(head("404 Not Found", "", 0).as_bytes()),
                    },
                };
            }
        });
        Self { folder, address }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds the client for a target, packed as scripts/release/pack.sh packs it.
    fn add(&self, version: &str, target: &str, client: &[u8]) {
        self.add_with(version, target, client, &EXTRAS);
    }

    /// The same with these files, of which each contains its own name.
    fn add_with(&self, version: &str, target: &str, client: &[u8], extras: &[&str]) {
        let place = self.path(&format!("download/v{version}"));
        let name = format!("cargo-cloud-v{version}-{target}");
        fs::create_dir_all(place.join(&name)).expect("a folder");
        executable(&place.join(&name).join("cargo-cloud"), client);
        for extra in extras {
            let file = place.join(&name).join(extra);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, extra).expect("a file");
        }
        let pack = "tar -czf $0.tar.gz $0 && rm -r $0 && sha256sum ./*.tar.gz | sed 's|\\./||' >SHA256SUMS";
        let status = Command::new("sh").args(["-euc", pack, &name]).current_dir(&place).status().expect("sh starts");
        assert!(status.success());
    }

    /// `curl … | sh` on a device with these variables.
    fn install(&self, variables: &[(&str, &str)]) -> Output {
        let home = self.path("home");
        fs::create_dir_all(&home).expect("a folder");
        let usual = std::env::var("PATH").unwrap_or_default();
        Command::new("sh")
            .stdin(fs::File::open(Path::new(PROJECT).join("scripts/release/install.sh")).expect("the installer"))
            .current_dir(&home)
            .env_clear()
            .env("PATH", format!("{}:{usual}", self.path("bin").display()))
            .env("HOME", &home)
            .env("RELEASES", &self.address)
            .envs(variables.iter().copied())
            .output()
            .expect("sh starts")
    }

    fn client(&self) -> PathBuf {
        self.path("home/.cargo/bin/cargo-cloud")
    }
}

fn executable(file: &Path, content: &[u8]) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, content).expect("a file");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// The files below a folder, sorted, as paths from there.
fn files(folder: &Path) -> Vec<String> {
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.expect("an entry"));
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.path().strip_prefix(folder).expect("below it").to_string_lossy().into_owned()).collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_installer_installs_only_an_intact_release() {
    let release = Release::new();
    assert!(said(&release.install(&[])).contains("there is no release"));
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    release.add("0.1.0", &target, &fs::read(binaries().join("cargo-cloud")).expect("the client"));
    let output = release.install(&[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("into your PATH") && said(&output).contains("cargo-cloud configure"));
    assert!(Command::new(release.client()).arg("--version").status().expect("the client starts").success());
    // The client, completions and man pages are there, and nothing else is left behind.
    let (bin, data) = (".cargo/bin/cargo-cloud", ".local/share");
    let mut expected = vec![
        bin.to_owned(),
        ".cargo/share/man/man1/cargo-cloud-build.1".to_owned(),
        ".cargo/share/man/man1/cargo-cloud.1".to_owned(),
        format!("{data}/bash-completion/completions/cargo-cloud"),
        format!("{data}/fish/vendor_completions.d/cargo-cloud.fish"),
        format!("{data}/zsh/site-functions/_cargo-cloud"),
    ];
    assert_eq!(files(&release.path("home")), expected);

    // The last lines tell how to uninstall it all.
    let text = said(&output);
    let uninstall = text.lines().find_map(|line| line.strip_prefix("To uninstall: ")).expect("the way back");
    assert!(Command::new("sh").args(["-c", uninstall]).status().expect("sh starts").success());
    assert_eq!(files(&release.path("home")), Vec::<String>::new(), "{uninstall}");

    // Without completions on request.
    assert!(release.install(&[("COMPLETIONS", "no")]).status.success());
    expected.truncate(1);
    assert_eq!(files(&release.path("home")), expected);

    // A changed download is refused, and the installed client stays.
    let before = fs::read(release.client()).expect("the client");
    let sums = release.path("download/v0.1.0/SHA256SUMS");
    let text = fs::read_to_string(&sums).expect("checksums");
    let other = if text.starts_with('0') { "1" } else { "0" };
    fs::write(&sums, format!("{other}{}", &text[1..])).expect("checksums");
    let output = release.install(&[]);
    assert!(!output.status.success() && said(&output).contains("nothing was installed"), "{}", said(&output));
    assert!(fs::read(release.client()).expect("the client") == before);
}

#[test]
fn each_device_gets_the_client_for_it() {
    let release = Release::new();
    let targets = [
        "aarch64-linux-android",
        "armv7-linux-androideabi",
        "x86_64-linux-android",
        "x86_64-unknown-linux-musl",
        "aarch64-unknown-linux-musl",
        "aarch64-apple-darwin",
        "x86_64-apple-darwin",
    ];
    for target in targets {
        release.add("0.1.0", target, format!("#!/bin/sh\necho it is for {target}\n").as_bytes());
    }
    release.add("0.2.0", "x86_64-unknown-linux-musl", b"#!/bin/sh\necho newer\n");
    let machine = |system: &str, machine: &str, dpkg: Option<&str>| {
        let uname = format!("#!/bin/sh\ncase $1 in -s) echo {system} ;; -m) echo {machine} ;; esac\n");
        executable(&release.path("bin/uname"), uname.as_bytes());
        let dpkg = dpkg.map_or("exit 127".to_owned(), |name| format!("echo {name}"));
        executable(&release.path("bin/dpkg"), format!("#!/bin/sh\n{dpkg}\n").as_bytes());
    };
    let termux = [("TERMUX_VERSION", "0.118.0")];
    for (system, kernel, dpkg, variables, target) in [
        ("Linux", "aarch64", Some("aarch64"), &termux[..], "aarch64-linux-android"),
        // Termux of 32 bits on a kernel of 64.
        ("Linux", "aarch64", Some("arm"), &termux, "armv7-linux-androideabi"),
        ("Linux", "armv8l", None, &termux, "armv7-linux-androideabi"),
        ("Linux", "aarch64", None, &termux, "aarch64-linux-android"),
        ("Linux", "x86_64", Some("x86_64"), &termux, "x86_64-linux-android"),
        // Outside of Termux the script doesn't ask Debian for the architecture.
        ("Linux", "x86_64", Some("amd64"), &[], "x86_64-unknown-linux-musl"),
        ("Linux", "aarch64", Some("arm64"), &[], "aarch64-unknown-linux-musl"),
        ("Darwin", "arm64", None, &[], "aarch64-apple-darwin"),
        ("Darwin", "x86_64", None, &[], "x86_64-apple-darwin"),
    ] {
        machine(system, kernel, dpkg);
        let output = release.install(variables);
        assert!(said(&output).contains(&format!("it is for {target}\n")), "{kernel}: {}", said(&output));
    }
    for (system, kernel, variables) in
        [("Linux", "armv6l", &[][..]), ("Linux", "i686", &termux), ("FreeBSD", "amd64", &[])]
    {
        machine(system, kernel, None);
        let output = release.install(variables);
        assert!(!output.status.success() && said(&output).contains("there is no client for"), "{}", said(&output));
    }
    machine("MINGW64_NT-10.0-26100", "x86_64", None);
    assert!(said(&release.install(&[])).contains("in WSL"));

    machine("Linux", "x86_64", None);
    let root = release.path("root");
    let output = release.install(&[("VERSION", "0.2.0"), ("CARGO_INSTALL_ROOT", &root.to_string_lossy())]);
    assert!(said(&output).contains("newer") && root.join("bin/cargo-cloud").is_file(), "{}", said(&output));
    machine("Linux", "aarch64", None);
    let output = release.install(&[("VERSION", "0.2.0")]);
    assert!(said(&output).contains("the release has no client for aarch64-unknown-linux-musl"), "{}", said(&output));
}

/// A stand-in for zsh, whose search path is these folders.
fn zsh(release: &Release, folders: &[&Path]) {
    let list: String = folders.iter().map(|folder| format!("echo '{}'\n", folder.display())).collect();
    executable(&release.path("bin/zsh"), format!("#!/bin/sh\n{list}").as_bytes());
}

#[test]
fn completions_lie_where_each_shell_looks() {
    let release = Release::new();
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let client = b"#!/bin/sh\necho cargo-cloud\n";
    release.add("0.1.0", &target, client);

    // A folder in zsh's search path that can be written is taken; without one, a line for ~/.zshrc is printed.
    let writable = release.path("site-functions");
    fs::create_dir(&writable).expect("a folder");
    zsh(&release, &[Path::new("/nowhere/functions"), &writable]);
    let text = said(&release.install(&[]));
    assert_eq!(fs::read_to_string(writable.join("_cargo-cloud")).expect("a completion"), "completions/_cargo-cloud");
    assert!(!text.contains("fpath"), "{text}");
    zsh(&release, &[Path::new("/nowhere/functions")]);
    let text = said(&release.install(&[]));
    let folder = release.path("home/.local/share/zsh/site-functions");
    assert!(folder.join("_cargo-cloud").is_file(), "{text}");
    assert!(text.contains(&format!("before compinit: fpath+=({})", folder.display())), "{text}");

    // The person's own folders, as each program's documentation names them.
    let (bash, data) = (release.path("bash"), release.path("data"));
    let variables =
        [("BASH_COMPLETION_USER_DIR", &*bash.to_string_lossy()), ("XDG_DATA_HOME", &data.to_string_lossy())];
    assert!(release.install(&variables).status.success());
    assert_eq!(files(&bash), ["completions/cargo-cloud"]);
    assert_eq!(files(&data), ["fish/vendor_completions.d/cargo-cloud.fish", "zsh/site-functions/_cargo-cloud"]);

    // A file in the way of a folder: the client is installed, and the rest is named.
    let blocked = release.path("blocked");
    fs::write(&blocked, "").expect("a file");
    let output = release.install(&[("XDG_DATA_HOME", &blocked.to_string_lossy())]);
    assert!(output.status.success() && said(&output).contains("the program works without it"), "{}", said(&output));

    // An older release has only the program.
    release.add_with("0.0.9", &target, client, &[]);
    let output =
        release.install(&[("VERSION", "0.0.9"), ("CARGO_INSTALL_ROOT", &release.path("old").to_string_lossy())]);
    assert!(output.status.success() && !said(&output).contains("note:"), "{}", said(&output));
    assert_eq!(files(&release.path("old")), ["bin/cargo-cloud"]);
}

#[test]
fn in_termux_completions_lie_in_its_prefix() {
    let release = Release::new();
    release.add("0.1.0", "aarch64-linux-android", b"#!/bin/sh\necho cargo-cloud\n");
    executable(&release.path("bin/uname"), b"#!/bin/sh\ncase $1 in -s) echo Linux ;; -m) echo aarch64 ;; esac\n");
    executable(&release.path("bin/dpkg"), b"#!/bin/sh\necho aarch64\n");
    let prefix = release.path("usr");
    let output = release.install(&[("TERMUX_VERSION", "0.118.0"), ("PREFIX", &prefix.to_string_lossy())]);
    assert!(output.status.success(), "{}", said(&output));
    let share = prefix.join("share");
    let expected = [
        "bash-completion/completions/cargo-cloud",
        "fish/vendor_completions.d/cargo-cloud.fish",
        "man/man1/cargo-cloud-build.1",
        "man/man1/cargo-cloud.1",
        "zsh/site-functions/_cargo-cloud",
    ];
    assert_eq!(files(&share), expected);
    assert_eq!(files(&release.path("home")), [".cargo/bin/cargo-cloud"]);
}
