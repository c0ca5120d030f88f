//! The machine where `make deploy` is typed: a clone of the project, a home, and the tools that deploying needs.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cloud::{EmptyAccount, binaries};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The programs that the scripts call besides docker and terraform, which every Unix has.
const USUAL: [&str; 27] = [
    "basename",
    "bash",
    "cat",
    "cp",
    "cut",
    "dirname",
    "env",
    "grep",
    "head",
    "id",
    "make",
    "mkdir",
    "mktemp",
    "openssl",
    "rm",
    "rmdir",
    "script",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "stty",
    "tail",
    "tee",
    "touch",
    "tr",
    "uname",
];

/// Settings that only an emulated account needs. Terraform merges them into the configuration.
const OVERRIDE: &str = r#"provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"#;

/// The machine where the person types `make`.
pub struct Machine {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

/// How a command ended, and what it printed.
pub struct Ended {
    /// The exit code of the command.
    pub code: Option<i32>,
    /// The text on both streams.
    pub said: String,
    /// The text on standard output.
    pub stdout: String,
}

impl Ended {
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }

    #[track_caller]
    pub fn badly(self) -> Self {
        assert!(self.code.is_some_and(|code| code != 0), "{}", self.said);
        self
    }

    /// Line breaks may divide a text.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = self.said.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {}", self.said);
        }
        self
    }
}

fn found(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the project").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != ".terraform" {
                copy(&path, &to.join(name));
            }
        } else if !name.to_string_lossy().contains("tfstate") {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

/// The three functions' zips, as the image's stage makes them.
fn zips(to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for name in ["connect", "disconnect", "relay"] {
        let mut zip = ZipWriter::new(fs::File::create(to.join(format!("{name}.zip"))).expect("a file"));
        zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).expect("an entry");
        zip.write_all(name.as_bytes()).expect("its content");
        zip.finish().expect("a zip");
    }
}

impl Machine {
    /// A machine with credentials for the account.
    pub fn new(folder: PathBuf, cloud: &EmptyAccount) -> Self {
        for name in ["scripts", "terraform", "builder-image"] {
            copy(&Path::new(PROJECT).join(name), &folder.join("clone").join(name));
        }
        fs::copy(Path::new(PROJECT).join("Makefile"), folder.join("clone/Makefile")).expect("the Makefile");
        fs::write(folder.join("clone/terraform/emulator_override.tf"), OVERRIDE).expect("an override");

        let (bin, docker) = (folder.join("bin"), folder.join("docker"));
        for made in [&bin, &docker.join("bin"), &docker.join("images"), &folder.join("home")] {
            fs::create_dir_all(made).expect("a folder");
        }
        for tool in USUAL.into_iter().chain(["terraform"]) {
            let program = found(tool);
            assert!(program.is_some(), "{tool} is not there");
            symlink(program.unwrap_or_default(), bin.join(tool)).expect("a link");
        }
        symlink(Path::new(PROJECT).join("conformance/fixtures/docker.sh"), bin.join("docker")).expect("a link");
        for program in ["operator", "cargo-cloud"] {
            symlink(binaries().join(program), docker.join("bin").join(program)).expect("a link");
        }
        zips(&docker.join("zips"));

        let mut environment = cloud.environment.clone();
        environment.extend([
            ("PATH".to_owned(), bin.display().to_string()),
            ("HOME".to_owned(), folder.join("home").display().to_string()),
            ("STAND_IN".to_owned(), docker.display().to_string()),
            ("ASK_PYTHON".to_owned(), cloud.ask[0].clone()),
            ("ASK_SCRIPT".to_owned(), cloud.ask[1].clone()),
        ]);
        for name in ["TF_CLI_ARGS_init", "TF_PLUGIN_CACHE_DIR"] {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_owned(), value);
            }
        }
        Self { folder, environment }
    }

    /// A path on the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Sets or removes an environment variable.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.environment.insert(name.to_owned(), value.to_owned()),
            None => self.environment.remove(name),
        };
        self
    }

    /// Removes a tool from the machine.
    pub fn without(self, tool: &str) -> Self {
        fs::remove_file(self.folder.join("bin").join(tool)).expect("it was there");
        self
    }

    /// Replaces a tool by a script.
    pub fn replace(&self, tool: &str, script: &str) {
        let file = self.folder.join("bin").join(tool);
        fs::remove_file(&file).expect("it was there");
        fs::write(&file, script).expect("a script");
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// The commands that the stand-in for docker has recorded.
    pub fn asked_of_docker(&self) -> String {
        fs::read_to_string(self.path("docker/asked")).unwrap_or_default()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join("bin").join(program));
        command.current_dir(self.folder.join("clone")).env_clear().envs(&self.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `make ARGUMENTS` without a terminal.
    pub fn make(&self, arguments: &[&str]) -> Ended {
        Self::ended(self.command("make").arg("--no-print-directory").args(arguments))
    }

    /// Runs the script of .github/workflows/deploy.yml with these variables.
    pub fn run_workflow(&self, variables: &[(&str, &str)]) -> Ended {
        let script = self.folder.join("clone/scripts/deploy/from-github.sh");
        Self::ended(self.command("bash").arg(script).env("CLIENT", "no").envs(variables.iter().copied()))
    }

    fn ended(command: &mut Command) -> Ended {
        let output = command.output().expect("it starts");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        Ended { code: output.status.code(), said, stdout }
    }

    /// Runs `make ARGUMENTS` on a terminal of this width, where `answer` is typed.
    pub fn make_on_a_terminal(&self, arguments: &str, columns: u16, answer: &str) -> Ended {
        let line = format!("stty cols {columns}; make --no-print-directory {arguments}");
        let mut child = self
            .command("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("SHELL", self.folder.join("bin/sh"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("script starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(answer.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("its end");
        drop(stdin);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Ended { code: output.status.code(), said: stdout.clone(), stdout }
    }
}
