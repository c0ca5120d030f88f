//! The condition keys that calls to this emulator carry (Service Authorization Reference). A policy that asks for
//! another one can't be judged, and is an error.

/// Keys with one value. A name that ends with `/` stands for all keys that begin so.
const SINGLE: &[&str] = &[
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "dynamodb:ReturnValues",
    "dynamodb:Select",
    "events:detail-type",
    "events:eventBusInvocation",
    "events:source",
    "lambda:FunctionArn",
    "lambda:SourceFunctionArn",
    "s3:ObjectCreationOperation",
    "s3:ResourceAccount",
    "s3:authType",
    "s3:delimiter",
    "s3:if-match",
    "s3:if-none-match",
    "s3:max-keys",
    "s3:prefix",
    "s3:signatureversion",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-storage-class",
];

/// Keys with any number of values.
const MULTIPLE: &[&str] = &["dynamodb:Attributes", "dynamodb:LeadingKeys"];

/// Whether a key has several values; `None` when it is not known.
pub fn is_multivalued(key: &str) -> Option<bool> {
    let named = |known: &&str| match known.strip_suffix('/') {
        Some(prefix) => key.split_once('/').is_some_and(|(start, _)| start.eq_ignore_ascii_case(prefix)),
        None => known.eq_ignore_ascii_case(key),
    };
    if MULTIPLE.iter().any(named) {
        Some(true)
    } else if SINGLE.iter().any(named) {
        Some(false)
    } else {
        None
    }
}
