//! The errors of requests to S3, and advice on them.

use thiserror::Error;

/// The reason why a request failed after all its retries.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The backend did not answer.
    #[error("{address} can't be reached: {why}")]
    Unreachable {
        /// Host and port of the backend.
        address: String,
        /// What the network reported, for people.
        why: String,
    },
    /// The backend refused the request.
    #[error("the backend refused to {action}: {code} ({status}){message}")]
    Refused {
        /// What the request should do, as a verb with its object.
        action: String,
        /// HTTP status of the answer.
        status: u16,
        /// S3's error code, such as `AccessDenied`.
        code: String,
        /// S3's message with `: ` in front of it, or nothing.
        message: String,
    },
    /// The backend answered with something that can't be understood.
    #[error("the backend gave an invalid answer when asked to {action}: {why}")]
    InvalidAnswer {
        /// What the request should do.
        action: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The artifact differs from its description in the build's result, so it is not used.
    #[error("the artifact is not the one that the build made: {0}; nothing was installed")]
    WrongArtifact(String),
    /// A file on the device could not be written.
    #[error("could not store the download")]
    Write(#[source] std::io::Error),
    /// The user pressed Ctrl-C, or the time limit was reached.
    #[error("interrupted")]
    Interrupted,
}

impl StorageError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "is the network up, and the backend running? The address is `endpoint` (or `region`) of the configuration; \
                 type the same command again when it is back",
            ),
            Self::Refused { code, .. } => match code.as_str() {
                "InvalidAccessKeyId" => {
                    Some("`access_key_id` of the configuration is unknown to the backend; use the keys that it created")
                }
                "SignatureDoesNotMatch" => {
                    Some("`secret_access_key` of the configuration doesn't belong to `access_key_id`; copy both again")
                }
                "AccessDenied" => Some(
                    "the keys don't allow that: check `owner` and the buckets in the configuration, and the permissions of the keys",
                ),
                "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                    Some("the session token has expired; log in again")
                }
                "NoSuchBucket" => Some("check `input_bucket` and `output_bucket` in the configuration"),
                "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                    Some("check `region` in the configuration")
                }
                "RequestTimeTooSkewed" => Some("the device's clock is wrong and could not be corrected; set the time"),
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

/// The content of every `<name>`, not unescaped. Elements of that name must not be nested.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some((text, after)) = raw_element(rest, name) {
        found.push(text);
        rest = after;
    }
    found
}

/// The content of the first `<name>`, and what follows the element.
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
