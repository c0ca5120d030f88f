//! The client against a server that misbehaves, on a loopback socket.

use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use protocol::ArtifactInfo;

use super::address::tests::backend;
use super::*;

/// A request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    line: String,
    headers: String,
    body: Vec<u8>,
}

/// Starts a server that answers each request with `answer(number, request)`. An empty answer closes the connection.
fn serve(
    answer: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static,
) -> (Storage, std::sync::Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, log) = (answer.clone(), log.clone());
            std::thread::spawn(move || converse(BufReader::new(stream.unwrap()), &*answer, &log));
        }
    });
    (Storage::new(&backend(Some(&endpoint)), Clock::default()).unwrap(), seen)
}

fn converse(mut stream: BufReader<TcpStream>, answer: &dyn Fn(usize, &Seen) -> Vec<u8>, log: &Mutex<Vec<Seen>>) {
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let Some((line, headers)) = head.split_once("\r\n") else { return };
        let headers = headers.to_lowercase();
        let length = headers.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        let request = Seen { line: line.to_owned(), headers, body };
        let number = log.lock().unwrap().len();
        log.lock().unwrap().push(request.clone());
        let answer = answer(number, &request);
        if answer.is_empty() || stream.get_mut().write_all(&answer).is_err() {
            return;
        }
        if answer.windows(17).any(|part| part.eq_ignore_ascii_case(b"connection: close")) {
            return;
        }
    }
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let dated = if headers.contains("Date:") { String::new() } else { format!("Date: {date}\r\n") };
    let mut bytes = format!("HTTP/1.1 {status}\r\n{dated}Content-Length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

fn upload(storage: &Storage, content: &'static [u8]) -> Result<UploadOutcome, StorageError> {
    let (mut writer, upload) = SourceUpload::new();
    let packing = std::thread::spawn(move || writer.write_all(content).and_then(|()| writer.finish()));
    let metadata = [("command".to_owned(), "build".to_owned())];
    let outcome = upload.run(storage, "me/x.zip", &metadata, "token-1", &AtomicU64::new(0));
    let _ = packing.join();
    outcome
}

#[test]
fn a_clock_that_is_an_hour_off_is_corrected_from_the_servers() {
    let ahead = SystemTime::now() + Duration::from_secs(3600);
    let date = format!("Date: {}\r\n", httpdate::fmt_http_date(ahead));
    let (storage, seen) = serve(move |number, _| match number {
        0 => response("403 Forbidden", &date, b"<Error><Code>RequestTimeTooSkewed</Code></Error>"),
        _ => response("200 OK", &date, b""),
    });
    assert_eq!(upload(&storage, b"abc").unwrap(), UploadOutcome::Whole);
    let seen = seen.lock().unwrap();
    let time = |request: &Seen| request.headers.split("x-amz-date: ").nth(1).unwrap()[..16].to_owned();
    assert_eq!(seen.len(), 2);
    assert_ne!(time(&seen[0])[..13], time(&seen[1])[..13]);
    assert!(seen[1].headers.contains("if-none-match: *") && seen[1].headers.contains("x-amz-meta-command: build"));
}

#[test]
fn a_retry_that_finds_its_own_object_is_a_success() {
    let (storage, seen) = serve(|number, request| match (number, request.line.split(' ').next().unwrap()) {
        (0, _) => Vec::new(),
        (_, "PUT") => response("412 Precondition Failed", "", b"<Error><Code>PreconditionFailed</Code></Error>"),
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx-amz-meta-upload: token-1\r\n\r\n".to_vec(),
    });
    assert_eq!(upload(&storage, b"abc").unwrap(), UploadOutcome::Whole);
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[test]
fn another_object_under_the_same_key_is_an_error() {
    let (storage, _) = serve(|_, request| match request.line.split(' ').next().unwrap() {
        "PUT" => response("412 Precondition Failed", "", b"<Error><Code>PreconditionFailed</Code></Error>"),
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx-amz-meta-upload: other\r\n\r\n".to_vec(),
    });
    assert!(upload(&storage, b"abc").unwrap_err().to_string().contains("PreconditionFailed"));
}

#[test]
fn a_large_source_is_uploaded_in_parts_and_each_is_retried() {
    static CONTENT: [u8; 11 << 20] = [7; 11 << 20];
    let (storage, seen) = serve(|number, request| {
        let part = request.line.split("partNumber=").nth(1).map(|rest| rest[..1].to_owned());
        match (number, part) {
            (2, _) => response("503 Slow Down", "", b"<Error><Code>SlowDown</Code></Error>"),
            (_, Some(part)) => response("200 OK", &format!("ETag: \"e{part}\"\r\n"), b""),
            (0, _) => response(
                "200 OK",
                "",
                b"<InitiateMultipartUploadResult><UploadId>u&amp;1</UploadId></InitiateMultipartUploadResult>",
            ),
            _ => response("200 OK", "", b"<CompleteMultipartUploadResult/>"),
        }
    });
    assert_eq!(upload(&storage, &CONTENT).unwrap(), UploadOutcome::Whole);
    let seen = seen.lock().unwrap();
    let lengths: Vec<_> = seen.iter().map(|request| request.body.len()).collect();
    assert_eq!(lengths[..5], [0, 5 << 20, 5 << 20, 5 << 20, 1 << 20]);
    let last = seen.last().unwrap();
    assert!(last.line.contains("uploadId=u%261") && last.headers.contains("if-none-match: *"), "{last:?}");
    let body = String::from_utf8_lossy(&last.body);
    assert!(body.contains("<Part><PartNumber>3</PartNumber><ETag>\"e3\"</ETag></Part>"), "{body}");
}

#[test]
fn an_upload_that_fails_is_aborted() {
    let (storage, seen) = serve(|number, request| match (number, request.line.split(' ').next().unwrap()) {
        (0, _) => response("200 OK", "", b"<UploadId>u</UploadId>"),
        (_, "DELETE") => response("204 No Content", "", b""),
        _ => response("403 Forbidden", "", b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    });
    static CONTENT: [u8; 6 << 20] = [7; 6 << 20];
    let error = upload(&storage, &CONTENT).unwrap_err();
    assert!(error.to_string().contains("AccessDenied (403): no") && error.hint().is_some(), "{error}");
    assert!(seen.lock().unwrap().last().unwrap().line.starts_with("DELETE"));
}

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn download(storage: &Storage, size: u64, sha256: &str) -> Result<Vec<u8>, StorageError> {
    let mut out = Cursor::new(Vec::new());
    let info = ArtifactInfo { size, sha256: sha256.to_owned() };
    storage.download("me/x/artifact.zip", &info, &mut out, |_| true).map(|()| out.into_inner())
}

#[test]
fn a_broken_download_is_resumed() {
    let (storage, seen) = serve(|number, request| match number {
        0 => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhel".to_vec(),
        _ if request.headers.contains("range: bytes=3-") => {
            response("206 Partial Content", "Content-Range: bytes 3-4/5\r\n", b"lo")
        }
        _ => response("400 Bad Request", "", b""),
    });
    assert_eq!(download(&storage, 5, HELLO).unwrap(), b"hello");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[test]
fn a_download_without_ranges_starts_again() {
    let (storage, _) = serve(|number, _| match number {
        0 => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhel".to_vec(),
        _ => response("200 OK", "", b"hello"),
    });
    assert_eq!(download(&storage, 5, HELLO).unwrap(), b"hello");
}

#[test]
fn a_download_that_differs_from_its_description_is_refused() {
    let (storage, _) = serve(|_, _| response("200 OK", "", b"hello, and more"));
    assert!(matches!(download(&storage, 5, HELLO), Err(StorageError::WrongArtifact(_))));
    let (storage, _) = serve(|_, _| response("200 OK", "", b"jello"));
    assert!(matches!(download(&storage, 5, HELLO), Err(StorageError::WrongArtifact(_))));
    let (storage, _) = serve(|_, _| response("200 OK", "", &[b'x'; 5000]));
    assert!(storage.read_small("k", "read it", 100).is_err());
}

#[test]
fn a_missing_object_is_none_and_a_stopped_client_stops() {
    let (storage, _) = serve(|_, _| response("404 Not Found", "", b"<Error><Code>NoSuchKey</Code></Error>"));
    assert!(storage.read_small("k", "read it", 100).unwrap().is_none());
    storage.delete_source("k").unwrap();
    storage.shut_down();
    assert!(matches!(storage.delete_source("k"), Err(StorageError::Interrupted)));
}
