//! Builds that have to wait for free capacity or for an invocation of their own.

use std::time::Duration;

use conformance::{RawArchive, RawClient, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject};
use protocol::{BuildId, Outcome, messages};
use serde_json::{Value, json};

use crate::account::DeployedAccount;
use crate::usage;

#[test]
fn a_build_that_waited_for_too_long_ends_with_a_result() {
    let backend = ScenarioBackend::with(ScenarioOptions { jobs: Some(1), ..ScenarioOptions::default() });
    let (control, account) = (backend.control(), DeployedAccount::of(&backend.control()));
    // Lambda allows no less than a minute, which is too long for a scenario.
    let path = format!("/2019-09-25/functions/{}/event-invoke-config", account.function("compile"));
    let mut config = account.json("lambda", "GET", &path, &Value::Null);
    config["MaximumEventAgeInSeconds"] = json!(2);
    // moto would keep both settings.
    account.json("lambda", "DELETE", &path, &Value::Null);
    account.json("lambda", "PUT", &path, &config);
    control.post("reload", &json!({}));

    let client = ScenarioClient::of(&backend);
    let busy = ScenarioProject::hello("busy", "x")
        .file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n");
    let mut first = client.spawn(busy.root(), &["build"]);
    first.until("Compiling busy");
    let run = client.run(ScenarioProject::hello("late", "x").root(), &["build"]).exited(101);
    run.says(&["too busy to start this build"]);
    first.interrupt();
    first.end().exited(130);
    usage::assert_settled(&control);
    let (_, attempts) = usage::rows(&control);
    assert_eq!(attempts.len(), 1, "what never began costs nothing: {attempts:?}");
}

/// Stores a source of `me` without a notification, and returns the record that S3 would have sent.
fn source(account: &DeployedAccount, archive: &RawArchive) -> (BuildId, Value) {
    let id = RawClient::new_id();
    let (bucket, key) = ("cargo-cloud-input-123456789012-us-east-1", format!("me/{id}.zip"));
    let names: Vec<(String, &str)> =
        RawClient::metadata().into_iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value)).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    account.call("s3", "PUT", &format!("/{bucket}/{key}"), &headers, archive.bytes());
    let record = json!({ "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key.replace('/', "%2F") } } });
    (id, record)
}

/// The ETag of a build's source, with quotation marks.
fn etag(account: &DeployedAccount, id: &BuildId) -> String {
    let path = format!("/cargo-cloud-input-123456789012-us-east-1?list-type=2&prefix=me/{id}");
    let listing = account.call("s3", "GET", &path, &[], "");
    let etag = listing.split("<ETag>").nth(1).and_then(|rest| rest.split('<').next()).expect("an ETag");
    format!("\"{}\"", etag.replace("&quot;", "").trim_matches('"'))
}

#[test]
fn a_further_attempt_builds_only_the_source_of_the_first_attempt() {
    let backend = ScenarioBackend::start();
    let (control, account) = (backend.control(), DeployedAccount::of(&backend.control()));
    let raw = RawClient::new(backend.credentials("me"));
    let of_another = "\"00000000000000000000000000000000\"";
    for (replaced, expected) in [(false, Outcome::Succeeded), (true, Outcome::Cancelled)] {
        let (id, _) = source(&account, &RawArchive::program());
        let etag = if replaced { of_another.to_owned() } else { etag(&account, &id) };
        // The event of `compile` when its first attempt has run out of time.
        control.post(
            "invoke",
            &json!({ "function": "relay", "payload": {
                "version": "0", "id": "i", "account": "123456789012", "time": "2026-01-01T00:00:00Z", "region": "us-east-1",
                "resources": [], "source": "cargo-cloud", "detail-type": "continue",
                "detail": { "v": 1, "owner": "me", "build": id, "attempt": 2, "first_seq": 9, "source_etag": etag },
            } }),
        );
        let result = raw.result(&id);
        assert_eq!((result.outcome, result.attempts), (expected, 2), "{result:?}");
        assert!(result.message.as_deref() == replaced.then_some(messages::SOURCE_REPLACED), "{result:?}");
        assert!(result.last >= 8 && control.objects("output").contains(&format!("me/{id}/2/claim")), "{result:?}");
        usage::assert_settled(&control);
    }
}

/// A program whose build takes this many seconds.
fn sleeping(seconds: u32) -> RawArchive {
    let script = format!("fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})); }}\n");
    RawArchive::program().entry("source/build.rs", script)
}

#[test]
fn one_notification_of_several_sources_builds_them_all() {
    let backend = ScenarioBackend::with(ScenarioOptions {
        attempt_limit: Some(Duration::from_secs(20)),
        ..ScenarioOptions::default()
    });
    let (control, account) = (backend.control(), DeployedAccount::of(&backend.control()));
    let (first, one) = source(&account, &sleeping(11));
    let (second, two) = source(&account, &RawArchive::program());
    let nonsense = json!({ "eventName": "ObjectRemoved:Delete" });
    control.post("invoke", &json!({ "function": "compile", "payload": { "Records": [one, nonsense, two] } }));
    let raw = RawClient::new(backend.credentials("me"));
    assert_eq!(raw.result(&first).outcome, Outcome::Succeeded);
    // The first build has left too little time for this one.
    assert_eq!(raw.result(&second).outcome, Outcome::Succeeded);
    let calls = control.get("calls");
    let invoked = |call: &&Value| {
        call["action"] == "lambda:InvokeFunction"
            && call["principal"].as_str().is_some_and(|name| name.ends_with("-relay"))
    };
    assert_eq!(
        calls.as_array().expect("calls").iter().filter(invoked).count(),
        1,
        "the second build has an invocation of its own"
    );
    usage::assert_settled(&control);
}

#[test]
fn a_source_that_was_handed_over_has_exactly_one_result() {
    let backend = ScenarioBackend::with(ScenarioOptions {
        attempt_limit: Some(Duration::from_secs(20)),
        ..ScenarioOptions::default()
    });
    let (control, account) = (backend.control(), DeployedAccount::of(&backend.control()));
    let (first, one) = source(&account, &sleeping(11));
    let (second, two) = source(&account, &sleeping(5));
    control.faults(json!([
        { "function": "compile", "action": "events:PutEvents", "context": { "events:detail-type": "continue" },
          "phase": "after", "do": { "kill": true } },
    ]));
    control.post("invoke", &json!({ "function": "compile", "payload": { "Records": [one, two] } }));
    let raw = RawClient::new(backend.credentials("me"));
    assert_eq!(raw.result(&first).outcome, Outcome::Succeeded);
    // Either the request to build it elsewhere arrives first, or the failure record of the builder that sent the request.
    let result = raw.result(&second);
    let claim = format!("me/{second}/1/claim");
    let expected = if control.objects("output").contains(&claim) { Outcome::Succeeded } else { Outcome::Crashed };
    assert_eq!(result.outcome, expected, "{result:?}");
    usage::assert_settled(&control);
}
