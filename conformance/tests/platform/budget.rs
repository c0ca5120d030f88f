//! What a month may cost.

use conformance::{Backend, Client, Project};

use crate::account::Account;
use crate::usage;

#[test]
fn builds_are_refused_when_the_month_is_spent() {
    let backend = Backend::start();
    let control = backend.control();
    let client = Client::of(&backend);
    client.run(Project::hello("first", "first").root(), &["build"]).succeeded();
    usage::assert_settled(&control);
    let (total, _) = usage::rows(&control);
    let month = total.expect("a sum")["pk"].as_str().expect("a key").to_owned();

    // All but a second of the default cap, in gigabyte-milliseconds.
    Account::of(&control).set_spent(&month, 399_999_000);
    let run = client.run(Project::hello("second", "second").root(), &["build"]);
    assert_eq!(run.code, Some(101), "{}", run.stderr);
    run.says(&[month.trim_start_matches("usage#"), "monthly_gb_seconds"]).never_says("Compiling");
    let (total, _) = usage::rows(&control);
    assert_eq!(total.expect("a sum")["spent"], 399_999_000, "what is refused costs nothing");
}
