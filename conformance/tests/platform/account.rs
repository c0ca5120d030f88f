//! The account of a platform, for changes that an administrator could make.

use std::path::PathBuf;
use std::time::Duration;

use conformance::Control;
use serde_json::{Value, json};

/// The emulated account of one scenario.
pub struct DeployedAccount {
    port: u64,
    region: String,
    /// The names of the functions, such as `cargo-cloud-compile`.
    pub functions: Vec<String>,
    agent: ureq::Agent,
}

impl DeployedAccount {
    /// The account that this platform runs in.
    pub fn of(control: &Control) -> Self {
        let port = control.get("addresses")["moto_port"].as_u64().expect("a port");
        let folder = PathBuf::from(std::env::var_os("CONFORMANCE_PLATFORM").expect("a platform"));
        let text = std::fs::read(folder.join("platform.json")).expect("its description");
        let platform: Value = serde_json::from_slice(&text).expect("JSON");
        let functions = platform["functions"].as_object().expect("functions").keys().cloned().collect();
        let region = platform["region"].as_str().expect("a region").to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        Self { port, region, functions, agent }
    }

    /// The full name of a function.
    pub fn function(&self, end: &str) -> &str {
        self.functions.iter().find(|name| name.ends_with(&format!("-{end}"))).expect("a function")
    }

    /// Makes a call as the administrator of the account.
    #[track_caller]
    pub fn call(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> String {
        let scope = format!("AKIAADMIN/20260101/{}/{service}/aws4_request", self.region);
        let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("authorization", signature);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body.into()).expect("a request")).expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        assert!(answer.status().is_success(), "{method} {path}: {} {text}", answer.status());
        text
    }

    /// Makes a call whose answer is JSON.
    #[track_caller]
    pub fn json(&self, service: &str, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let text = self.call(service, method, path, &[("content-type", "application/json")], body);
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// Makes a call whose action is in a header.
    #[track_caller]
    pub fn target(&self, service: &str, target: &str, body: &Value) -> Value {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
        let text = self.call(service, "POST", "/", &headers, body.to_string());
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// Sets the usage of the current month.
    pub fn set_spent(&self, month: &str, spent: u64) {
        self.set_number(month, "total", "spent", spent);
    }

    /// Changes when a follower connected, because no scenario can wait until one is old.
    pub fn set_age(&self, follower: &Value, age: Duration) {
        let since = follower["since"].as_u64().expect("when it came");
        let [pk, sk] = ["pk", "sk"].map(|name| follower[name].as_str().expect("a key"));
        self.set_number(pk, sk, "since", since - u64::try_from(age.as_millis()).expect("milliseconds"));
    }

    fn set_number(&self, pk: &str, sk: &str, name: &str, number: u64) {
        let tables = self.target("dynamodb", "DynamoDB_20120810.ListTables", &json!({}));
        self.target(
            "dynamodb",
            "DynamoDB_20120810.UpdateItem",
            &json!({
                "TableName": tables["TableNames"][0],
                "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
                "UpdateExpression": "SET #name = :number",
                "ExpressionAttributeNames": { "#name": name },
                "ExpressionAttributeValues": { ":number": { "N": number.to_string() } },
            }),
        );
    }
}
