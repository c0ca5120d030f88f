//! What `compile` is invoked with: an event of S3, or the order for a further attempt. The relay reads the same, out of
//! the records of invocations that failed.

use aws_lambda_events::s3::S3Entity;
use percent_encoding::percent_decode_str;
use protocol::{BuildId, Owner, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Version of the JSON form of [`NextAttempt`].
const VERSION: u32 = 1;

/// What a payload asks for.
#[derive(Debug, PartialEq)]
pub enum Payload {
    /// An event of S3: sources that came, and records that are none.
    Sources(Vec<Result<UploadedSource, InvalidRecord>>),
    /// An attempt that goes on where another stopped.
    Next(NextAttempt),
}

/// A source archive that was uploaded, as S3 reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedSource {
    /// Name of the bucket that it lies in.
    pub bucket: String,
    /// The owner, from the object key.
    pub owner: Owner,
    /// Id of the build that it starts.
    pub build: BuildId,
    /// The object's ETag, with its quotation marks; none where the event doesn't tell.
    pub etag: Option<String>,
}

/// The order for an attempt. The bus carries it (detail-type `continue`), the relay invokes `compile` with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextAttempt {
    /// Version of this JSON form: 1.
    pub v: u32,
    /// The owner of the build.
    pub owner: Owner,
    /// Id of the build it belongs to.
    pub build: BuildId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The number of its first event.
    pub first_seq: u64,
    /// The ETag of the source that the earlier attempts built, with its quotation marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_etag: Option<String>,
    /// What the earlier attempts cost, in gigabyte-seconds.
    #[serde(default)]
    pub gb_seconds: f64,
    /// What the earlier attempts came to: `compile`'s own, nobody else's to read.
    #[serde(default)]
    pub history: Value,
}

/// Why a payload is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidPayload {
    /// Neither records nor an attempt.
    #[error("the payload is neither an S3 event nor an attempt")]
    Shape,
    /// An attempt of a form this version doesn't know, or without something it needs.
    #[error("the attempt can't be read: {0}")]
    Attempt(String),
}

/// Why a record of an event starts no build.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRecord {
    /// It lacks what S3 writes.
    #[error("the record has no bucket or no key")]
    Shape,
    /// Something else happened than that an object was created.
    #[error("the event `{0}` creates no object")]
    Event(String),
    /// The key is none of a source.
    #[error(transparent)]
    Key(#[from] keys::InvalidKey),
}

impl Payload {
    /// Reads the JSON that the function was invoked with.
    pub fn read(payload: &Value) -> Result<Self, InvalidPayload> {
        match payload.get("Records").and_then(Value::as_array) {
            Some(records) => Ok(Self::Sources(records.iter().map(UploadedSource::read).collect())),
            None if payload.get("attempt").is_some() => {
                let next = NextAttempt::deserialize(payload).map_err(|why| InvalidPayload::Attempt(why.to_string()))?;
                if next.v != VERSION || next.attempt == 0 || next.first_seq == 0 {
                    return Err(InvalidPayload::Attempt("a version or a number this one doesn't know".to_owned()));
                }
                Ok(Self::Next(next))
            }
            None => Err(InvalidPayload::Shape),
        }
    }

    /// The attempts a payload asks for: first attempts of sources, or the one it orders.
    pub fn attempts(self) -> Vec<NextAttempt> {
        match self {
            Self::Sources(sources) => sources.into_iter().flatten().map(NextAttempt::first).collect(),
            Self::Next(next) => vec![next],
        }
    }
}

impl UploadedSource {
    /// Only what is needed is looked at: a record that is odd elsewhere is still one.
    fn read(record: &Value) -> Result<Self, InvalidRecord> {
        let name = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
        if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
            return Err(InvalidRecord::Event(name.chars().take(60).collect()));
        }
        let entity = record.get("s3").and_then(|entity| S3Entity::deserialize(entity).ok());
        let entity = entity.ok_or(InvalidRecord::Shape)?;
        let (Some(bucket), Some(key)) = (entity.bucket.name, entity.object.key) else {
            return Err(InvalidRecord::Shape);
        };
        let (owner, build) = keys::parse_source(&decode_key(&key))?;
        let etag = entity.object.e_tag.filter(|etag| !etag.is_empty());
        Ok(Self { bucket, owner, build, etag: etag.map(|etag| format!("\"{}\"", etag.trim_matches('"'))) })
    }
}

impl NextAttempt {
    /// The first attempt of a build.
    pub fn first(upload: UploadedSource) -> Self {
        Self {
            v: VERSION,
            owner: upload.owner,
            build: upload.build,
            attempt: 1,
            first_seq: 1,
            source_etag: upload.etag,
            gb_seconds: 0.0,
            history: Value::Null,
        }
    }
}

/// Keys in events are encoded as in a form: `+` is a space (docs.aws.amazon.com/AmazonS3, notification content).
fn decode_key(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id() -> BuildId {
        BuildId::new(1, [0; 10])
    }

    fn record(key: &str) -> Value {
        json!({"eventVersion": "2.1", "eventName": "ObjectCreated:CompleteMultipartUpload", "responseElements": 7,
            "s3": {"bucket": {"name": "in"}, "object": {"key": key, "size": 5, "eTag": "0f-2", "sequencer": "00"}}})
    }

    #[test]
    fn an_event_of_several_records_is_read_record_by_record() {
        let key = format!("me%2F{}.zip", id());
        let removed = json!({"eventName": "ObjectRemoved:Delete", "s3": {}});
        let event =
            json!({"Records": [record(&key), record("me/x+y.zip"), removed, 3, {"eventName": "ObjectCreated:Put"}]});
        let Payload::Sources(sources) = Payload::read(&event).unwrap() else { panic!() };
        let upload = sources[0].as_ref().unwrap();
        assert_eq!((upload.bucket.as_str(), &upload.build, upload.etag.as_deref()), ("in", &id(), Some("\"0f-2\"")));
        assert!(sources[1].as_ref().unwrap_err().to_string().contains("`x y`"));
        assert_eq!(sources[2], Err(InvalidRecord::Event("ObjectRemoved:Delete".to_owned())));
        assert_eq!(sources[3], Err(InvalidRecord::Event(String::new())));
        assert_eq!(sources[4], Err(InvalidRecord::Shape));
        let attempts = Payload::read(&event).unwrap().attempts();
        assert_eq!((attempts.len(), attempts[0].attempt, attempts[0].first_seq), (1, 1, 1));
    }

    #[test]
    fn an_attempt_reads_back_and_a_strange_one_does_not() {
        let first = NextAttempt::first(UploadedSource::read(&record(&format!("me/{}.zip", id()))).unwrap());
        let next = NextAttempt { attempt: 2, first_seq: 9, gb_seconds: 1.5, history: json!({"a": 1}), ..first };
        let json = serde_json::to_value(&next).unwrap();
        assert_eq!(Payload::read(&json), Ok(Payload::Next(next)));
        for (field, value) in
            [("v", json!(2)), ("attempt", json!(0)), ("first_seq", json!(-1)), ("owner", json!("../x"))]
        {
            let mut json = json.clone();
            json[field] = value;
            assert!(matches!(Payload::read(&json), Err(InvalidPayload::Attempt(_))), "{field}");
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for payload in [json!(null), json!([]), json!({"Records": 1}), json!({"Event": "s3:TestEvent"}), json!("x")] {
            assert_eq!(Payload::read(&payload), Err(InvalidPayload::Shape), "{payload}");
        }
    }
}
