//! The ETags that S3 gives to what we have stored. They tell our objects from others' without the right to read them.

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use protocol::multipart_etag;

/// The ETag of an object that is put at once, without quotation marks.
pub fn of_content(content: &[u8]) -> String {
    HEXLOWER.encode(&Md5::digest(content))
}

/// The ETag of an object in parts, from the ETags of the parts, without quotation marks. None when one of them is not an
/// MD5.
pub fn of_parts<'a>(etags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    multipart_etag(etags, |digests| Md5::digest(digests).into())
}

/// An ETag without its quotation marks.
pub fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
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
