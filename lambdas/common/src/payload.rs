//! Reads the payload that `compile` is invoked with: an S3 event, or the order for a further attempt. The relay reads
//! the same payload from the records of failed invocations.

use aws_lambda_events::s3::S3Entity;
use percent_encoding::percent_decode_str;
use protocol::{BuildId, Owner, keys};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// Version of the JSON form of [`NextAttempt`].
const VERSION: u32 = 1;

/// The builds or the attempt that a payload asks for.
#[derive(Debug, PartialEq)]
pub enum Payload {
    /// An S3 event: uploaded sources, and records that start no build.
    Sources(Vec<Result<UploadedSource, InvalidRecord>>),
    /// An attempt that continues where another one stopped.
    Next(NextAttempt),
}

/// A source archive that was uploaded, as S3 reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedSource {
    /// Name of the bucket that the source was uploaded to.
    pub bucket: String,
    /// The owner of the build, from the object key.
    pub owner: Owner,
    /// Id of the build that the source starts, from the object key.
    pub build: BuildId,
    /// The object's ETag, with its quotation marks. `None` if the event has no ETag.
    pub etag: Option<String>,
}

/// The order for an attempt. The bus carries it (detail-type `continue`), and the relay invokes `compile` with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextAttempt {
    /// Version of this JSON form: 1.
    pub v: u32,
    /// The owner of the build.
    pub owner: Owner,
    /// Id of the build that the attempt belongs to.
    pub build: BuildId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The number of the attempt's first event.
    pub first_seq: u64,
    /// The ETag of the source that the earlier attempts built, with its quotation marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_etag: Option<String>,
    /// Cost of the earlier attempts, in gigabyte-seconds.
    #[serde(default)]
    pub gb_seconds: f64,
    /// Data that the earlier attempts carry over, in a form that only `compile` reads.
    #[serde(default)]
    pub history: Value,
}

/// Why a payload could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidPayload {
    /// The payload has neither records nor an attempt.
    #[error("the payload is neither an S3 event nor an attempt")]
    Shape,
    /// The attempt has a form that this version doesn't know, or a field is missing.
    #[error("the attempt can't be read: {0}")]
    Attempt(String),
}

/// Why a record of an S3 event starts no build.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRecord {
    /// The record lacks the bucket or the key that S3 writes.
    #[error("the record has no bucket or no key")]
    Shape,
    /// The record reports something other than the creation of an object.
    #[error("the event `{0}` creates no object")]
    Event(String),
    /// The key is not that of a source.
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

    /// The attempts that a payload asks for: the first attempt of each source, or the ordered one.
    pub fn attempts(self) -> Vec<NextAttempt> {
        match self {
            Self::Sources(sources) => sources.into_iter().flatten().map(NextAttempt::first).collect(),
            Self::Next(next) => vec![next],
        }
    }
}

impl UploadedSource {
    /// Reads only the fields that are needed, so an unexpected value elsewhere in the record does no harm.
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
    /// Orders the first attempt of a build.
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

/// Decodes a key of an event. They are encoded like form data, so `+` is a space (docs.aws.amazon.com/AmazonS3,
/// notification content).
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
    fn an_attempt_reads_back_and_an_invalid_one_is_refused() {
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
    fn any_other_payload_is_refused() {
        for payload in [json!(null), json!([]), json!({"Records": 1}), json!({"Event": "s3:TestEvent"}), json!("x")] {
            assert_eq!(Payload::read(&payload), Err(InvalidPayload::Shape), "{payload}");
        }
    }
}
