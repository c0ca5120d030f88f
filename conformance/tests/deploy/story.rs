//! A deployment from its first failed attempt to its end, in one scenario, because a person does all of this with one
//! deployment, and making the platform takes a minute.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cloud::{EmptyAccount, binaries};
use crate::machine::{Ended, Machine};

/// The bucket for Terraform's state.
const STATE: &str = "state";
const BUCKET: &str = "cargo-cloud-input-123456789012-us-east-1";

/// AWS doesn't return the secrets of existing keys, so the check uses that of the printed line, which must be nowhere else.
fn secret_of(line: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    let output = Command::new(binaries().join("cargo-cloud"))
        .args(["configure", line])
        .env_clear()
        .env("CARGO_CLOUD_CONFIG", &config)
        .output()
        .expect("the client starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(config).expect("the configuration");
    let value = |name: &str| {
        text.split(&format!("{name} = \"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    assert_eq!(value("input_bucket").as_deref(), Some(BUCKET));
    value("secret_access_key").expect("a secret")
}

fn line_of(ended: &Ended) -> String {
    let line = ended.stdout.lines().find(|line| line.starts_with("cargo-cloud configure cargo-cloud-1:"));
    line.expect("a line of the device's").trim().rsplit(' ').next().expect("words").to_owned()
}

fn users(cloud: &EmptyAccount) -> Vec<String> {
    let answer = cloud.call("iam", "list_users", json!({}));
    let users = answer["Users"].as_array().expect("users").iter();
    users.map(|user| user["UserName"].as_str().expect("a name").to_owned()).collect()
}

fn keys(cloud: &EmptyAccount, user: &str) -> usize {
    let answer = cloud.call("iam", "list_access_keys", json!({ "UserName": user }));
    answer["AccessKeyMetadata"].as_array().expect("keys").len()
}

/// A bucket's name that somebody else has (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
fn bucket_taken() -> Value {
    json!({
        "method": "PUT", "path": format!("^/{BUCKET}/?$"), "status": 409, "type": "application/xml",
        "answer": "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>BucketAlreadyExists</Code><Message>The requested \
                   bucket name is not available.</Message></Error>",
    })
}

/// Lambda's answer in a new account.
fn memory_capped() -> Value {
    json!({
        "method": "POST", "path": "^/2015-03-31/functions", "body": "\"MemorySize\": ?10240", "status": 400,
        "type": "application/json", "error": "ValidationException",
        "answer": json!({ "message": "'MemorySize' value failed to satisfy constraint: Member must have value less than or \
                                      equal to 3008" }).to_string(),
    })
}

/// A bucket that may not be deleted (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
fn undeletable() -> Value {
    json!({
        "method": "DELETE", "path": format!("^/{BUCKET}/?$"), "status": 403, "type": "application/xml",
        "answer": "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
    })
}

#[test]
fn a_deployment_lives_from_an_empty_account_to_an_empty_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = EmptyAccount::start(folder.path());
    let mut machine = Machine::new(folder.path().join("first"), &cloud);
    let secrets = vec![deploys_in_spite_of_everything(&cloud, &machine)];
    let secrets = [secrets, devices_come_and_go(&cloud, &machine)].concat();
    another_clone_is_kept_away(&cloud, Machine::new(folder.path().join("second"), &cloud));
    looks(&machine);
    let runner = Machine::new(folder.path().join("runner"), &cloud);
    let secrets = [secrets, vec![a_fork_takes_over(&cloud, &mut machine, runner)]].concat();
    destroys(&cloud, &machine);
    // Keys were shown to the person and to no one else.
    let clone = machine.path("clone");
    let grep = Command::new("grep")
        .arg("-rlF")
        .args(["-e", &secrets.join("\n")])
        .arg(clone)
        .arg(machine.path("docker"))
        .output();
    assert_eq!(String::from_utf8_lossy(&grep.expect("grep starts").stdout), "");
}

/// Returns the secret of the machine's own key.
fn deploys_in_spite_of_everything(cloud: &EmptyAccount, machine: &Machine) -> String {
    let chosen = ["deploy", "ANDROID_ABIS=arm64-v8a", "LINUX_TARGETS=x86_64-unknown-linux-gnu"];
    fs::write(machine.path("docker/interrupt"), "").expect("a file");
    machine.make(&chosen).badly().says(&["connection reset by peer", "type `make deploy` again"]);
    assert_eq!(cloud.left(), ["ecr: cargo-cloud-compile"]);
    // An incomplete deployment can be destroyed.
    machine.make(&["destroy", "YES=1"]).well().says(&["Nothing of `cargo-cloud` is left"]);
    assert!(cloud.left().is_empty(), "{:?}", cloud.left());
    fs::write(machine.path("docker/interrupt"), "").expect("a file");
    machine.make(&chosen).badly().says(&["type `make deploy` again"]);

    cloud.refuse(&[bucket_taken()]);
    // Chosen options are remembered.
    machine.make(&["deploy"]).badly().says(&[
        "belongs to somebody else",
        "DEPLOYMENT=another-name",
        "type `make deploy` again",
    ]);

    cloud.refuse(&[memory_capped()]);
    machine.make(&["deploy"]).badly().says(&["3008 MB of memory: new accounts are capped", "make deploy MEMORY=3008"]);
    let ended = machine.make_on_a_terminal("deploy", 80, "y\n").well();
    let ended = ended.says(&[
        "Go on with 3008 MB? [Y/n]",
        "Making the platform",
        "done in",
        "backend `aws` at",
        "make destroy",
    ]);
    cloud.refuse(&[]);
    let function = cloud.call("lambda", "get_function", json!({ "FunctionName": "cargo-cloud-compile" }));
    assert_eq!(function["Configuration"]["MemorySize"], 3008);
    let digest = fs::read_to_string(machine.path("docker/digest")).expect("a digest");
    assert_eq!(function["Code"]["ImageUri"], digest.trim());

    let asked = machine.asked_of_docker();
    assert!(
        asked.contains("--build-arg ANDROID_ABIS=arm64-v8a") && asked.contains("--provenance=false --sbom=false"),
        "{asked}"
    );
    let config = machine.path("home/.config/cargo-cloud/config.toml");
    let mode = fs::metadata(&config).expect("the configuration").permissions().mode();
    let text = fs::read_to_string(&config).expect("the configuration");
    assert!(text.contains(BUCKET) && !text.contains("targets"), "{text}");
    let object = json!({ "Bucket": BUCKET.replace("input", "output"), "Key": protocol::keys::CAPABILITIES });
    let published = cloud.call("s3", "get_object", object);
    let can: protocol::Capabilities =
        serde_json::from_str(published["Body"].as_str().expect("an object")).expect("capabilities");
    assert_eq!(can.targets, ["aarch64-linux-android", "x86_64-unknown-linux-gnu"]);
    assert_eq!(mode & 0o777, 0o600);
    let secret = text.split("secret_access_key = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a secret");
    assert!(!ended.said.contains(secret));

    let again = machine.make(&["deploy"]).well().says(&["Apply complete! Resources: 0 added, 0 changed, 0 destroyed."]);
    assert!(!again.said.contains("client configuration"), "{}", again.said);
    assert_eq!((users(cloud).len(), fs::read_to_string(&config).expect("the configuration")), (1, text.clone()));
    secret.to_owned()
}

/// Returns the secrets that were printed.
fn devices_come_and_go(cloud: &EmptyAccount, machine: &Machine) -> Vec<String> {
    machine.make(&["device", "NAME=My Tablet"]).badly().says(&["can't be a device's name"]);
    let first = machine.make(&["device", "NAME=tablet", "OWNER=her"]).well();
    let first = secret_of(&line_of(&first));
    assert!(users(cloud).contains(&"cargo-cloud-tablet".to_owned()));
    machine.make(&["device", "NAME=tablet"]).badly().says(&["belongs to the owner `her`"]);

    let wide = machine.make_on_a_terminal("device NAME=tablet OWNER=her", 200, "").well();
    let (second, blocks) = (secret_of(&line_of(&wide)), wide.said.matches('\u{2588}').count());
    assert!(blocks > 500 && second != first, "{}", wide.said);
    assert_eq!(keys(cloud, "cargo-cloud-tablet"), 1);
    let narrow = machine.make_on_a_terminal("device NAME=tablet OWNER=her", 40, "").well();
    let third = secret_of(&line_of(&narrow));
    narrow.says(&["no QR code: it needs a window of"]);

    machine.make(&["device", "NAME=phone", "REVOKE=1"]).badly().says(&["no device `phone`; there is:", "tablet"]);
    machine.make(&["device", "NAME=tablet", "REVOKE=1"]).well().says(&["`tablet` can no longer build."]);
    assert!(!users(cloud).contains(&"cargo-cloud-tablet".to_owned()));
    vec![first, second, third]
}

fn another_clone_is_kept_away(cloud: &EmptyAccount, other: Machine) {
    let there = cloud.left();
    for verb in ["deploy", "plan"] {
        other
            .make(&[verb])
            .badly()
            .says(&["has a deployment `cargo-cloud` in us-east-1 already", "DEPLOYMENT=another-name"]);
    }
    other.make(&["plan", "DEPLOYMENT=second"]).well().says(&[
        "the plan has one of zeros",
        "0 to change, 0 to destroy",
        "second-compile",
    ]);
    assert_eq!(cloud.left(), there);
}

fn looks(machine: &Machine) {
    machine.make(&["status"]).well().says(&[
        "compile: active, 3008 MB",
        "of 400000 GB-seconds",
        "running none",
        "not used yet",
    ]);
    machine
        .make(&["status", "REGION=eu-west-1"])
        .badly()
        .says(&["is deployed in us-east-1, but the chosen region is eu-west-1"]);
    machine.make(&["logs", "FUNCTION=none"]).badly().says(&["there are: compile, connect, disconnect, relay"]);
    machine.make(&["logs", "SINCE=yesterday"]).badly().says(&["`yesterday` is not a period"]);
    machine.make(&["logs"]).well();
}

/// The state moves to a bucket, and a runner of GitHub continues from there. Returns the secret that it made.
fn a_fork_takes_over(cloud: &EmptyAccount, machine: &mut Machine, mut runner: Machine) -> String {
    cloud.call("s3", "create_bucket", json!({ "Bucket": STATE }));
    // Settings that only an emulated S3 needs.
    let arguments = ["use_path_style", "skip_credentials_validation", "skip_requesting_account_id"]
        .map(|name| format!("-backend-config={name}=true"))
        .join(" ");
    let arguments = format!("{} {arguments}", std::env::var("TF_CLI_ARGS_init").unwrap_or_default());
    let address = cloud.environment["AWS_ENDPOINT_URL"].clone();
    for machine in [&mut *machine, &mut runner] {
        machine.set("TF_CLI_ARGS_init", Some(&arguments)).set("AWS_ENDPOINT_URL_S3", Some(&address));
        machine.set("STATE_BUCKET", Some(STATE));
    }
    machine.make(&["status"]).well().says(&["compile: active"]);
    let states = cloud.call("s3", "list_objects_v2", json!({ "Bucket": STATE }));
    assert_eq!(states["Contents"][0]["Key"], "cargo-cloud/cargo-cloud.tfstate", "{states}");

    let summary = runner.path("summary");
    let (passphrase, place) = ("correct horse battery staple", summary.to_string_lossy().into_owned());
    let usual = [("DEPLOYMENT", "cargo-cloud"), ("OWNER", "me"), ("NAME", "phone"), ("GITHUB_STEP_SUMMARY", &place)];
    let run = |action, more: &[(&str, &str)]| {
        runner.run_workflow(&[&usual, &[("ACTION", action), ("PASSPHRASE", passphrase)][..], more].concat())
    };
    run("status", &[]).well().says(&["compile: active"]);
    run("device", &[("PASSPHRASE", "short")]).badly().says(&["20 characters or more"]);
    assert!(!users(cloud).contains(&"cargo-cloud-phone".to_owned()));
    let made = run("device", &[]).well();
    // No public text contains the key, and the printed command decrypts it.
    let page = fs::read_to_string(&summary).expect("the page");
    assert!(!made.said.contains("cargo-cloud-1:") && made.said.contains(page.trim()), "{}", made.said);
    let command = page.lines().find_map(|line| line.trim().strip_suffix(" | cargo-cloud configure -"));
    let opened = Command::new("sh")
        .args(["-c", &format!("{} -pass env:PASSPHRASE", command.expect("a command"))])
        .env("PASSPHRASE", passphrase)
        .output()
        .expect("sh starts");
    let secret = secret_of(&String::from_utf8_lossy(&opened.stdout));
    run("revoke", &[]).well().says(&["`phone` can no longer build."]);
    run("destroy", &[("CONFIRM", "cargo")]).badly().says(&["give the deployment's name"]);
    secret
}

fn destroys(cloud: &EmptyAccount, machine: &Machine) {
    // A running build, its source, and an unfinished upload.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
    let month = cloud.call("dynamodb", "scan", json!({ "TableName": "cargo-cloud" }));
    assert_eq!(month["Count"], 0);
    let output = Command::new("date").args(["-u", "+%Y-%m"]).output().expect("date starts");
    let month = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let build = "me/0198c3f0-0000-7000-8000-000000000000";
    cloud.call(
        "dynamodb",
        "put_item",
        json!({ "TableName": "cargo-cloud", "Item": {
            "pk": { "S": format!("usage#{month}") }, "sk": { "S": format!("attempt#{build}#1") },
            "at": { "N": now.to_string() }, "reserved": { "N": "9000000" }, "memory_mb": { "N": "3008" } } }),
    );
    cloud.call("s3", "put_object", json!({ "Bucket": BUCKET, "Key": format!("{build}.zip"), "IfNoneMatch": "*" }));
    cloud.call("s3", "create_multipart_upload", json!({ "Bucket": BUCKET, "Key": "me/unfinished.zip" }));
    machine.make(&["status"]).well().says(&[&format!("running {build} for")]);

    let there = cloud.left();
    machine.make(&["destroy"]).badly().says(&["warning: builds are running", build, "make destroy YES=1"]);
    machine.make_on_a_terminal("destroy", 80, "no\n").badly().says(&["stopped; nothing was changed"]);
    assert_eq!(cloud.left(), there);
    // Destroying fails half-way.
    cloud.refuse(&[undeletable()]);
    machine.make(&["destroy", "YES=1", "WAIT=1"]).badly().says(&[
        &format!("{BUCKET}: 0 objects and 1 unfinished uploads deleted"),
        "1 builds have not ended",
        "These credentials may not do",
        "Type `make destroy` again",
    ]);
    let half = cloud.left();
    assert!(half.contains(&format!("s3: {BUCKET}")) && half.len() < there.len() / 2, "{half:?}");
    cloud.refuse(&[]);
    machine.make(&["destroy", "YES=1", "WAIT=1"]).well().says(&["Removed", "Nothing of `cargo-cloud` is left"]);
    // The bucket of the state remains: the person made it.
    assert_eq!(cloud.left(), [format!("s3: {STATE}")]);
    assert!(!machine.path("clone/deployments/cargo-cloud").exists());
    machine.make(&["destroy", "YES=1"]).badly().says(&["nothing to remove"]);
}
