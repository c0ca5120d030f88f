//! What a request asks of S3, and what has to be allowed for it.

use hyper::Method;

use crate::serve::call::Call;
use crate::serve::emulator::Emulator;
use crate::serve::front::Signed;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    ListObjects,
    ListUploads,
    DeleteObjects,
    GetObject,
    HeadObject,
    PutObject,
    DeleteObject,
    CreateUpload,
    UploadPart,
    CompleteUpload,
    AbortUpload,
    ListParts,
}

/// And of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub kind: Kind,
    pub bucket: String,
    /// Decoded; empty for what is about the bucket.
    pub key: String,
    query: Vec<(String, String)>,
}

impl Operation {
    /// Reads it from a request; `None` for what this emulator doesn't know.
    pub fn of(signed: &Signed) -> Option<Self> {
        let path = signed.path();
        let (bucket, key) = path.strip_prefix('/')?.split_once('/').unwrap_or((&path[1..], ""));
        let query = signed.query();
        let has = |name: &str| query.iter().any(|(n, _)| n == name);
        let is_copy = signed.header("x-amz-copy-source").is_some();
        let kind = match (signed.method(), key.is_empty()) {
            (&Method::GET, true) if has("list-type") => Kind::ListObjects,
            (&Method::GET, true) if has("uploads") => Kind::ListUploads,
            (&Method::POST, true) if has("delete") => Kind::DeleteObjects,
            (&Method::GET, false) if has("uploadId") => Kind::ListParts,
            (&Method::GET, false) => Kind::GetObject,
            (&Method::HEAD, false) => Kind::HeadObject,
            (&Method::PUT, false) if has("uploadId") && !is_copy => Kind::UploadPart,
            (&Method::PUT, false) if !is_copy => Kind::PutObject,
            (&Method::POST, false) if has("uploads") => Kind::CreateUpload,
            (&Method::POST, false) if has("uploadId") => Kind::CompleteUpload,
            (&Method::DELETE, false) if has("uploadId") => Kind::AbortUpload,
            (&Method::DELETE, false) => Kind::DeleteObject,
            _ => return None,
        };
        // Sub-resources (`?acl`, `?tagging`, versions) are other actions.
        const SUBRESOURCES: [&str; 8] =
            ["acl", "tagging", "versionId", "torrent", "restore", "retention", "legal-hold", "attributes"];
        if SUBRESOURCES.iter().any(|name| has(name)) || bucket.is_empty() {
            return None;
        }
        Some(Self { kind, bucket: bucket.to_owned(), key: key.to_owned(), query })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether it makes an object when it succeeds, and the event's name for how.
    pub fn creates(&self) -> Option<&'static str> {
        match self.kind {
            Kind::PutObject => Some("ObjectCreated:Put"),
            Kind::CompleteUpload => Some("ObjectCreated:CompleteMultipartUpload"),
            _ => None,
        }
    }

    /// What has to be allowed (Service Authorization Reference, Amazon S3).
    pub fn calls(&self, emulator: &Emulator, signed: &Signed) -> Vec<Call> {
        let action = match self.kind {
            Kind::ListObjects => "s3:ListBucket",
            Kind::ListUploads => "s3:ListBucketMultipartUploads",
            Kind::GetObject | Kind::HeadObject => "s3:GetObject",
            Kind::PutObject | Kind::CreateUpload | Kind::UploadPart | Kind::CompleteUpload => "s3:PutObject",
            Kind::DeleteObject => "s3:DeleteObject",
            Kind::DeleteObjects => return self.deletions(emulator, signed),
            Kind::AbortUpload => "s3:AbortMultipartUpload",
            Kind::ListParts => "s3:ListMultipartUploadParts",
        };
        let mut call = self.call(emulator, signed, action, &self.key);
        let context = &mut call.context;
        for (parameter, key) in [("prefix", "s3:prefix"), ("delimiter", "s3:delimiter"), ("max-keys", "s3:max-keys")] {
            if let Some(value) = self.parameter(parameter).filter(|_| self.key.is_empty()) {
                context.set(key, value);
            }
        }
        if action == "s3:PutObject" {
            context.set("s3:ObjectCreationOperation", self.creates().is_some().to_string());
            for header in
                ["if-none-match", "if-match", "x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-acl"]
            {
                if let Some(value) = signed.header(header) {
                    context.set(&format!("s3:{header}"), value);
                }
            }
        }
        vec![call]
    }

    /// A missing object is 404 only for who may list: asked when it is missing.
    pub fn listing_call(&self, emulator: &Emulator, signed: &Signed) -> Call {
        let mut call = self.call(emulator, signed, "s3:ListBucket", "");
        call.context.set("s3:prefix", &self.key);
        call
    }

    fn deletions(&self, emulator: &Emulator, signed: &Signed) -> Vec<Call> {
        #[derive(serde::Deserialize)]
        struct Delete {
            #[serde(rename = "Object", default)]
            objects: Vec<Object>,
        }
        #[derive(serde::Deserialize)]
        struct Object {
            #[serde(rename = "Key")]
            key: String,
        }
        let body: Result<Delete, _> = quick_xml::de::from_reader(&*signed.body);
        let objects = body.map(|delete| delete.objects).unwrap_or_default();
        objects.iter().map(|object| self.call(emulator, signed, "s3:DeleteObject", &object.key)).collect()
    }

    fn call(&self, emulator: &Emulator, signed: &Signed, action: &str, key: &str) -> Call {
        let mut context = emulator.request_context(signed.plain);
        context.set("s3:ResourceAccount", &emulator.platform.account);
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        let is_presigned = self.parameter("X-Amz-Signature").is_some();
        context.set("s3:authType", if is_presigned { "REST-QUERY-STRING" } else { "REST-HEADER" });
        if let Some(digest) = signed.header("x-amz-content-sha256") {
            context.set("s3:x-amz-content-sha256", digest);
        }
        let slash = if key.is_empty() { "" } else { "/" };
        Call {
            principal: signed.principal.clone(),
            action: action.to_owned(),
            resource: format!("arn:aws:s3:::{}{slash}{key}", self.bucket),
            context,
        }
    }
}
