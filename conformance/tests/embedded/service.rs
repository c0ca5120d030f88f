//! `cargo-cloud-local install-service`: the backend as a service of the user's own systemd, for which a stand-in starts
//! and stops what the unit says, with the variables it names and no others.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use conformance::{ScenarioClient, ScenarioProject, backend_binary, until};

const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/asked"
unit=$HOME/.config/systemd/user/cargo-cloud-local.service
case $* in
"--user enable --now cargo-cloud-local.service")
    eval "env -i HOME=\"$HOME\" $(sed -n 's/^Environment=//p' "$unit" | tr '\n' ' ') $(sed -n 's/^ExecStart=//p' "$unit") \
        >\"$HOME/log\" 2>&1 &"
    echo $! >"$HOME/pid"
    ;;
"--user disable --now cargo-cloud-local.service")
    [ -f "$HOME/pid" ] || exit 1
    kill -TERM "$(cat "$HOME/pid")"
    while kill -0 "$(cat "$HOME/pid")" 2>/dev/null; do sleep 0.1; done
    rm "$HOME/pid"
    ;;
esac
"#;

/// A desktop with systemd.
struct SystemdDesktop {
    folder: tempfile::TempDir,
    port: u16,
}

impl SystemdDesktop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        let systemctl = folder.path().join("bin/systemctl");
        fs::write(&systemctl, SYSTEMCTL).expect("a script");
        fs::set_permissions(systemctl, fs::Permissions::from_mode(0o755)).expect("its mode");
        // The port was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        Self { folder, port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn unit(&self) -> PathBuf {
        self.path(".config/systemd/user/cargo-cloud-local.service")
    }

    fn service(&self, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new(backend_binary())
            .arg("install-service")
            .args(arguments)
            .env("HOME", self.folder.path())
            .env_remove("XDG_CONFIG_HOME")
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .output()
            .expect("it starts")
    }

    fn installed(&self, more: &[&str]) -> Output {
        let (listen, data) = (format!("127.0.0.1:{}", self.port), self.path("data").to_string_lossy().into_owned());
        self.service(&[&["--listen", &listen, "--data", &data, "--client-line"], more].concat())
    }

    /// The process id of the service, if it is running.
    fn running(&self) -> Option<String> {
        fs::read_to_string(self.path("pid")).ok()
    }
}

impl Drop for SystemdDesktop {
    fn drop(&mut self) {
        self.service(&["--uninstall"]);
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn line(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    let said = said(output);
    let line = said.lines().find_map(|line| line.trim().strip_prefix("cargo-cloud configure "));
    assert!(line.is_some(), "no line in: {said}");
    line.unwrap_or_default().to_owned()
}

#[test]
fn one_command_makes_a_desktop_a_backend() {
    let desktop = SystemdDesktop::new();
    let first = desktop.installed(&[]);
    assert!(said(&first).contains("loginctl enable-linger"), "{}", said(&first));
    let client = ScenarioClient::configured(desktop.path("tablet/config.toml"));
    client.run(client.home(), &["configure", &line(&first)]).succeeded();
    let project = ScenarioProject::hello("served", "works");
    let build = || client.run(project.root(), &["build"]);
    let log = || fs::read_to_string(desktop.path("log")).unwrap_or_default();
    until(log, || client.run(project.root(), &["builds"]).code == Some(0));
    build().succeeded();
    assert_eq!(client.output_of("served"), "works\n");

    // With other flags the keys and the target directories stay.
    let (before, asked) = (desktop.running(), fs::read_to_string(desktop.unit()).expect("a unit"));
    assert_eq!(line(&desktop.installed(&["--jobs", "1"])), line(&first));
    let unit = fs::read_to_string(desktop.unit()).expect("a unit");
    assert!(unit != asked && unit.contains("\"--jobs\" \"1\"") && desktop.running() != before, "{unit}");
    // A service that can't start is not installed.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("its number").to_string();
    let wrong = desktop.service(&["--listen", &listen, "--data", &desktop.path("data").to_string_lossy()]);
    assert!(!wrong.status.success() && said(&wrong).contains("the service is unchanged"), "{}", said(&wrong));
    assert_eq!(fs::read_to_string(desktop.unit()).expect("a unit"), unit);
    assert!(desktop.running().is_some());

    assert!(desktop.service(&["--uninstall"]).status.success());
    assert!(!desktop.unit().exists() && desktop.running().is_none());
    assert!(desktop.path("data/keys.json").exists());
}

#[test]
#[cfg_attr(not(has_systemd), ignore = "needs systemd-analyze")]
fn systemd_takes_the_unit() {
    let desktop = SystemdDesktop::new();
    let shown = desktop.installed(&["--print"]);
    assert!(shown.status.success() && desktop.running().is_none() && !desktop.unit().exists());
    let file = desktop.path("cargo-cloud-local.service");
    fs::write(&file, &shown.stdout).expect("the unit");
    // systemd checks the unit file itself.
    let verified = || {
        let mut verify = Command::new("systemd-analyze");
        verify.args(["verify", "--user", "--man=no"]).arg(&file).env("XDG_RUNTIME_DIR", desktop.folder.path());
        verify.output().expect("systemd-analyze starts")
    };
    assert!(verified().status.success(), "{}", said(&verified()));
    fs::write(&file, said(&shown).replace("ExecStart=\"", "ExecStart=\"relative")).expect("the unit");
    assert!(said(&verified()).contains("absolute path"), "{}", said(&verified()));
}
