//! The S3 operation a request asks for, and the calls that have to be allowed for it.

use hyper::Method;

use crate::serve::account::EmulatedAccount;
use crate::serve::call::ActionCall;
use crate::serve::http::AuthenticatedRequest;

/// The operations that this emulator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
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

/// An operation and what it works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Operation {
    pub kind: OperationKind,
    pub bucket: String,
    /// The object's key, decoded; empty for operations on the bucket.
    pub key: String,
    query: Vec<(String, String)>,
}

impl S3Operation {
    /// Reads the operation from a request; `None` for one that this emulator doesn't know.
    pub fn of(signed: &AuthenticatedRequest) -> Option<Self> {
        let path = signed.path();
        let (bucket, key) = path.strip_prefix('/')?.split_once('/').unwrap_or((&path[1..], ""));
        let query = signed.query();
        let has = |name: &str| query.iter().any(|(n, _)| n == name);
        let is_copy = signed.header("x-amz-copy-source").is_some();
        let kind = match (signed.method(), key.is_empty()) {
            (&Method::GET, true) if has("list-type") => OperationKind::ListObjects,
            (&Method::GET, true) if has("uploads") => OperationKind::ListUploads,
            (&Method::POST, true) if has("delete") => OperationKind::DeleteObjects,
            (&Method::GET, false) if has("uploadId") => OperationKind::ListParts,
            (&Method::GET, false) => OperationKind::GetObject,
            (&Method::HEAD, false) => OperationKind::HeadObject,
            (&Method::PUT, false) if has("uploadId") && !is_copy => OperationKind::UploadPart,
            (&Method::PUT, false) if !is_copy => OperationKind::PutObject,
            (&Method::POST, false) if has("uploads") => OperationKind::CreateUpload,
            (&Method::POST, false) if has("uploadId") => OperationKind::CompleteUpload,
            (&Method::DELETE, false) if has("uploadId") => OperationKind::AbortUpload,
            (&Method::DELETE, false) => OperationKind::DeleteObject,
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

    /// The type of the event that tells of the new object, if the operation creates one when it succeeds.
    pub fn creates(&self) -> Option<&'static str> {
        match self.kind {
            OperationKind::PutObject => Some("ObjectCreated:Put"),
            OperationKind::CompleteUpload => Some("ObjectCreated:CompleteMultipartUpload"),
            _ => None,
        }
    }

    /// The calls that have to be allowed (Service Authorization Reference, Amazon S3).
    pub fn calls(&self, account: &EmulatedAccount, signed: &AuthenticatedRequest) -> Vec<ActionCall> {
        let action = match self.kind {
            OperationKind::ListObjects => "s3:ListBucket",
            OperationKind::ListUploads => "s3:ListBucketMultipartUploads",
            OperationKind::GetObject | OperationKind::HeadObject => "s3:GetObject",
            OperationKind::PutObject
            | OperationKind::CreateUpload
            | OperationKind::UploadPart
            | OperationKind::CompleteUpload => "s3:PutObject",
            OperationKind::DeleteObject => "s3:DeleteObject",
            OperationKind::DeleteObjects => return self.deletions(account, signed),
            OperationKind::AbortUpload => "s3:AbortMultipartUpload",
            OperationKind::ListParts => "s3:ListMultipartUploadParts",
        };
        let mut call = self.call(account, signed, action, &self.key);
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

    /// The call that decides about a missing object: only a caller who may list the bucket gets 404, others get 403.
    pub fn listing_call(&self, account: &EmulatedAccount, signed: &AuthenticatedRequest) -> ActionCall {
        let mut call = self.call(account, signed, "s3:ListBucket", "");
        call.context.set("s3:prefix", &self.key);
        call
    }

    fn deletions(&self, account: &EmulatedAccount, signed: &AuthenticatedRequest) -> Vec<ActionCall> {
        #[derive(serde::Deserialize)]
        struct Delete {
            #[serde(rename = "Object", default)]
            objects: Vec<ObjectToDelete>,
        }
        #[derive(serde::Deserialize)]
        struct ObjectToDelete {
            #[serde(rename = "Key")]
            key: String,
        }
        let body: Result<Delete, _> = quick_xml::de::from_reader(&*signed.body);
        let objects = body.map(|delete| delete.objects).unwrap_or_default();
        objects.iter().map(|object| self.call(account, signed, "s3:DeleteObject", &object.key)).collect()
    }

    fn call(&self, account: &EmulatedAccount, signed: &AuthenticatedRequest, action: &str, key: &str) -> ActionCall {
        let mut context = account.request_context(signed.plain);
        context.set("s3:ResourceAccount", &account.platform.account);
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        let is_presigned = self.parameter("X-Amz-Signature").is_some();
        context.set("s3:authType", if is_presigned { "REST-QUERY-STRING" } else { "REST-HEADER" });
        if let Some(digest) = signed.header("x-amz-content-sha256") {
            context.set("s3:x-amz-content-sha256", digest);
        }
        let slash = if key.is_empty() { "" } else { "/" };
        ActionCall {
            principal: signed.principal.clone(),
            action: action.to_owned(),
            resource: format!("arn:aws:s3:::{}{slash}{key}", self.bucket),
            context,
        }
    }
}
