//! The S3 interface over a real connection, with real signatures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail")]

mod support;

use std::sync::Barrier;

use protocol::Outcome;
use support::{BackendProcess, METADATA, new_id, send};

const MIB: usize = 1024 * 1024;

#[test]
fn a_source_is_written_once_and_keeps_its_metadata() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    let bare = client.send("PUT", &client.source(&id), &METADATA, b"one");
    assert_eq!((bare.status, bare.code().as_str()), (403, "AccessDenied"));

    let first = client.put_source(&id, &METADATA, b"one");
    assert_eq!(first.status, 200, "{}", first.text());
    let md5 = "\"f97c5d29941bfb1b2fdab0874906ab82\"";
    assert_eq!(first.headers["etag"], md5);
    let second = client.put_source(&id, &METADATA, b"two");
    assert_eq!((second.status, second.code().as_str()), (412, "PreconditionFailed"));

    let head = client.send("HEAD", &client.source(&id), &[], b"");
    assert_eq!((head.status, head.headers["etag"].as_str()), (200, md5));
    assert_eq!(head.headers["x-amz-meta-project"], "demo-00ff");
    assert_eq!(head.headers["content-length"], "3");

    // The id stays taken after the source is deleted, because it belongs to a build.
    assert_eq!(client.send("DELETE", &client.source(&id), &[], b"").status, 204);
    assert_eq!(client.send("HEAD", &client.source(&id), &[], b"").status, 404);
    assert_eq!(client.put_source(&id, &METADATA, b"one").status, 412);
}

#[test]
fn one_of_several_concurrent_uploads_wins() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    for _ in 0..5 {
        let id = new_id();
        let start = Barrier::new(4);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let put = |n: usize| {
                let (client, start, id) = (&client, &start, &id);
                scope.spawn(move || {
                    start.wait();
                    client.put_source(id, &METADATA, &vec![n as u8; MIB]).status
                })
            };
            (0..4).map(put).collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 3, "{statuses:?}");
    }
}

#[test]
fn a_multipart_upload_can_be_completed_once() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    let source = client.source(&id);
    let begun = client.send("POST", &format!("{source}?uploads="), &METADATA, b"");
    assert_eq!(begun.status, 200, "{}", begun.text());
    let upload = begun.element("UploadId");
    let mut parts = String::new();
    for (number, size) in [(1, 5 * MIB), (2, 100)] {
        let path = format!("{source}?partNumber={number}&uploadId={upload}");
        let sent = client.send("PUT", &path, &[], &vec![number as u8; size]);
        assert_eq!(sent.status, 200, "{}", sent.text());
        parts.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", sent.headers["etag"]));
    }
    let complete = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let path = format!("{source}?uploadId={upload}");
    let unconditional = client.send("POST", &path, &[], complete.as_bytes());
    assert_eq!(unconditional.status, 403, "{}", unconditional.text());
    let wrong = complete.replace("<PartNumber>2<", "<PartNumber>3<");
    let wrong = client.send("POST", &path, &[("if-none-match", "*")], wrong.as_bytes());
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "InvalidPart"));

    let done = client.send("POST", &path, &[("if-none-match", "*")], complete.as_bytes());
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(done.element("ETag").trim_matches('"').ends_with("-2"), "{}", done.text());
    let again = client.send("POST", &path, &[("if-none-match", "*")], complete.as_bytes());
    assert_eq!(again.status, 412, "{}", again.text());

    let head = client.send("HEAD", &source, &[], b"");
    assert_eq!(head.headers["content-length"], (5 * MIB + 100).to_string());
    assert_eq!(head.headers["x-amz-meta-client"], "test");
    assert_eq!(std::fs::read_dir(backend.folder.join("data/uploads")).unwrap().count(), 0);

    let other = new_id();
    let begun = client.send("POST", &format!("{}?uploads=", client.source(&other)), &METADATA, b"");
    let path = format!("{}?uploadId={}", client.source(&other), begun.element("UploadId"));
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(client.send("DELETE", &path, &[], b"").code(), "NoSuchUpload");
}

#[test]
fn ranges_and_conditions_work_as_in_s3() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    client.put_source(&id, &METADATA, b"0123456789");
    let source = client.source(&id);
    let part = client.send("GET", &source, &[("range", "bytes=2-4")], b"");
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.headers["content-range"], "bytes 2-4/10");
    assert_eq!(client.send("GET", &source, &[("range", "bytes=-3")], b"").text(), "789");
    assert_eq!(client.send("GET", &source, &[("range", "bytes=10-")], b"").status, 416);
    assert_eq!(client.send("GET", &source, &[("if-match", "\"no\"")], b"").status, 412);
    let etag = client.send("GET", &source, &[], b"").headers["etag"].clone();
    assert_eq!(client.send("GET", &source, &[("if-match", &etag), ("range", "bytes=9-")], b"").text(), "9");
    assert_eq!(client.send("GET", &source, &[("if-none-match", &etag)], b"").status, 304);
}

#[test]
fn owners_have_access_only_to_their_own_objects() {
    let backend = BackendProcess::start(&[]);
    let (me, other) = (backend.client("me"), backend.client("other"));
    let id = new_id();
    assert_eq!(me.put_source(&id, &METADATA, b"x").status, 200);
    me.result(&id);
    for path in [me.source(&id), me.output(&id, "result.json"), me.output(&new_id(), "result.json")] {
        assert_eq!(other.send("GET", &path, &[], b"").code(), "AccessDenied", "{path}");
    }
    assert_eq!(other.send("DELETE", &me.source(&id), &[], b"").status, 403);
    assert_eq!(me.send("HEAD", &me.source(&id), &[], b"").status, 200);
    let foreign = other.send("PUT", &me.source(&new_id()), &[("if-none-match", "*")], b"x");
    assert_eq!(foreign.code(), "AccessDenied");

    for path in [me.output(&id, "result.json"), "input/me/x.zip".to_owned(), "input/me/../other/x.zip".to_owned()] {
        let put = me.send("PUT", &path, &[("if-none-match", "*")], b"x");
        assert_eq!(put.status, 403, "{path}: {}", put.text());
    }
    let up = me.send("GET", "output/me/%2e%2e/%2e%2e/keys.json", &[], b"");
    assert!((403..=404).contains(&up.status), "{}", up.text());
    assert_eq!(me.send("GET", "elsewhere/me/x", &[], b"").code(), "NoSuchBucket");

    let listed = me.send("GET", "output?list-type=2&prefix=me%2F", &[], b"");
    assert!(listed.text().contains(&format!("<Key>me/{id}/result.json</Key>")), "{}", listed.text());
    assert_eq!(other.send("GET", "output?list-type=2&prefix=me%2F", &[], b"").code(), "AccessDenied");
    assert_eq!(me.send("GET", "output?list-type=2", &[], b"").code(), "AccessDenied");
    assert_eq!(me.send("GET", "", &[], b"").code(), "AccessDenied");
}

#[test]
fn a_wrong_signature_is_refused_with_a_reason() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let source = client.source(&new_id());

    let mut late = client.clone();
    late.skew = -3600;
    // Large enough that the client would still be sending if the backend answered before the end of the body.
    let skewed = late.send("PUT", &source, &[("if-none-match", "*")], &vec![0; 20 * MIB]);
    assert_eq!((skewed.status, skewed.code().as_str()), (403, "RequestTimeTooSkewed"));
    assert!(skewed.headers.contains_key("date"));
    late.skew = 14 * 60;
    assert_eq!(late.send("HEAD", &source, &[], b"").status, 404);

    let mut unknown = client.clone();
    unknown.id = "CC".to_owned() + &"A".repeat(18);
    assert_eq!(unknown.send("GET", &source, &[], b"").code(), "InvalidAccessKeyId");
    let mut wrong = client.clone();
    wrong.secret = "x".repeat(40);
    assert_eq!(wrong.send("GET", &source, &[], b"").code(), "SignatureDoesNotMatch");

    let url = format!("{}/{source}", client.endpoint);
    let unsigned = hyper::Request::builder().uri(&url).body(Vec::new()).unwrap();
    assert_eq!(send(unsigned).code(), "AccessDenied");
    let added = client.send_altered("GET", &source, &[], b"", |mut request| {
        request.headers_mut().insert("x-amz-meta-target", "evil".parse().unwrap());
        request
    });
    assert_eq!(added.code(), "AccessDenied");
    let altered = client
        .send_altered("PUT", &source, &[("if-none-match", "*")], b"good", |request| request.map(|_| b"evil".to_vec()));
    assert_eq!(altered.status, 400, "{}", altered.text());
    assert_eq!(client.send("HEAD", &source, &[], b"").status, 404);
    let version_2 = hyper::Request::builder().uri(&url).header("authorization", format!("AWS {}:x", client.id));
    assert_eq!(send(version_2.body(Vec::new()).unwrap()).status, 400);
    let form = hyper::Request::builder().method("POST").uri(format!("{}/input", client.endpoint));
    let form = form.header("content-type", "multipart/form-data; boundary=x").body(vec![b'x'; 1000]).unwrap();
    assert_eq!(send(form).status, 405);
}

#[test]
fn a_source_over_the_limit_is_refused_before_it_is_sent_and_leaves_nothing() {
    use std::io::{Read, Write};
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let source = client.source(&new_id());
    let mut head = String::new();
    client.send_altered("PUT", &source, &[("if-none-match", "*"), ("content-length", "1073741825")], b"", |request| {
        head =
            format!("PUT {} HTTP/1.1\r\nhost: {}\r\nexpect: 100-continue\r\n", request.uri().path(), backend.address);
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        hyper::Request::builder().uri(format!("{}/input", client.endpoint)).body(Vec::new()).unwrap()
    });
    let mut stream = std::net::TcpStream::connect(&backend.address).unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("EntityTooLarge"), "{answer}");
    assert!(answer.contains("1024 MiB"), "{answer}");
    assert_eq!(std::fs::read_dir(backend.folder.join("data/staging")).unwrap().count(), 0);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    use std::io::Write;
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    let id = new_id();
    let mut head = String::new();
    client.send_altered("PUT", &client.source(&id), &[("if-none-match", "*")], &[7; 1000], |request| {
        head =
            format!("PUT {} HTTP/1.1\r\nhost: {}\r\ncontent-length: 1000\r\n", request.uri().path(), backend.address);
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        hyper::Request::builder().uri(format!("{}/input", client.endpoint)).body(Vec::new()).unwrap()
    });
    let mut stream = std::net::TcpStream::connect(&backend.address).unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(&[7; 500]).unwrap();
    drop(stream);
    let staging = backend.folder.join("data/staging");
    let begun = std::time::Instant::now();
    while std::fs::read_dir(&staging).unwrap().count() > 0 {
        assert!(begun.elapsed() < support::PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(client.send("HEAD", &client.source(&id), &[], b"").status, 404);
    assert_eq!(client.put_source(&id, &METADATA, b"x").status, 200);
}

#[test]
fn a_source_with_an_invalid_request_becomes_a_refused_build() {
    let backend = BackendProcess::start(&[]);
    let client = backend.client("me");
    for (metadata, why) in [
        (vec![], "lacks `protocol`"),
        (vec![("x-amz-meta-protocol", "99"), ("x-amz-meta-client", "t")], "protocol 99"),
        (
            [METADATA.as_slice(), &[("x-amz-meta-target", "mips-acme-none")]].concat(),
            "can't build for `mips-acme-none`",
        ),
    ] {
        let id = new_id();
        assert_eq!(client.put_source(&id, &metadata, b"x").status, 200);
        let result = client.result(&id);
        let message = result.message.unwrap_or_default();
        assert_eq!(result.outcome, Outcome::Refused, "{message}");
        assert!(message.contains(why), "{message}");
    }
    let id = new_id();
    let large = "x".repeat(3000);
    let refused = client.put_source(&id, &[("x-amz-meta-large", &large)], b"x");
    assert_eq!(refused.code(), "MetadataTooLarge");
    let id = new_id();
    assert_eq!(client.put_source(&id, &METADATA, b"this is no archive").status, 200);
    assert!(matches!(client.result(&id).outcome, Outcome::Refused | Outcome::Crashed));
}
