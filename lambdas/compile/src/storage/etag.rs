//! ETags as S3 makes them for objects it encrypts with its own keys (docs.aws.amazon.com/AmazonS3, Object): the MD5 of
//! what was put; of an object in parts, the MD5 of the parts' MD5s and their number. They tell what we have stored from
//! what others have, without the right to read it.

use md5::{Digest, Md5};

/// The ETag of an object that is put at once, without quotation marks.
pub fn of_content(content: &[u8]) -> String {
    hex(&Md5::digest(content))
}

/// The ETag of an object in parts, out of the parts' own; none if those are no MD5s.
pub fn of_parts<'a>(etags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (mut whole, mut count) = (Md5::new(), 0);
    for etag in etags {
        whole.update(unhex(bare(etag))?);
        count += 1;
    }
    Some(format!("{}-{count}", hex(&whole.finalize())))
}

/// Without quotation marks.
pub fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (text.len() == 32).then(|| (0..32).step_by(2).map(digit).collect::<Option<Vec<u8>>>())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_s3() {
        assert_eq!(of_content(b""), "d41d8cd98f00b204e9800998ecf8427e");
        let part = "\"d41d8cd98f00b204e9800998ecf8427e\"";
        assert_eq!(of_parts([part]).as_deref(), Some("59adb24ef3cdbe0297f05b395827453f-1"));
        assert_eq!(of_parts([part, "nonsense"]), None);
        assert_eq!(of_parts(["ä"; 16]), None);
    }
}
