//! A backend set up on a device from one pasted line.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use conformance::{ScenarioClient, ScenarioProject, backend_binary, client_binary};

/// An embedded backend that prints a line.
struct Home {
    child: Child,
    line: String,
    folder: tempfile::TempDir,
}

impl Home {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(backend_binary())
            .args(["--listen", "127.0.0.1:0", "--client-line", "--data"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the backend starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let line =
            lines.find_map(|line| Some(line.split_once("cargo-cloud configure ")?.1.to_owned())).expect("a line");
        Self { child, line, folder }
    }

    /// The path of a configuration that doesn't exist yet, in a folder that doesn't exist either.
    fn config(&self) -> PathBuf {
        self.folder.path().join("new/config.toml")
    }

    fn secret(&self) -> String {
        let keys = fs::read_to_string(self.folder.path().join("data/keys.json")).expect("the keys");
        keys.split("\"secret\": \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a secret").to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(config: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(client_binary())
        .arg("configure")
        .args(arguments)
        .env("CARGO_CLOUD_CONFIG", config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("its end")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn one_pasted_line_configures_a_device() {
    let home = Home::start();
    let client = ScenarioClient::configured(home.config());
    let folder = tempfile::tempdir().unwrap();
    let run = client.run(folder.path(), &["configure", &home.line]).succeeded();
    assert!(!format!("{}{}", run.stdout, run.stderr).contains(&home.secret()));
    run.says(&["local", "doctor"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&home.config()), mode(home.config().parent().unwrap())), (0o600, 0o700));
    client.run(ScenarioProject::hello("pasted", "works").root(), &["build"]).succeeded();
    assert_eq!(client.output_of("pasted"), "works\n");
}

#[test]
fn a_line_from_standard_input_may_be_wrapped_in_any_way() {
    let home = Home::start();
    let (first, second) = home.line.split_at(home.line.len() / 2);
    let output = configure(&home.config(), &[], &format!("  {first}\r\n{second}\n"));
    assert!(output.status.success(), "{}", said(&output));
    let text = fs::read_to_string(home.config()).unwrap();
    assert!(text.contains(&home.secret()) && text.starts_with("backend = \"local\""), "{text}");
    assert!(!said(&output).contains(&home.secret()));
}

#[test]
fn an_incomplete_line_is_refused_and_changes_nothing() {
    let home = Home::start();
    let line = &home.line;
    let swapped = format!("{}x{}", &line[..40], &line[41..]);
    for (text, says) in [
        (&line[..line.len() - 20], "end is missing"),
        (&line[3..], "such a line begins with `cargo-cloud-1:`"),
        (swapped.as_str(), "missing or changed"),
        ("hello", "not a configuration line"),
        ("", "standard input is empty"),
    ] {
        let output = configure(&home.config(), &["-"], text);
        assert_eq!(output.status.code(), Some(101), "{text}");
        assert!(said(&output).contains(says), "{}", said(&output));
        assert!(!home.config().exists());
    }
}

#[test]
fn a_configuration_holds_several_backends() {
    let home = Home::start();
    let config = home.config();
    fs::create_dir(config.parent().unwrap()).unwrap();
    let old = "# mine\n[backends.aws] # far\nregion = \"eu-west-1\"\ninput_bucket = \"i\"\noutput_bucket = \"o\"\n";
    fs::write(&config, old).unwrap();
    let done = |arguments: &[&str]| {
        let output = configure(&config, arguments, "");
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    done(&["--no-default", "--backend", "house", &home.line]);
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains(old) && text.contains("backend = \"aws\""), "{text}");
    let list = done(&["--list"]);
    assert!(list.contains("* aws: owner me, eu-west-1") && list.contains("  house: owner me"), "{list}");
    assert!(!list.contains(&home.secret()));
    done(&["--use", "house"]);
    assert!(done(&["--list"]).contains("* house"));
    // Another deployment under the usual name is not overwritten by accident.
    done(&["--backend", "local", &home.line]);
    let other = Home::start();
    let output = configure(&config, &[&other.line], "");
    assert!(output.status.code() == Some(101) && said(&output).contains("--backend local"), "{}", said(&output));
    done(&["--remove", "house"]);
    assert!(!fs::read_to_string(&config).unwrap().contains("house"));
    let output = configure(&config, &["--remove", "house"], "");
    assert!(said(&output).contains("aws, local"), "{}", said(&output));
}

#[test]
fn a_line_pasted_into_a_terminal_is_not_shown() {
    let home = Home::start();
    // script(1) gives the client a terminal, and shows what that terminal shows.
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{} configure", client_binary().display()))
        .arg("/dev/null")
        .env("CARGO_CLOUD_CONFIG", home.config())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut stdin = child.stdin.take().unwrap();
    // Wait until the terminal hides its input: it would show characters that were typed earlier.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (first, second) = home.line.split_at(100);
    stdin.write_all(format!("{first}\r{second}\r").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(output.status.success(), "{}", said(&output));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("paste the line") && !shown.contains(&home.line[20..60]), "{shown}");
    assert!(fs::read_to_string(home.config()).unwrap().contains(&home.secret()));
}
