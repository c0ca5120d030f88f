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
    Senseless {
        /// What was tried.
        action: String,
        /// What is wrong with it.
        why: String,
    },
    /// A download that isn't what the build's result announced; nothing of it is used.
    #[error("the artifact is not what the build announced: {0}; nothing was installed")]
    Untrue(String),
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
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = start + xml.get(start..)?.find(&format!("</{name}>"))?;
    let text = xml.get(start..end)?;
    Some(
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::element;

    #[test]
    fn elements_are_found_and_unescaped() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>a &amp;lt; b</Message>";
        assert_eq!(element(xml, "Code").as_deref(), Some("AccessDenied"));
        assert_eq!(element(xml, "Message").as_deref(), Some("a &lt; b"));
        assert_eq!(element(xml, "UploadId"), None);
        assert_eq!(element("<Code>x", "Code"), None);
    }
}
