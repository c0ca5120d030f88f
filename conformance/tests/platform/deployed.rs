//! Settings that no build would miss, but the owner of the account would: expiry, access and limits. They are read back
//! from the account that the configuration was applied to.

use std::path::PathBuf;

use conformance::{Control, RawClient, ScenarioBackend};
use serde_json::{Value, json};

use crate::account::DeployedAccount;

fn account() -> (ScenarioBackend, Control, DeployedAccount) {
    let backend = ScenarioBackend::start();
    let control = backend.control();
    let account = DeployedAccount::of(&control);
    (backend, control, account)
}

fn platform_file(name: &str) -> String {
    let folder = PathBuf::from(std::env::var_os("CONFORMANCE_PLATFORM").expect("a platform"));
    std::fs::read_to_string(folder.join(name)).expect(name)
}

#[test]
fn buckets_are_private_encrypted_and_expire_objects() {
    let (_backend, _, account) = account();
    for (bucket, days) in [("input", 1), ("output", 7), ("cache", 30)] {
        let of = |what: &str| {
            let path = format!("/cargo-cloud-{bucket}-123456789012-us-east-1?{what}");
            account.call("s3", "GET", &path, &[], "")
        };
        let lifecycle = of("lifecycle");
        // The output bucket has a rule for each character that an owner's name begins with: what the backend can build
        // stays. The others have one for everything.
        let prefixes: Vec<String> = match bucket {
            "output" => ('a'..='z').chain('0'..='9').map(String::from).collect(),
            _ => vec![String::new()],
        };
        for (part, count) in [
            (format!("<Days>{days}</Days>"), prefixes.len()),
            ("<DaysAfterInitiation>1</DaysAfterInitiation>".to_owned(), 1),
            ("<Status>Enabled</Status>".to_owned(), prefixes.len() + 1),
        ] {
            assert_eq!(lifecycle.matches(&part).count(), count, "{bucket}: {part} in {lifecycle}");
        }
        for rule in lifecycle.split("<Rule>").filter(|rule| rule.contains("<Days>")) {
            let prefix = rule.split("<Prefix>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
            assert!(prefixes.iter().any(|known| known == prefix), "{bucket}: `{prefix}` in {lifecycle}");
        }
        assert!(of("encryption").contains("<SSEAlgorithm>AES256</SSEAlgorithm>"), "{bucket}");
        let public = of("publicAccessBlock").to_lowercase();
        assert_eq!(public.matches(">true<").count(), 4, "{bucket}: {public}");
        assert!(of("ownershipControls").contains("BucketOwnerEnforced"), "{bucket}");
    }
}

#[test]
fn what_the_backend_can_build_is_written_and_read_by_every_device() {
    let (backend, _, _) = account();
    for owner in ["me", "other"] {
        let reply = RawClient::new(backend.credentials(owner)).output(protocol::keys::CAPABILITIES);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let can: protocol::Capabilities = serde_json::from_slice(&reply.body).expect("capabilities");
        assert_eq!(can.protocol, protocol::limits::PROTOCOL_VERSION);
        assert!(can.targets.contains(&can.host) && can.advice.is_some(), "{can:?}");
    }
}

#[test]
fn functions_have_what_the_design_gives_them() {
    let (_backend, _, account) = account();
    let of = |function: &str, path: &str| {
        account.json("lambda", "GET", &path.replace("NAME", account.function(function)), &Value::Null)
    };
    let configuration = of("compile", "/2015-03-31/functions/NAME/configuration");
    for (name, value) in [
        ("MemorySize", json!(10_240)),
        ("EphemeralStorage", json!({ "Size": 10_240 })),
        ("Timeout", json!(900)),
        ("PackageType", json!("Image")),
        ("Architectures", json!(["x86_64"])),
    ] {
        assert_eq!(configuration[name], value, "{name}");
    }
    // Lambda doesn't retry a failed build; the relay receives the records of failures, however late.
    let bus = "arn:aws:events:us-east-1:123456789012:event-bus/cargo-cloud";
    for (function, retries, age, destination) in [("compile", 0, 3600, json!(bus)), ("relay", 2, 21_600, Value::Null)] {
        let invoked = of(function, "/2019-09-25/functions/NAME/event-invoke-config");
        assert_eq!(invoked["MaximumRetryAttempts"], retries, "{function}");
        assert_eq!(invoked["MaximumEventAgeInSeconds"], age, "{function}");
        assert_eq!(invoked["DestinationConfig"]["OnFailure"]["Destination"], destination, "{function}");
    }
    let groups = account.target("logs", "Logs_20140328.DescribeLogGroups", &json!({}));
    let groups = groups["logGroups"].as_array().expect("log groups");
    let mut names: Vec<&str> = groups.iter().filter_map(|group| group["logGroupName"].as_str()).collect();
    names.sort_unstable();
    let expected = ["compile", "connect", "disconnect", "relay"].map(|name| format!("/aws/lambda/cargo-cloud-{name}"));
    assert_eq!(names, expected);
    assert!(groups.iter().all(|group| group["retentionInDays"] == 14), "{groups:?}");
}

#[test]
fn resources_stay_within_the_free_tier() {
    let (_backend, _, account) = account();
    let name = json!({ "TableName": "cargo-cloud" });
    let table = &account.target("dynamodb", "DynamoDB_20120810.DescribeTable", &name)["Table"];
    let units = &table["ProvisionedThroughput"];
    assert_eq!((&units["ReadCapacityUnits"], &units["WriteCapacityUnits"]), (&json!(25), &json!(25)), "always free");
    assert_ne!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert!(table["GlobalSecondaryIndexes"].as_array().is_none_or(Vec::is_empty));
    let ttl = &account.target("dynamodb", "DynamoDB_20120810.DescribeTimeToLive", &name)["TimeToLiveDescription"];
    assert_eq!((&ttl["TimeToLiveStatus"], &ttl["AttributeName"]), (&json!("ENABLED"), &json!("ttl")));

    let images = json!({ "repositoryName": "cargo-cloud-compile" });
    let policy = account.target("ecr", "AmazonEC2ContainerRegistry_V20150921.GetLifecyclePolicy", &images);
    let policy: Value = serde_json::from_str(policy["lifecyclePolicyText"].as_str().expect("a policy")).expect("JSON");
    // A later rule can't delete an image that the first rule covers.
    let [live, others] = &policy["rules"].as_array().expect("rules")[..] else { panic!("{policy}") };
    assert_eq!((&live["rulePriority"], &others["rulePriority"]), (&json!(1), &json!(2)));
    let [live, others] = [live, others].map(|rule| &rule["selection"]);
    assert_eq!((&live["tagPrefixList"], &live["countNumber"]), (&json!(["live"]), &json!(1)), "{policy}");
    assert_eq!((&others["tagStatus"], &others["countNumber"]), (&json!("any"), &json!(2)), "{policy}");

    let request = json!({ "AccountId": "123456789012" });
    let budgets = account.target("budgets", "AWSBudgetServiceGateway.DescribeBudgets", &request);
    assert!(budgets["Budgets"].as_array().is_none_or(Vec::is_empty), "{budgets}");
}

#[test]
fn policies_name_actions_and_resources() {
    let (_backend, _, account) = account();
    let grants: Value = serde_json::from_str(&platform_file("grants.json")).expect("JSON");
    let patterns = |kind: &str| {
        let list = grants[kind].as_array().expect("grants").iter();
        list.map(|grant| grant["pattern"].as_str().expect("a pattern").to_owned()).collect::<Vec<_>>()
    };
    let actions = patterns("actions");
    assert!(actions.len() > 20, "{actions:?}");
    assert_eq!(actions.iter().find(|action| action.contains('*')), None);
    assert_eq!(actions.iter().find(|action| action.starts_with("logs:CreateLogGroup")), None);
    for resource in patterns("resources") {
        // Service, region, account and the name of the resource are given; the rest may be a wildcard.
        let name = resource.split('/').next().unwrap_or_default();
        assert!(!name.contains('*'), "{resource}");
    }
    // All names belong to this deployment.
    assert!(account.functions.iter().all(|name| name.starts_with("cargo-cloud-")), "{:?}", account.functions);
}

#[test]
fn no_secret_is_in_the_state() {
    let platform: Value = serde_json::from_str(&platform_file("platform.json")).expect("JSON");
    let state = platform_file("terraform/terraform.tfstate");
    assert!(state.contains("cargo-cloud-compile"), "no state");
    let devices = platform["devices"].as_object().expect("devices");
    assert_eq!(devices.len(), 2);
    for (name, device) in devices {
        let secret = device["secret_access_key"].as_str().expect("a secret");
        assert!(secret.len() > 20 && !state.contains(secret), "{name}");
    }
}
