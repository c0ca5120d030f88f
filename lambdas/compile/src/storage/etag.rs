//! Computes the ETags that S3 gives to what we have stored. With them the function recognizes its own objects without
//! permission to read them.

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use protocol::multipart_etag;

/// The ETag of an object that is uploaded with one call, without quotation marks.
pub fn of_content(content: &[u8]) -> String {
    HEXLOWER.encode(&Md5::digest(content))
}

/// The ETag of an object that is uploaded in parts, computed from the ETags of the parts, without quotation marks.
/// `None` if one of them is not an MD5.
pub fn of_parts<'a>(etags: impl IntoIterator<Item = &'a str>) -> Option<String> {
    multipart_etag(etags, |digests| Md5::digest(digests).into())
}

/// Removes the quotation marks of an ETag.
pub fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_match_those_of_s3() {
        assert_eq!(of_content(b""), "d41d8cd98f00b204e9800998ecf8427e");
        let part = "\"d41d8cd98f00b204e9800998ecf8427e\"";
        assert_eq!(of_parts([part]).as_deref(), Some("59adb24ef3cdbe0297f05b395827453f-1"));
        assert_eq!(of_parts([part, "nonsense"]), None);
        assert_eq!(of_parts(["ä"; 16]), None);
    }
}
