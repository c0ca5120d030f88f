//! Leaked credentials of the builder: what they allow, and what they don't.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use conformance::{RawArchive, RawClient, ScenarioBackend};
use protocol::Outcome;
use serde_json::json;

/// The environment of a function of this platform, from its process: what a kernel bug would give a build script.
fn environment(backend: &ScenarioBackend, function: &str) -> HashMap<String, String> {
    let here = format!("127.0.0.1:{}", backend.port());
    for entry in std::fs::read_dir("/proc").expect("processes").flatten() {
        let Ok(text) = std::fs::read(entry.path().join("environ")) else { continue };
        let text = String::from_utf8_lossy(&text);
        let variables: HashMap<String, String> = text
            .split('\0')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let is = |name: &str, end: &str| variables.get(name).is_some_and(|value| value.ends_with(end));
        if is("AWS_LAMBDA_FUNCTION_NAME", function) && is("AWS_ENDPOINT_URL", &here) {
            return variables;
        }
    }
    unreachable!("no process of {function}")
}

/// Sends a request to S3 with these credentials and returns the status.
fn s3(environment: &HashMap<String, String>, method: &str, path: &str, once: bool) -> u16 {
    let of = |name: &str| environment[name].clone();
    let token = Some(of("AWS_SESSION_TOKEN"));
    let identity = Credentials::new(of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"), token, None, "leaked").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let region = of("AWS_REGION");
    let params = v4::SigningParams::builder().identity(&identity).region(&region).name("s3");
    let params = params.time(SystemTime::now()).settings(settings).build().expect("all parameters").into();
    let uri = format!("{}{path}", of("AWS_ENDPOINT_URL"));
    let host = uri.split('/').nth(2).expect("a host").to_owned();
    let mut request = http::Request::builder().method(method).uri(&uri).header("host", host);
    if once {
        request = request.header("if-none-match", "*");
    }
    let mut request = request.body(Vec::<u8>::new()).expect("a request");
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")));
    let signable = SignableRequest::new(method, uri.clone(), headers, SignableBody::Bytes(&[])).expect("a request");
    let (instructions, _) = sign(signable, &params).expect("a signature").into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    agent.run(request).expect("an answer").status().as_u16()
}

#[test]
fn the_builders_credentials_reach_no_further_than_builds_need() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root sees a function's environment");
        return;
    }
    let backend = ScenarioBackend::start();
    let raw = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(raw.result(&id).outcome, Outcome::Succeeded);
    backend.control().post("expect-refusals", &json!({ "principal": "compile" }));
    let leaked = environment(&backend, "compile");
    let (input, output, cache) = (&leaked["INPUT_BUCKET"], &leaked["OUTPUT_BUCKET"], &leaked["CACHE_BUCKET"]);
    // Without TLS even granted requests are refused.
    let addresses = backend.control().get("addresses");
    let plain = format!("http://{}", addresses["plain"].as_str().expect("an address"));
    let mut unencrypted = leaked.clone();
    unencrypted.insert("AWS_ENDPOINT_URL".to_owned(), plain);
    let source = format!("/{input}/me/{id}.zip");
    let kept = format!("/{cache}/me/raw-0123456789abcdef/other");
    let written = format!("/{output}/me/{}/result.json", RawClient::new_id());
    for (method, path, status) in
        [("GET", &source, 200), ("GET", &kept, 404), ("PUT", &kept, 200), ("PUT", &written, 200)]
    {
        let once = method == "PUT";
        assert_eq!(s3(&unencrypted, method, path, once), 403, "{method} {path}");
        assert_eq!(s3(&leaked, method, path, once), status, "{method} {path}");
    }
    for (method, path, once, status) in [
        // Results, artifacts and logs can't be overwritten.
        ("PUT", format!("/{output}/me/{id}/result.json"), false, 403),
        ("PUT", format!("/{output}/me/{id}/result.json"), true, 412),
        ("PUT", format!("/{output}/me/{id}/artifact.zip"), true, 412),
        ("DELETE", format!("/{output}/me/{id}/artifact.zip"), false, 403),
        ("GET", format!("/{output}/me/{id}/artifact.zip"), false, 403),
        ("PUT", format!("/{output}/me/{id}/other"), true, 403),
        // Sources can be neither created nor deleted.
        ("PUT", format!("/{input}/me/{}.zip", RawClient::new_id()), true, 403),
        ("DELETE", format!("/{input}/me/{id}.zip"), false, 403),
        // It may write and delete caches, which costs only time.
        ("DELETE", format!("/{cache}/me/raw-0123456789abcdef/other"), false, 204),
    ] {
        assert_eq!(s3(&leaked, method, &path, once), status, "{method} {path} {once}");
    }
}
