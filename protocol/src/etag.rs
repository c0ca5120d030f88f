//! ETags of objects that are uploaded in parts, as S3 makes them for objects it encrypts with its own keys
//! (docs.aws.amazon.com/AmazonS3, Object).

use data_encoding::HEXLOWER;

/// Bytes of an MD5 digest.
const DIGEST_BYTES: usize = 16;

/// The ETag of an object that was put together from parts, without quotation marks: the MD5 of the parts' MD5s, and their
/// number. `parts` are the ETags of the parts, with or without quotation marks; `md5` hashes bytes. None when an ETag is
/// not an MD5 in lower-case hex.
pub fn multipart_etag<'a>(
    parts: impl IntoIterator<Item = &'a str>,
    md5: impl FnOnce(&[u8]) -> [u8; DIGEST_BYTES],
) -> Option<String> {
    let mut digests = Vec::new();
    for etag in parts {
        let digest = HEXLOWER.decode(etag.trim_matches('"').as_bytes()).ok()?;
        digests.extend(<[u8; DIGEST_BYTES]>::try_from(digest).ok()?);
    }
    Some(format!("{}-{}", HEXLOWER.encode(&md5(&digests)), digests.len() / DIGEST_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_the_parts_are_hashed_in_their_order() {
        let (one, two) = ("00112233445566778899aabbccddeeff", "\"ffeeddccbbaa99887766554433221100\"");
        let etag = multipart_etag([one, two], |digests| {
            assert_eq!((digests.len(), digests[1], digests[16]), (32, 0x11, 0xff));
            [0xab; 16]
        });
        assert_eq!(etag, Some(format!("{}-2", "ab".repeat(16))));
        for odd in ["nonsense", "", "0011", "ää", &"ä".repeat(16)] {
            assert_eq!(multipart_etag([one, odd], |_| panic!("{odd}")), None);
        }
    }
}
