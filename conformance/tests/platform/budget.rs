//! The budget of a month.

use conformance::{ScenarioBackend, ScenarioClient, ScenarioProject};
use serde_json::json;

use crate::account::DeployedAccount;
use crate::usage;

#[test]
fn a_build_is_charged_for_the_time_that_it_took() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    ScenarioClient::of(&backend).run(ScenarioProject::hello("thrifty", "x").root(), &["build"]).succeeded();
    usage::assert_settled(&control);
    let (total, attempts) = usage::rows(&control);
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    // In gigabyte-milliseconds: 10 GB for some of the 900 seconds that were reserved.
    let reserved = attempts[0]["reserved"].as_u64().expect("a reservation");
    assert!((8_900_000..=9_000_000).contains(&reserved), "{reserved}");
    let spent = total.expect("a sum")["spent"].as_u64().expect("a number");
    assert!((1_000..reserved / 2).contains(&spent), "{spent}");
}

#[test]
fn the_relay_settles_the_usage_of_an_attempt_that_could_not() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    // Every call except the reservation.
    control.faults(json!([
        { "function": "compile", "action": "dynamodb:UpdateItem", "skip": 1, "times": 1000,
          "do": { "error": "AccessDeniedException" } },
    ]));
    ScenarioClient::of(&backend).run(ScenarioProject::hello("noted", "x").root(), &["build"]).succeeded();
    usage::assert_settled(&control);
    let (total, attempts) = usage::rows(&control);
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(attempts[0]["settled"], total.expect("a sum")["spent"]);
}

#[test]
fn a_reservation_whose_answer_was_lost_is_released() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    control.faults(json!([
        { "function": "compile", "action": "dynamodb:PutItem", "phase": "after", "do": { "error": "AccessDeniedException" } },
    ]));
    let run = ScenarioClient::of(&backend).run(ScenarioProject::hello("unsure", "x").root(), &["build"]).exited(101);
    run.says(&["AccessDeniedException", "build again"]);
    usage::assert_settled(&control);
    let (_, attempts) = usage::rows(&control);
    assert_eq!(attempts.len(), 1, "{attempts:?}");
}

#[test]
fn without_the_table_builds_are_refused_with_a_reason() {
    let backend = ScenarioBackend::start();
    backend.control().faults(json!([
        { "function": "compile", "action": "dynamodb:*", "times": 1000,
          "do": { "error": "ProvisionedThroughputExceededException" } },
    ]));
    let run = ScenarioClient::of(&backend).run(ScenarioProject::hello("throttled", "x").root(), &["build"]).exited(101);
    let run = run.says(&["the table that holds what builds cost", "ProvisionedThroughputExceeded", "build again"]);
    run.never_says("Compiling");
    assert_eq!(usage::rows(&backend.control()), (None, Vec::new()));
}

#[test]
fn builds_are_refused_when_the_budget_of_the_month_is_spent() {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let client = ScenarioClient::of(&backend);
    client.run(ScenarioProject::hello("first", "first").root(), &["build"]).succeeded();
    usage::assert_settled(&control);
    let (total, _) = usage::rows(&control);
    let month = total.expect("a sum")["pk"].as_str().expect("a key").to_owned();

    // The default cap minus one second, in gigabyte-milliseconds.
    DeployedAccount::of(&control).set_spent(&month, 399_999_000);
    let run = client.run(ScenarioProject::hello("second", "second").root(), &["build"]);
    assert_eq!(run.code, Some(101), "{}", run.stderr);
    run.says(&[month.trim_start_matches("usage#"), "monthly_gb_seconds"]).never_says("Compiling");
    let (total, _) = usage::rows(&control);
    assert_eq!(total.expect("a sum")["spent"], 399_999_000, "a refused build costs nothing");
}
