//! What a bucket tells functions of its objects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use hyper::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use super::operation::Operation;
use crate::serve::emulator::{Emulator, timestamp};
use crate::serve::front::Signed;
use crate::serve::keys::{random_text, random_uuid};
use crate::serve::moto::Moto;

/// One configuration of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    id: String,
    /// ARN.
    function: String,
    /// `s3:ObjectCreated:*`.
    events: Vec<String>,
    prefix: String,
    suffix: String,
}

#[derive(Deserialize)]
struct Buckets {
    #[serde(rename = "Buckets")]
    list: BucketList,
}

#[derive(Deserialize)]
struct BucketList {
    #[serde(rename = "Bucket", default)]
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "CloudFunctionConfiguration", alias = "LambdaFunctionConfiguration", default)]
    functions: Vec<Listed>,
    #[serde(rename = "QueueConfiguration", default)]
    queues: Vec<serde::de::IgnoredAny>,
    #[serde(rename = "TopicConfiguration", default)]
    topics: Vec<serde::de::IgnoredAny>,
    #[serde(rename = "EventBridgeConfiguration")]
    event_bridge: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id", default)]
    id: String,
    #[serde(rename = "CloudFunction", alias = "LambdaFunctionArn")]
    function: String,
    #[serde(rename = "Event")]
    events: Vec<String>,
    #[serde(rename = "Filter")]
    filter: Option<Filter>,
}

#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "S3Key")]
    key: KeyFilter,
}

#[derive(Deserialize)]
struct KeyFilter {
    #[serde(rename = "FilterRule", default)]
    rules: Vec<FilterRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule {
    name: String,
    value: String,
}

impl Notification {
    /// Reads the configurations of all buckets back.
    pub async fn load_all(moto: &Moto) -> Result<BTreeMap<String, Vec<Self>>> {
        let list = moto.get("s3", "/").await?.context("moto lists no buckets")?;
        let list: Buckets = quick_xml::de::from_reader(&*list).context("the list of buckets can't be read")?;
        let mut all = BTreeMap::new();
        for bucket in list.list.buckets {
            let xml = moto.get("s3", &format!("/{}?notification", bucket.name)).await?.unwrap_or_default();
            let own = Self::parse(&String::from_utf8_lossy(&xml));
            all.insert(bucket.name.clone(), own.with_context(|| format!("of the bucket {}", bucket.name))?);
        }
        Ok(all)
    }

    fn parse(xml: &str) -> Result<Vec<Self>> {
        if xml.trim().is_empty() {
            return Ok(Vec::new());
        }
        let configuration: Configuration = quick_xml::de::from_str(xml).context("notifications can't be read")?;
        ensure!(
            configuration.queues.is_empty() && configuration.topics.is_empty() && configuration.event_bridge.is_none(),
            "a bucket tells something else than a function: not known here"
        );
        configuration.functions.into_iter().map(Self::read).collect()
    }

    fn read(listed: Listed) -> Result<Self> {
        let (mut prefix, mut suffix) = (String::new(), String::new());
        for rule in listed.filter.into_iter().flat_map(|filter| filter.key.rules) {
            match rule.name.to_ascii_lowercase().as_str() {
                "prefix" => prefix = rule.value,
                "suffix" => suffix = rule.value,
                other => bail!("a filter by `{other}` is not known here"),
            }
        }
        Ok(Self { id: listed.id, function: listed.function, events: listed.events, prefix, suffix })
    }

    /// Whether it is about an event (`ObjectCreated:Put`) of this key.
    fn is_about(&self, event: &str, key: &str) -> bool {
        let named = |pattern: &String| {
            let pattern = pattern.trim_start_matches("s3:");
            pattern == event || pattern.strip_suffix('*').is_some_and(|start| event.starts_with(start))
        };
        self.events.iter().any(named) && key.starts_with(&self.prefix) && key.ends_with(&self.suffix)
    }
}

/// As S3 encodes keys in events: like a form, with `/` as it is.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string().replace(' ', "+")
}

/// Tells of a new object whom it concerns.
pub async fn created(
    emulator: &Arc<Emulator>,
    signed: &Signed,
    operation: &Operation,
    kind: &str,
    headers: &HeaderMap,
    answer: &[u8],
) {
    let wiring = emulator.wiring();
    let of_bucket = wiring.notifications.get(&operation.bucket).map(Vec::as_slice).unwrap_or_default();
    let source_arn = format!("arn:aws:s3:::{}", operation.bucket);
    let mut size = signed.body.len().to_string();
    let mut etag = headers.get("etag").and_then(|etag| etag.to_str().ok()).unwrap_or_default().to_owned();
    if kind.ends_with("CompleteMultipartUpload") {
        etag = etag_of(answer);
        size = size_of(emulator, signed).await;
    }
    for notification in of_bucket.iter().filter(|notification| notification.is_about(kind, &operation.key)) {
        let Some(function) = wiring.function(&notification.function) else {
            emulator.problems.add(format!("a bucket tells {}, which is not there", notification.function));
            continue;
        };
        if !emulator.may_invoke("s3.amazonaws.com", &function.arn, &source_arn) {
            continue;
        }
        // docs.aws.amazon.com/AmazonS3, notification-content-structure.
        let event = json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": emulator.platform.region,
            "eventTime": timestamp(SystemTime::now()),
            "eventName": kind,
            "userIdentity": { "principalId": format!("AWS:{}", signed.principal.caller_arn()) },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": random_uuid(), "x-amz-id-2": random_uuid() },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": notification.id,
                "bucket": {
                    "name": operation.bucket,
                    "ownerIdentity": { "principalId": "EMULATOR" },
                    "arn": source_arn,
                },
                "object": {
                    "key": encode_key(&operation.key),
                    "size": size.parse::<u64>().unwrap_or_default(),
                    "eTag": etag.trim_matches('"'),
                    "sequencer": random_text(16, b"0123456789ABCDEF").unwrap_or_default(),
                },
            },
        }]});
        emulator.enqueue(&function.name, event.to_string().into());
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

async fn size_of(emulator: &Emulator, signed: &Signed) -> String {
    let head = hyper::Request::head(signed.head.uri.path())
        .header(hyper::header::AUTHORIZATION, emulator.moto.authorization("s3"))
        .body(http_body_util::Full::default());
    let Ok(head) = head else { return String::new() };
    let answer = emulator.moto.send(head).await.ok();
    let length = answer.as_ref().and_then(|answer| answer.headers().get(hyper::header::CONTENT_LENGTH)?.to_str().ok());
    length.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_about_some_keys() {
        let xml = r#"<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>
            <Id>x</Id><CloudFunction>arn:f</CloudFunction><Event>s3:ObjectCreated:*</Event><Event>s3:Other</Event><Filter><S3Key>
            <FilterRule><Name>Suffix</Name><Value>.zip</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>
            </NotificationConfiguration>"#;
        let all = Notification::parse(xml).unwrap();
        assert_eq!((all.len(), all[0].function.as_str()), (1, "arn:f"));
        assert!(all[0].is_about("ObjectCreated:Put", "me/a.zip") && all[0].is_about("Other", ".zip"));
        assert!(!all[0].is_about("ObjectCreated:Put", "me/a.zi") && !all[0].is_about("ObjectRemoved:Delete", "a.zip"));
        assert!(Notification::parse("<NotificationConfiguration/>").unwrap().is_empty());
        let queue = "<NotificationConfiguration><QueueConfiguration><Id>q</Id></QueueConfiguration></NotificationConfiguration>";
        assert!(Notification::parse(queue).is_err());
    }

    #[test]
    fn keys_are_encoded_like_forms() {
        assert_eq!(encode_key("me/a b+c=ü.zip"), "me/a+b%2Bc%3D%C3%BC.zip");
    }
}
