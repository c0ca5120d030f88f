//! What can go wrong between the client and S3.

use thiserror::Error;

/// Why a request failed, after all its retries.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// No answer.
    #[error("{address} can't be reached: {why}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the network said.
        why: String,
    },
    /// An answer, and it is no.
    #[error("the backend refused to {action}: {code} ({status}){message}")]
    Refused {
        /// What was tried, as a verb with its object.
        action: String,
        /// The HTTP status.
        status: u16,
        /// S3's code.
        code: String,
        /// S3's words, with `: ` in front, or nothing.
        message: String,
    },
    /// An answer that makes no sense.
    #[error("the backend answered what makes no sense when asked to {action}: {why}")]
    InvalidAnswer {
        /// What was tried.
        action: String,
        /// What is wrong with it.
        why: String,
    },
    /// A download that isn't what the build's result announced; nothing of it is used.
    #[error("the artifact is not what the build announced: {0}; nothing was installed")]
    WrongArtifact(String),
    /// A file on the device could not be written.
    #[error("could not write what was downloaded")]
    Write(#[source] std::io::Error),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl StorageError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "is the network up, and the backend running? The address is `endpoint` (or `region`) of the configuration; \
                 type the same command again when it is back",
            ),
            Self::Refused { code, .. } => match code.as_str() {
                "InvalidAccessKeyId" => {
                    Some("`access_key_id` of the configuration is not known to the backend; write the keys it made")
                }
                "SignatureDoesNotMatch" => {
                    Some("`secret_access_key` of the configuration doesn't belong to `access_key_id`; copy both again")
                }
                "AccessDenied" => Some(
                    "the keys may not do that: check `owner` and the buckets in the configuration, and the keys' permissions",
                ),
                "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                    Some("the session token is not valid any more; log in again")
                }
                "NoSuchBucket" => Some("check `input_bucket` and `output_bucket` in the configuration"),
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                    Some("check `region` in the configuration")
                }
                "RequestTimeTooSkewed" => Some("the device's clock is wrong and could not be corrected; set it"),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The text of the first `<name>` of an XML document; S3's answers are flat enough.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let (text, _) = raw_element(xml, name)?;
    Some(
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&"),
    )
}

/// What stands in every `<name>`, as it stands there; none of them holds another of its name.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some((text, after)) = raw_element(rest, name) {
        found.push(text);
        rest = after;
    }
    found
}

/// What stands in the first `<name>`, and what comes after it.
fn raw_element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::{element, elements};

    #[test]
    fn elements_are_found_and_unescaped() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>a &amp;lt; b</Message>";
        assert_eq!(element(xml, "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(element(xml, "Message").as_deref(), Some("a &lt; b"));
        assert_eq!(element(xml, "UploadId"), None);
        assert_eq!(element("<Code>x", "Code"), None);
        let xml = "<R><Prefix>me/</Prefix><C><Prefix>a</Prefix></C><C><Prefix>b&amp;</Prefix></C><C>";
        let inner: Vec<_> = elements(xml, "C").into_iter().filter_map(|part| element(part, "Prefix")).collect();
        assert_eq!(inner, ["a", "b&"]);
        assert!(elements(xml, "D").is_empty());
    }
}
