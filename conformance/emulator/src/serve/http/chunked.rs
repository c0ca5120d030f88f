//! `aws-chunked` bodies with a checksum as trailer, as SDKs send them (docs.aws.amazon.com/AmazonS3,
//! sigv4-streaming-trailers).

use bytes::{Bytes, BytesMut};
use data_encoding::BASE64;

/// The content of a body; an error when the body is malformed or fails its checksum.
pub fn decode(body: &[u8]) -> Result<Bytes, String> {
    let mut content = BytesMut::with_capacity(body.len());
    let mut rest = body;
    loop {
        let (line, after) = line(rest)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("`{line}` is not the size of a chunk"))?;
        rest = after;
        if size == 0 {
            break;
        }
        if rest.len() < size + 2 || &rest[size..size + 2] != b"\r\n" {
            return Err("a chunk is shorter than it says".to_owned());
        }
        content.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
    while !rest.is_empty() {
        let (line, after) = line(rest)?;
        rest = after;
        if let Some(wanted) = line.strip_prefix("x-amz-checksum-crc32:") {
            let found = BASE64.encode(&crc32fast::hash(&content).to_be_bytes());
            if wanted.trim() != found {
                return Err(format!("the checksum is {found}, the trailer says {}", wanted.trim()));
            }
        }
    }
    Ok(content.freeze())
}

fn line(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").ok_or("a chunk has no end")?;
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| "a chunk's head is not text")?;
    Ok((text, &bytes[end + 2..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_their_checksum_is_verified() {
        let body = b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:xOYpvw==\r\n\r\n";
        let body = String::from_utf8_lossy(body)
            .replace("xOYpvw==", &BASE64.encode(&crc32fast::hash(b"hello!").to_be_bytes()));
        assert_eq!(decode(body.as_bytes()), Ok(Bytes::from_static(b"hello!")));
        assert!(decode(body.replace("hello", "hallo").as_bytes()).unwrap_err().contains("checksum"));
        assert_eq!(decode(b"0\r\n\r\n"), Ok(Bytes::new()));
        for wrong in ["", "x\r\n", "5\r\nhi\r\n0\r\n\r\n", "2\r\nhi"] {
            assert!(decode(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
