//! The test of the tests: a platform with a wrong configuration fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use conformance::{RawArchive, RawClient, ScenarioBackend};
use protocol::{BuildResult, ClientMessage, EventKind, Frame, Outcome};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::account::DeployedAccount;

/// The simplest scenario: a build is followed from its first event to its result, and every call was allowed.
fn passes(backend: &mut ScenarioBackend, patience: Duration) -> Result<(), String> {
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    if raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status != 200 {
        return Err("no upload".to_owned());
    }
    let mut socket = raw.socket("me", id.as_str()).map_err(|status| format!("no socket: {status}"))?;
    let began = Instant::now();
    loop {
        let reply = raw.output(&format!("me/{id}/result.json"));
        if reply.status == 200 {
            let result: BuildResult = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
            if result.outcome != Outcome::Succeeded {
                return Err(format!("{result:?}"));
            }
            break;
        }
        if began.elapsed() > patience {
            return Err("no result".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    socket.send(Message::text(ClientMessage::Resume { after: 0 }.encode()));
    let mut numbers = Vec::new();
    loop {
        let text = socket.text().ok_or("the socket is closed")?;
        let events = Frame::decode(&text).map_err(|_| format!("no frame: {text}"))?.events;
        numbers.extend(events.iter().filter_map(|event| event.seq));
        if events.iter().any(|event| matches!(event.kind, EventKind::CaughtUp { .. })) {
            break;
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.len() < 4 || numbers != (1..=numbers.len() as u64).collect::<Vec<_>>() {
        return Err(format!("events are missing: {numbers:?}"));
    }
    drop(socket);
    match backend.stop() {
        (Some(0), _) => Ok(()),
        (code, _) => Err(format!("{code:?}: {}", backend.said())),
    }
}

/// The scenario does not pass after this was changed, and `sign` is among what is said of it: by the scenario, by the
/// platform, or in the functions' logs.
#[track_caller]
fn fails(sign: &str, change: impl FnOnce(&DeployedAccount)) {
    let mut backend = ScenarioBackend::start();
    let control = backend.control();
    let platform = std::env::var_os("CONFORMANCE_PLATFORM").expect("a platform");
    let calls = Path::new(&platform).join(format!("calls/{}.jsonl", backend.pid()));
    change(&DeployedAccount::of(&control));
    control.post("reload", &json!({}));
    let why = passes(&mut backend, Duration::from_secs(15)).expect_err("nobody notices");
    let mut said = format!("{why}\n{}", backend.said());
    // The backend may also have stopped with an error.
    if let Ok(problems) = catch_unwind(AssertUnwindSafe(|| control.get("problems"))) {
        said += &problems.to_string();
        backend.stop();
    }
    for log in std::fs::read_dir(backend.folder().join("logs")).into_iter().flatten().flatten() {
        said += &std::fs::read_to_string(log.path()).expect("a log");
    }
    assert!(said.contains(sign), "it fails for another reason than `{sign}`:\n{said}");
    // A call that is refused because of a deliberate change says nothing about the applied platform.
    std::fs::remove_file(calls).expect("recorded calls");
}

#[test]
fn a_correct_platform_passes() {
    let mut backend = ScenarioBackend::start();
    assert_eq!(passes(&mut backend, Duration::from_secs(60)), Ok(()));
}

#[test]
fn a_platform_whose_functions_may_not_be_invoked_fails() {
    for end in ["compile", "relay", "connect"] {
        fails("may not invoke", |account| {
            let path = format!("/2015-03-31/functions/{}/policy", account.function(end));
            let policy = account.json("lambda", "GET", &path, &Value::Null);
            let policy: Value = serde_json::from_str(policy["Policy"].as_str().expect("a policy")).expect("JSON");
            for statement in policy["Statement"].as_array().expect("statements") {
                let sid = statement["Sid"].as_str().expect("a name");
                account.call("lambda", "DELETE", &format!("{path}/{sid}"), &[], "");
            }
        });
    }
}

#[test]
fn a_platform_with_a_misnamed_variable_fails() {
    for (end, name) in [("compile", "OUTPUT_BUCKET"), ("relay", "SOCKET_ENDPOINT"), ("connect", "TABLE")] {
        fails("is missing or empty", |account| {
            let function = account.function(end);
            let path = format!("/2015-03-31/functions/{function}/configuration");
            let configuration = account.json("lambda", "GET", &path, &Value::Null);
            let mut variables = configuration["Environment"]["Variables"].clone();
            let value = variables.as_object_mut().expect("variables").remove(name).expect("the variable");
            variables[format!("{name}S")] = value;
            account.json("lambda", "PUT", &path, &json!({ "Environment": { "Variables": variables } }));
        });
    }
}

#[test]
fn a_platform_whose_rule_matches_nothing_fails() {
    fails("no rule matches", |account| {
        let buses = account.target("events", "AWSEvents.ListEventBuses", &json!({}));
        for bus in buses["EventBuses"].as_array().expect("buses") {
            let rules = account.target("events", "AWSEvents.ListRules", &json!({ "EventBusName": bus["Name"] }));
            for rule in rules["Rules"].as_array().expect("rules") {
                let pattern = json!({ "source": ["elsewhere"] }).to_string();
                let changed = json!({ "Name": rule["Name"], "EventBusName": bus["Name"], "EventPattern": pattern });
                account.target("events", "AWSEvents.PutRule", &changed);
            }
        }
    });
}

#[test]
fn a_platform_with_a_misnamed_route_fails() {
    fails("Forbidden", |account| {
        let apis = account.json("apigateway", "GET", "/v2/apis", &Value::Null);
        let api = apis["items"][0]["apiId"].as_str().expect("an API").to_owned();
        let routes = account.json("apigateway", "GET", &format!("/v2/apis/{api}/routes"), &Value::Null);
        let route = routes["items"].as_array().expect("routes").iter().find(|route| route["routeKey"] == "resume");
        let id = route.expect("a route")["routeId"].as_str().expect("an id");
        account.json("apigateway", "PATCH", &format!("/v2/apis/{api}/routes/{id}"), &json!({ "routeKey": "resumed" }));
    });
}

#[test]
fn a_platform_with_a_role_without_policies_fails() {
    for end in ["compile", "relay", "connect"] {
        fails("is not authorized to perform", |account| {
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let role = account.function(end);
            let list = format!("Action=ListRolePolicies&Version=2010-05-08&RoleName={role}");
            let xml = account.call("iam", "POST", "/", &form, list);
            let names: Vec<&str> =
                xml.split("<member>").skip(1).filter_map(|rest| rest.split("</member>").next()).collect();
            assert!(!names.is_empty(), "{role} has no policies: {xml}");
            for name in names {
                let delete = format!("Action=DeleteRolePolicy&Version=2010-05-08&RoleName={role}&PolicyName={name}");
                account.call("iam", "POST", "/", &form, delete);
            }
        });
    }
}
