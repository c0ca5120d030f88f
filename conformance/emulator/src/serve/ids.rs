//! Random identifiers in the forms that AWS gives them.

use anyhow::{Context, Result};

/// Random text of `len` characters from `alphabet`, whose length has to divide 256 so that every character is equally
/// likely. An error when the system gives no random numbers.
pub fn random_text(len: usize, alphabet: &[u8]) -> Result<String> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).context("the system returned no random numbers")?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

/// The id of a request or an event, a UUID of version 4: `0a1b2c3d-…`.
pub fn random_uuid() -> String {
    let text = random_text(32, b"0123456789abcdef").unwrap_or_else(|_| "0".repeat(32));
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}

/// The id that S3 gives a request: 16 hexadecimal digits in capitals.
pub fn s3_request_id() -> String {
    random_uuid().replace('-', "")[..16].to_uppercase()
}
