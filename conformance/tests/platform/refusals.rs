//! Requests that policies refuse to devices, from any program.

use std::path::Path;

use conformance::{OwnerCredentials, RawArchive, RawClient, ScenarioBackend};
use protocol::Outcome;

fn field(path: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(path).expect("a configuration");
    let table: toml::Table = text.parse().expect("TOML");
    let backend = table["backend"].as_str().expect("a backend");
    table["backends"][backend][name].as_str().expect("a text").to_owned()
}

#[test]
fn a_device_may_write_only_sources() {
    let backend = ScenarioBackend::start();
    let (input, output) = (field(&backend.config("me"), "input_bucket"), field(&backend.config("me"), "output_bucket"));
    let swapped = backend
        .config_with("swapped", &[(&format!("input_bucket = \"{input}\""), &format!("input_bucket = \"{output}\""))]);
    let on_output = RawClient::new(OwnerCredentials::read(&swapped));
    let me = RawClient::new(backend.credentials("me"));
    let id = RawClient::new_id();
    assert_eq!(me.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
    assert_eq!(me.result(&id).outcome, Outcome::Succeeded);
    let once: &[(&str, &str)] = &[("if-none-match", "*")];
    for end in ["result.json", "artifact.zip", "1/claim", "2/claim", "new"] {
        for headers in [&[][..], once] {
            let status = on_output.input("PUT", &format!("me/{id}/{end}"), headers, b"x".to_vec(), true).status;
            assert_eq!(status, 403, "{end} {headers:?}");
        }
        assert_eq!(on_output.input("DELETE", &format!("me/{id}/{end}"), &[], vec![], true).status, 403, "{end}");
    }
    for key in ["me/x.txt", "x.zip", "other/x.zip"] {
        assert_eq!(me.input("PUT", key, once, b"x".to_vec(), true).status, 403, "{key}");
    }
    let cache = input.replace("-input-", "-cache-");
    let swapped = backend
        .config_with("cache", &[(&format!("input_bucket = \"{input}\""), &format!("input_bucket = \"{cache}\""))]);
    let on_cache = RawClient::new(OwnerCredentials::read(&swapped));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(on_cache.input(method, "me/raw-0123456789abcdef/x", once, vec![], true).status, 403, "{method}");
    }
}

#[test]
fn a_socket_without_a_signature_is_refused() {
    let backend = ScenarioBackend::start();
    let socket = field(&backend.config("me"), "socket");
    for query in ["".to_owned(), format!("?build={}&owner=me", RawClient::new_id())] {
        let url = format!("{socket}{query}");
        let host = url.split('/').nth(2).expect("a host").to_owned();
        let stream = std::net::TcpStream::connect(&host).expect("the platform");
        match tungstenite::client(&url, stream) {
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                assert_eq!(response.status().as_u16(), 403, "{query}");
            }
            other => panic!("{query}: {:?}", other.map(drop)),
        }
    }
    let me = RawClient::new(backend.credentials("me"));
    assert_eq!(me.socket("other", RawClient::new_id().as_str()).err(), Some(403), "another owner's");
    assert_eq!(me.socket("me", "no-build").err(), Some(403), "no build");
    assert!(me.socket("me", RawClient::new_id().as_str()).is_ok());
}
