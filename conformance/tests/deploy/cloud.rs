//! The emulated account that scenarios deploy to.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

/// An emulated account, which ends when this is dropped.
pub struct EmptyAccount {
    child: Child,
    /// The emulator's process, with which the account ends.
    stdin: Option<ChildStdin>,
    /// The environment variables with which AWS's tools find the account.
    pub environment: BTreeMap<String, String>,
    /// The command that looks into the account: Python and a script.
    pub ask: [String; 2],
    refusals: PathBuf,
}

/// The folder with the programs under test.
pub fn binaries() -> PathBuf {
    std::env::var_os("CONFORMANCE_BINARIES").map(PathBuf::from).expect("`make test-deploy` names the programs")
}

impl EmptyAccount {
    /// Starts an empty account, which keeps a file in `folder`.
    pub fn start(folder: &Path) -> Self {
        let refusals = folder.join("refusals.json");
        let mut child = Command::new(binaries().join("aws-emulator"))
            .args(["account", "--refusals"])
            .arg(&refusals)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let mut said: Value = serde_json::from_str(&line).expect("the account's address");
        let environment = serde_json::from_value(said["environment"].take()).expect("variables");
        let ask = serde_json::from_value(said["ask"].take()).expect("a program");
        Self { stdin: child.stdin.take(), child, environment, ask, refusals }
    }

    /// Replaces the calls that are refused.
    pub fn refuse(&self, rules: &[Value]) {
        // In one step, because the file may be read at any time.
        let new = self.refusals.with_extension("new");
        fs::write(&new, json!(rules).to_string()).expect("the refusals");
        fs::rename(new, &self.refusals).expect("the refusals");
    }

    fn asked(&self, arguments: &[&str]) -> Value {
        let [python, script] = &self.ask;
        let output =
            Command::new(python).arg(script).args(arguments).envs(&self.environment).output().expect("Python starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Makes any call of the AWS API.
    pub fn call(&self, service: &str, operation: &str, arguments: Value) -> Value {
        self.asked(&["call", service, operation, &arguments.to_string()])
    }

    /// All resources in the account.
    pub fn left(&self) -> Vec<String> {
        serde_json::from_value(self.asked(&["left"])).expect("a list")
    }
}

impl Drop for EmptyAccount {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
