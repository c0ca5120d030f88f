//! Notifications: how S3 tells functions about new objects.

use std::time::SystemTime;

use hyper::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::operation::S3Operation;
use crate::serve::account::EmulatedAccount;
use crate::serve::functions::Functions;
use crate::serve::http::AuthenticatedRequest;
use crate::serve::ids::{random_text, random_uuid};
use crate::serve::timestamp::timestamp;

/// How S3 encodes keys in events: like a form, except for `/`, which stays.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string().replace(' ', "+")
}

/// A new object, as far as a notification describes it.
pub struct CreatedObject<'a> {
    signed: &'a AuthenticatedRequest,
    operation: &'a S3Operation,
    /// The type of the event: `ObjectCreated:Put`.
    event: &'a str,
    /// The size in bytes, 0 when it is unknown.
    size: u64,
    /// The ETag without its quotes.
    etag: String,
}

/// Describes the object that an operation has created. `headers` and `answer` are what moto answered.
pub async fn created_object<'a>(
    account: &EmulatedAccount,
    signed: &'a AuthenticatedRequest,
    operation: &'a S3Operation,
    event: &'a str,
    headers: &HeaderMap,
    answer: &[u8],
) -> CreatedObject<'a> {
    let mut size = signed.body.len().to_string();
    let mut etag = headers.get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
    if event.ends_with("CompleteMultipartUpload") {
        etag = etag_of(answer);
        size = size_of(account, signed).await;
    }
    let (size, etag) = (size.parse().unwrap_or_default(), etag.trim_matches('"').to_owned());
    CreatedObject { signed, operation, event, size, etag }
}

/// Invokes the functions that the bucket notifies of a new object.
pub fn notify(account: &EmulatedAccount, functions: &Functions, object: &CreatedObject<'_>) {
    let S3Operation { bucket, key, .. } = object.operation;
    let applied = account.applied();
    let of_bucket = applied.notifications.get(bucket).map(Vec::as_slice).unwrap_or_default();
    let source_arn = format!("arn:aws:s3:::{bucket}");
    for notification in of_bucket.iter().filter(|notification| notification.covers(object.event, key)) {
        let Some(function) = applied.function(&notification.function) else {
            account.problems.add(format!("a bucket notifies {}, which does not exist", notification.function));
            continue;
        };
        if !account.may_invoke("s3.amazonaws.com", &function.arn, &source_arn) {
            continue;
        }
        // docs.aws.amazon.com/AmazonS3, notification-content-structure.
        let event = json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": account.platform.region,
            "eventTime": timestamp(SystemTime::now()),
            "eventName": object.event,
            "userIdentity": { "principalId": format!("AWS:{}", object.signed.principal.caller_arn()) },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": random_uuid(), "x-amz-id-2": random_uuid() },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": notification.id,
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": { "principalId": "EMULATOR" },
                    "arn": source_arn,
                },
                "object": {
                    "key": encode_key(key),
                    "size": object.size,
                    "eTag": object.etag,
                    "sequencer": random_text(16, b"0123456789ABCDEF").unwrap_or_default(),
                },
            },
        }]});
        functions.enqueue(&function.name, event.to_string().into());
    }
}

/// The ETag in the answer to CompleteMultipartUpload.
fn etag_of(answer: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Completed {
        #[serde(rename = "ETag", default)]
        etag: String,
    }
    quick_xml::de::from_reader::<_, Completed>(answer).map(|completed| completed.etag).unwrap_or_default()
}

async fn size_of(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> String {
    let head = hyper::Request::head(signed.head.uri.path())
        .header(hyper::header::AUTHORIZATION, account.moto.authorization("s3"))
        .body(http_body_util::Full::default());
    let Ok(head) = head else { return String::new() };
    let answer = account.moto.send(head).await.ok();
    let length = answer.as_ref().and_then(|answer| answer.headers().get(hyper::header::CONTENT_LENGTH)?.to_str().ok());
    length.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_like_forms() {
        assert_eq!(encode_key("me/a b+c=ü.zip"), "me/a+b%2Bc%3D%C3%BC.zip");
    }
}
