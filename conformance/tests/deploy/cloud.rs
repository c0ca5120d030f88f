//! The emulated account.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value, json};

/// An account of its own, for as long as this lives.
pub struct EmptyAccount {
    child: Child,
    /// Its end is the account's end.
    stdin: Option<ChildStdin>,
    /// The variables by which AWS's tools find it.
    pub environment: BTreeMap<String, String>,
    /// A program that asks it: Python, and a script of it.
    pub ask: [String; 2],
    refusals: PathBuf,
}

/// The folder with the programs under test.
pub fn binaries() -> PathBuf {
    std::env::var_os("CONFORMANCE_BINARIES").map(PathBuf::from).expect("`make test-deploy` names the programs")
}

impl EmptyAccount {
    /// An empty one. It keeps a file in `folder`.
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

    /// Calls that are refused from now on, instead of those before.
    pub fn refuse(&self, rules: &[Value]) {
        // In one step: it is read at any moment.
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

    /// Any call.
    pub fn call(&self, service: &str, operation: &str, arguments: Value) -> Value {
        self.asked(&["call", service, operation, &arguments.to_string()])
    }

    /// Whatever there is in the account, of any service.
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
