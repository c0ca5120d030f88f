//! Pinned versions of the NDK and cargo-ndk. They are in `android-tools.env`, which the scripts and the builder image
//! read too.

const FILE: &str = include_str!("../../android-tools.env");

fn value(name: &str) -> &'static str {
    let of_line = |line: &'static str| line.strip_prefix(name)?.strip_prefix('=');
    FILE.lines().find_map(of_line).unwrap_or_default()
}

/// Release name of the NDK, for example `r27d`.
pub(super) fn ndk_release() -> &'static str {
    value("NDK_RELEASE")
}

/// URL where Google publishes the NDK for Linux.
pub(super) fn ndk_url() -> &'static str {
    value("NDK_URL")
}

/// SHA-1 of the archive in hexadecimal, as Google publishes it.
pub(super) fn ndk_sha1() -> &'static str {
    value("NDK_SHA1")
}

/// Size of the archive in bytes.
pub(super) fn ndk_bytes() -> u64 {
    value("NDK_BYTES").parse().unwrap_or_default()
}

/// Pinned version of cargo-ndk on crates.io.
pub(super) fn cargo_ndk_version() -> &'static str {
    value("CARGO_NDK_VERSION")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_pinned() {
        assert!(ndk_url().starts_with("https://dl.google.com/") && ndk_url().contains(ndk_release()), "{}", ndk_url());
        assert!(ndk_sha1().len() == 40 && ndk_sha1().bytes().all(|b| b.is_ascii_hexdigit()), "{}", ndk_sha1());
        assert!(ndk_bytes() > 500_000_000 && !ndk_release().is_empty());
        assert_eq!(cargo_ndk_version().split('.').count(), 3);
    }
}
