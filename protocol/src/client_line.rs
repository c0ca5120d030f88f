//! A client's configuration in one line to paste, made by whoever made the keys:
//!
//! ```text
//! cargo-cloud-1:<payload>:<check>
//! ```
//!
//! `payload` is the JSON object of [`ClientLine`], compact, in base64url without padding (RFC 4648, section 5); `check`
//! is the first 8 digits of its SHA-256 in lower-case hex, of the payload as it stands in the line. A line is read with
//! blanks and line ends anywhere in it: terminals and messengers wrap. It holds a secret key: who has it builds as its
//! owner. In Python:
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

/// What every such line begins with, whatever its version.
const NAME: &str = "cargo-cloud-";
/// What a line of this version begins with.
const PREFIX: &str = "cargo-cloud-1:";
/// Digits of the check.
const CHECK_DIGITS: usize = 8;

/// What a client needs to know to use a backend. Fields this version doesn't know are passed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLine {
    /// AWS's region, part of every signature.
    pub region: String,
    /// Where sources go.
    pub input_bucket: String,
    /// Where results come from.
    pub output_bucket: String,
    /// The URL of the WebSocket; none: builds are followed through the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// The URL of an S3 that is not AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whose builds.
    pub owner: Owner,
    /// The public half of the key.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// What the backend can build for; empty: not known.
    #[serde(default)]
    pub targets: Vec<String>,
}

impl fmt::Debug for ClientLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientLine({}, {})", self.owner, self.access_key_id)
    }
}

/// Why a text is no such line. None of these quotes it: it may hold a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidLine {
    /// Something else altogether, or its beginning is missing.
    #[error("this is not a configuration line: such a line begins with `{PREFIX}`; copy it from its beginning")]
    Other,
    /// A line for newer clients.
    #[error("this configuration line is of a newer kind than this client knows; update cargo-cloud")]
    Newer,
    /// Its end is missing.
    #[error("the configuration line is cut off: its end is missing; copy it to its end")]
    Incomplete,
    /// It is not as it was made.
    #[error("the configuration line is not as it was made: characters are missing or changed; copy it again")]
    Altered,
    /// Whole, but not what it should hold.
    #[error("the configuration line makes no sense ({0}); have it made again")]
    Senseless(String),
}

impl ClientLine {
    /// The line. `sha256`: the digest of a text in lower-case hex.
    pub fn encode(&self, sha256: impl Fn(&[u8]) -> String) -> String {
        let payload = BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default());
        let check = sha256(payload.as_bytes());
        format!("{PREFIX}{payload}:{}", check.get(..CHECK_DIGITS).unwrap_or(&check))
    }

    /// Reads a line, also one that was wrapped, quoted, or pasted with the command in front of it.
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

    /// Any digest does where both sides use the same.
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
            targets: vec!["aarch64-linux-android".to_owned()],
        }
    }

    #[test]
    fn a_line_reads_back_however_it_was_pasted() {
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
    fn what_is_wrong_with_a_line_is_told() {
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
    fn nothing_that_is_printed_by_accident_holds_the_secret() {
        let text = line().encode(digest);
        assert!(!format!("{:?}", line()).contains("s3/cr+t"));
        let cut = ClientLine::decode(&text[..text.len() - 1], digest).unwrap_err().to_string();
        assert!(!cut.contains(&text[20..30]), "{cut}");
    }
}
