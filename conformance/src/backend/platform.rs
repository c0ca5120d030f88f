//! The platform as AWS would run it, started for one scenario, and the interface that disturbs it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ScenarioOptions;
use crate::binaries::emulator_binary;

/// The command that starts the platform.
pub(super) fn command(platform: &Path, folder: &Path, options: &ScenarioOptions) -> Command {
    let mut command = Command::new(emulator_binary());
    command.arg("serve").arg("--platform").arg(platform).arg("--folder").arg(folder);
    if let Some(jobs) = options.jobs {
        command.arg("--jobs").arg(jobs.to_string());
    }
    if let Some(limit) = options.attempt_limit {
        command.arg("--attempt-limit").arg(format!("{}ms", limit.as_millis()));
    }
    if let Some(size) = options.disk {
        command.arg("--tmp-size").arg(size.to_string());
    }
    if let Some(config) = &options.cargo_config {
        command.arg("--env").arg(format!("compile:BUILD_CARGO_CONFIG={}", config.display()));
    }
    for (name, value) in &options.env {
        command.arg("--env").arg(format!("compile:{name}={value}"));
    }
    command
}

/// Disturbs a platform and looks into it.
pub struct Control {
    port: u16,
    agent: ureq::Agent,
}

impl Control {
    pub(super) fn new(port: u16) -> Self {
        let timeout = Some(Duration::from_secs(60));
        let agent = ureq::Agent::config_builder().timeout_global(timeout).http_status_as_error(false).build();
        Self { port, agent: agent.new_agent() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/emulator/{path}", self.port)
    }

    /// Sends a request that changes the platform.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.agent.post(self.url(path)).send(body.to_string().as_bytes()).expect("an answer");
        read(path, answer)
    }

    /// Reads a part of the platform's state.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        read(path, self.agent.get(self.url(path)).call().expect("an answer"))
    }

    /// Sets the faults that happen from now on.
    pub fn faults(&self, faults: Value) {
        self.post("faults", &faults);
    }

    /// The keys of all objects in the bucket `input`, `output` or `cache`.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        let keys = self.get(&format!("objects?bucket={bucket}"));
        serde_json::from_value(keys).expect("a list of keys")
    }

    /// Switches the power. Without it every machine dies and nothing answers; with it the platform continues from the
    /// stored data.
    pub fn power(&self, on: bool) {
        self.post("power", &json!({ "on": on }));
    }

    /// Ends idle machines, as AWS does after a while.
    pub fn cold(&self) {
        self.post("cold", &json!({}));
    }

    /// Asserts that within this time no process of a build is left.
    #[track_caller]
    pub(super) fn assert_idle(&self, patience: Duration) {
        let began = Instant::now();
        loop {
            let left = self.get("processes");
            if left.as_array().is_some_and(Vec::is_empty) {
                return;
            }
            assert!(began.elapsed() < patience, "still there: {left}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[track_caller]
fn read(path: &str, mut answer: http::Response<ureq::Body>) -> Value {
    let text = answer.body_mut().read_to_string().expect("text");
    assert_eq!(answer.status(), 200, "{path}: {text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
}
