//! Access: what the applied policies let devices do.

use conformance::{RawArchive, RawClient, ScenarioBackend};

#[test]
fn a_device_may_do_only_what_builds_of_its_owner_need() {
    let backend = ScenarioBackend::start();
    for (owner, stranger) in [("me", "other"), ("other", "me")] {
        let raw = RawClient::new(backend.credentials(owner));
        let id = RawClient::new_id();
        let own = format!("{owner}/{id}.zip");
        assert_eq!(raw.upload(&id, RawArchive::program().bytes(), &RawClient::metadata()).status, 200);
        // A device may check its own source, and no source of another owner.
        assert_eq!(raw.input("GET", &own, &[], vec![], true).status, 200);
        assert_eq!(raw.input("GET", &own.replace(owner, stranger), &[], vec![], true).status, 403);
        raw.result(&id);
        // An object is written once, with whichever key.
        assert_eq!(raw.upload(&id, RawArchive::new().bytes(), &RawClient::metadata()).status, 412);
        assert_eq!(raw.input("PUT", &own, &[], RawArchive::new().bytes(), true).status, 403);
        assert_eq!(
            raw.input("PUT", &own.replace(owner, stranger), &[("if-none-match", "*")], vec![1], true).status,
            403
        );
        // A multipart upload can be aborted.
        let parts = format!("{owner}/{}.zip", RawClient::new_id());
        let reply = raw.input("POST", &format!("{parts}?uploads="), &[], vec![], true);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text();
        let upload = text.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an upload");
        assert_eq!(raw.input("DELETE", &format!("{parts}?uploadId={upload}"), &[], vec![], true).status, 204);
        assert_eq!(raw.input("DELETE", &own, &[], vec![], true).status, 204);
        assert_eq!(raw.input("DELETE", &own.replace(owner, stranger), &[], vec![], true).status, 403);
        assert_eq!(raw.socket(stranger, id.as_str()).err(), Some(403));
    }
}

#[test]
fn requests_without_tls_are_refused() {
    let backend = ScenarioBackend::start();
    let addresses = backend.control().get("addresses");
    let plain = addresses["plain"].as_str().expect("an address");
    let port = plain.rsplit(':').next().expect("a port");
    let from = format!("endpoint = \"http://127.0.0.1:{}\"", backend.port());
    let config = backend.config_with("plain", &[(&from, &format!("endpoint = \"http://127.0.0.1:{port}\""))]);
    let raw = RawClient::new(conformance::OwnerCredentials::read(&config));
    let reply = raw.upload(&RawClient::new_id(), RawArchive::program().bytes(), &RawClient::metadata());
    assert_eq!(reply.status, 403, "{}", reply.text());
}
