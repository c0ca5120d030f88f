//! Admission: whether a backend takes a build on. Decided from the request's head and the upload's size, before anything
//! is fetched or unpacked; both backends call [`admit`].

use crate::limits::MAX_SOURCE_BYTES;
use crate::{Capabilities, InvalidRequest, RequestHead};

/// Takes a build on, or says why this backend can't build it. `size` is the source archive's, in bytes. Without
/// `capabilities` (the backend doesn't know them yet) the targets are left to the engine, which looks at them again.
///
/// # Errors
/// An [`InvalidRequest`] whose message says what to do.
pub fn admit(head: &RequestHead, size: u64, capabilities: Option<&Capabilities>) -> Result<(), InvalidRequest> {
    admit_size(size)?;
    let refusal = capabilities.and_then(|can| head.target.iter().find_map(|target| can.refusal(head.command, target)));
    match refusal {
        Some(why) => Err(InvalidRequest::Refused(why)),
        None => Ok(()),
    }
}

/// Refuses a source archive that is empty or too large: `size` in bytes.
///
/// # Errors
/// [`InvalidRequest::Empty`], or [`InvalidRequest::Refused`] with the limit.
pub fn admit_size(size: u64) -> Result<(), InvalidRequest> {
    if size == 0 {
        return Err(InvalidRequest::Empty);
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn head(target: &str) -> RequestHead {
        let fields = [("protocol", "1"), ("client", "0.1.0"), ("command", "build"), ("project", "demo-00")];
        let fields = fields.into_iter().chain([("target", target)]);
        let metadata: BTreeMap<_, _> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        RequestHead::decode(&metadata).unwrap()
    }

    #[test]
    fn a_refusal_names_the_limit_and_what_there_is() {
        let can = Capabilities { targets: vec!["a".to_owned(), "b".to_owned()], ..Capabilities::new("a", "0.1.0") };
        let refusal = |target: &str, size| admit(&head(target), size, Some(&can)).err().map(|why| why.to_string());
        for target in ["", "a", "b", "a,b"] {
            assert_eq!(refusal(target, 1), None, "{target}");
        }
        for target in ["c", "a,c"] {
            let why = refusal(target, 1).unwrap();
            assert!(why.contains("can't build for `c`") && why.contains("a, b"), "{why}");
        }
        assert_eq!(refusal("a", MAX_SOURCE_BYTES), None);
        assert!(refusal("a", MAX_SOURCE_BYTES + 1).unwrap().contains("1024 MiB"));
        assert!(refusal("a", 0).unwrap().contains("archive is empty"));
    }

    #[test]
    fn a_backend_that_does_not_know_its_targets_yet_still_checks_the_size() {
        assert_eq!(admit(&head("c"), 1, None), Ok(()));
        assert!(admit(&head("c"), u64::MAX, None).is_err());
    }
}
