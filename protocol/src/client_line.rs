//! The configuration of a client as one line to paste. Whoever made the keys prints it:
//!
//! ```text
//! cargo-cloud-1:<payload>:<check>
//! ```
//!
//! `payload` is the JSON object of [`ClientLine`], compact, in base64url without padding (RFC 4648, section 5); `check`
//! is the first 8 digits of the payload's SHA-256 in lower-case hex, taken of the payload as it appears in the line. Spaces
//! and line breaks inside the line are ignored, because terminals and messengers wrap it. The line contains a secret key:
//! anyone who has it can build as its owner. In Python:
//!
//! ```python
//! fields = json.load(open("client.json"))   # terraform output -json client
//! fields |= {"owner": "me", "access_key_id": "AKIA…", "secret_access_key": "…"}
//! payload = base64.urlsafe_b64encode(json.dumps(fields, separators=(",", ":")).encode()).rstrip(b"=")
//! print(f"cargo-cloud-1:{payload.decode()}:{hashlib.sha256(payload).hexdigest()[:8]}")
//! ```

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Owner;

/// The beginning of every such line, of any version.
const NAME: &str = "cargo-cloud-";
/// The beginning of a line of this version.
const PREFIX: &str = "cargo-cloud-1:";
/// Number of hex digits in the check.
const CHECK_DIGITS: usize = 8;

/// Everything that a client needs to use a backend. Unknown fields are ignored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLine {
    /// AWS region, which is part of every signature.
    pub region: String,
    /// Name of the bucket that sources are uploaded to.
    pub input_bucket: String,
    /// Name of the bucket that results and artifacts are read from.
    pub output_bucket: String,
    /// URL of the WebSocket; without one, the client follows builds by polling the output bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// URL of the S3 interface, if it is not AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The owner that this device builds for.
    pub owner: Owner,
    /// The public part of the access key.
    pub access_key_id: String,
    /// The secret part of the access key.
    pub secret_access_key: String,
}

impl fmt::Debug for ClientLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientLine({}, {})", self.owner, self.access_key_id)
    }
}

/// Why a text is not a valid configuration line. No error quotes the text: it may contain a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLine {
    /// The text is something else, or its beginning is missing.
    #[error("this is not a configuration line: such a line begins with `{PREFIX}`; copy the whole line")]
    Other,
    /// The line is for a newer client.
    #[error("this configuration line is for a newer client; update cargo-cloud")]
    Newer,
    /// The end of the line is missing.
    #[error("the configuration line is incomplete: its end is missing; copy the whole line")]
    Incomplete,
    /// The check doesn't fit: characters were lost or changed.
    #[error("the configuration line is damaged: characters are missing or changed; copy it again")]
    Altered,
    /// The line is complete, but its content is invalid.
    #[error("the configuration line has invalid content ({0}); generate a new one")]
    Senseless(String),
}

impl ClientLine {
    /// Encodes the configuration as a line. `sha256` returns the digest of its argument in lower-case hex.
    pub fn encode(&self, sha256: impl Fn(&[u8]) -> String) -> String {
        let payload = BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default());
        let check = sha256(payload.as_bytes());
        format!("{PREFIX}{payload}:{}", check.get(..CHECK_DIGITS).unwrap_or(&check))
    }

    /// Reads a line, also one that was wrapped, quoted, or pasted with the command in front of it.
    ///
    /// # Errors
    /// If the text is not a line of this version, or if it was cut or changed.
    pub fn decode(text: &str, sha256: impl Fn(&[u8]) -> String) -> Result<Self, InvalidLine> {
        let text: String = text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`')).collect();
        let Some((_, rest)) = text.split_once(PREFIX) else {
            let version = text.split_once(NAME).and_then(|(_, rest)| rest.split_once(':'));
            let newer = version.is_some_and(|(digits, _)| digits.parse::<u32>().is_ok_and(|version| version > 1));
            return Err(if newer { InvalidLine::Newer } else { InvalidLine::Other });
        };
        let (payload, check) = rest.split_once(':').ok_or(InvalidLine::Incomplete)?;
        if check.len() < CHECK_DIGITS {
            return Err(InvalidLine::Incomplete);
        }
        if sha256(payload.as_bytes()).get(..CHECK_DIGITS) != Some(check) {
            return Err(InvalidLine::Altered);
        }
        let json =
            BASE64URL_NOPAD.decode(payload.as_bytes()).map_err(|error| InvalidLine::Senseless(error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| InvalidLine::Senseless(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for SHA-256: both sides only have to use the same digest.
    fn digest(bytes: &[u8]) -> String {
        let sum = bytes.iter().fold(17u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        format!("{sum:016x}")
    }

    fn line() -> ClientLine {
        ClientLine {
            region: "eu-west-1".to_owned(),
            input_bucket: "i".to_owned(),
            output_bucket: "o".to_owned(),
            socket: Some("wss://h/live".to_owned()),
            endpoint: None,
            owner: Owner::default(),
            access_key_id: "AK".to_owned(),
            secret_access_key: "s3/cr+t".to_owned(),
        }
    }

    #[test]
    fn a_line_is_read_however_it_was_pasted() {
        let text = line().encode(digest);
        assert!(text.starts_with(PREFIX) && text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
        let (first, second) = text.split_at(50);
        for pasted in [
            text.clone(),
            format!("  {text}\r\n"),
            format!("'{text}'"),
            format!("{first}\n    {second}\n"),
            format!("cargo cloud configure {text}"),
            format!("{first}\u{a0}\u{200b}{second}"),
        ] {
            assert_eq!(ClientLine::decode(&pasted, digest), Ok(line()), "{pasted}");
        }
    }

    #[test]
    fn a_line_of_an_older_backend_that_names_targets_is_read() {
        let mut fields = serde_json::to_value(line()).unwrap();
        fields["targets"] = serde_json::json!(["aarch64-linux-android"]);
        let payload = BASE64URL_NOPAD.encode(fields.to_string().as_bytes());
        let text = format!("{PREFIX}{payload}:{}", &digest(payload.as_bytes())[..CHECK_DIGITS]);
        assert_eq!(ClientLine::decode(&text, digest), Ok(line()));
    }

    #[test]
    fn each_kind_of_damage_has_its_own_error() {
        let text = line().encode(digest);
        let decode = |text: &str| ClientLine::decode(text, digest).unwrap_err();
        assert_eq!(decode(&text[5..]), InvalidLine::Other);
        assert_eq!(decode(""), InvalidLine::Other);
        assert_eq!(decode(&text.replace("-1:", "-2:")), InvalidLine::Newer);
        for end in [PREFIX.len(), 60, text.len() - 9, text.len() - 1] {
            assert_eq!(decode(&text[..end]), InvalidLine::Incomplete, "{end}");
        }
        assert_eq!(decode(&format!("{}{}", &text[..40], &text[41..])), InvalidLine::Altered);
        assert_eq!(decode(&format!("{text}0")), InvalidLine::Altered);
        let nonsense = BASE64URL_NOPAD.encode(b"{\"region\":1}");
        let nonsense = format!("{PREFIX}{nonsense}:{}", &digest(nonsense.as_bytes())[..8]);
        assert!(matches!(decode(&nonsense), InvalidLine::Senseless(_)));
    }

    #[test]
    fn debug_output_and_errors_do_not_contain_the_secret() {
        let text = line().encode(digest);
        assert!(!format!("{:?}", line()).contains("s3/cr+t"));
        let cut = ClientLine::decode(&text[..text.len() - 1], digest).unwrap_err().to_string();
        assert!(!cut.contains(&text[20..30]), "{cut}");
    }
}
