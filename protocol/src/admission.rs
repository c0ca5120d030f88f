//! Whether a backend can do what is asked: decided before anything is unpacked.

use crate::limits::MAX_SOURCE_BYTES;
use crate::{InvalidRequest, Request};

/// What a backend can build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The builder's own triple.
    pub host: String,
    /// Triples it can build for, its own among them.
    pub targets: Vec<String>,
}

/// Refuses a source that is too large: `size` in bytes.
pub fn admit_size(size: u64) -> Result<(), InvalidRequest> {
    if size > MAX_SOURCE_BYTES {
        let mib = |bytes: u64| bytes / (1024 * 1024);
        return Err(InvalidRequest::Refused(format!(
            "the source is {} MiB packed, the limit is {} MiB: leave large folders out with `exclude` under \
             [workspace.metadata.cloud]; `cargo cloud package --list` shows what is sent",
            mib(size),
            mib(MAX_SOURCE_BYTES)
        )));
    }
    Ok(())
}

/// Refuses a target this backend can't build for.
pub fn admit_target(target: &str, can: &Capabilities) -> Result<(), InvalidRequest> {
    if can.targets.iter().any(|known| known == target) {
        return Ok(());
    }
    Err(InvalidRequest::Refused(format!(
        "this backend can't build for `{target}`; it builds for {}",
        can.targets.join(", ")
    )))
}

/// Refuses what this backend can't do.
pub fn admit(request: &Request, size: u64, can: &Capabilities) -> Result<(), InvalidRequest> {
    admit_size(size)?;
    request.targets().try_for_each(|target| admit_target(target, can))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_limit_and_what_there_is() {
        let can = Capabilities { host: "a".to_owned(), targets: vec!["a".to_owned(), "b".to_owned()] };
        assert!(admit_target("b", &can).is_ok());
        let why = admit_target("c", &can).unwrap_err().to_string();
        assert!(why.contains("`c`") && why.contains("a, b"), "{why}");
        assert!(admit_size(MAX_SOURCE_BYTES).is_ok());
        assert!(admit_size(MAX_SOURCE_BYTES + 1).unwrap_err().to_string().contains("1024 MiB"));
    }
}
