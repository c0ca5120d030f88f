//! A backend behind TLS, and the certificates that a device trusts.

use std::fs;
use std::path::Path;

use conformance::{Run, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, Tls};

/// A client that connects to the backend over TLS.
fn client(backend: &ScenarioBackend, tls: &Tls) -> ScenarioClient {
    let port = backend.port();
    let config = backend.config_with(
        "tls",
        &[
            (&format!("http://127.0.0.1:{port}"), &format!("https://localhost:{}", tls.port)),
            (&format!("ws://127.0.0.1:{port}"), &format!("wss://localhost:{}", tls.port)),
        ],
    );
    ScenarioClient::configured(config)
}

fn doctor(client: &ScenarioClient) -> Run {
    client.run(client.home(), &["doctor"])
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn every_command_works_over_tls() {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let tls = Tls::before(backend.port(), backend.folder(), false);
    let trusting = client(&backend, &tls).env("SSL_CERT_FILE", text(&tls.authority));
    trusting.run(ScenarioProject::hello("sealed", "works").root(), &["build"]).succeeded();
    assert_eq!(trusting.output_of("sealed"), "works\n");
    let run = doctor(&trusting).succeeded();
    assert!(run.stdout.contains("(TLS, ") && run.stdout.contains("socket: opens and answers"), "{}", run.stdout);

    // In Termux certificates are in $PREFIX, whatever the system has.
    let prefix = backend.folder().join("termux/usr");
    fs::create_dir_all(prefix.join("etc/tls")).expect("a folder");
    fs::copy(&tls.authority, prefix.join("etc/tls/cert.pem")).expect("the certificate");
    let termux = client(&backend, &tls)
        .env("PREFIX", text(&prefix))
        .env("SSL_CERT_FILE", text(&backend.folder().join("none")))
        .env("SSL_CERT_DIR", text(&backend.folder().join("none")));
    assert!(doctor(&termux).succeeded().stdout.contains("trial build: ran here"));
}

#[test]
fn a_problem_with_a_certificate_is_explained() {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let tls = Tls::before(backend.port(), backend.folder(), false);
    let run = doctor(&client(&backend, &tls)).exited(1);
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("FAIL network: no connection to localhost") && said.contains("SSL_CERT_FILE"), "{said}");
    client(&backend, &tls)
        .run(ScenarioProject::hello("sealed", "x").root(), &["build"])
        .exited(101)
        .says(&["localhost"])
        .never_says("panicked");
    let none = client(&backend, &tls).env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
    assert!(doctor(&none).exited(1).stdout.contains("no certificates"));

    let old = Tls::before(backend.port(), backend.folder(), true);
    let client = client(&backend, &old).env("SSL_CERT_FILE", text(&old.authority));
    let run = doctor(&client).exited(1);
    assert!(run.stdout.contains("is this device's clock right?"), "{}", run.stdout);
}
