//! Checks that symbolic links stay inside the source. They are followed as the kernel would, through other links too.

use std::collections::BTreeMap;

/// How many links the kernel follows in one path at most (path_resolution(7)).
const MAX_FOLLOWED: usize = 40;

/// The symbolic links of an archive, by path.
#[derive(Debug, Default)]
pub(super) struct LinkMap<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> LinkMap<'a> {
    /// Adds the link at `path`, which points to `target`.
    pub fn insert(&mut self, path: &'a str, target: &'a str) {
        self.0.insert(path, target);
    }

    /// The first link that leads out of the source, if one does. A loop leads nowhere, so it is allowed.
    pub fn first_that_leads_out(&self) -> Option<&'a str> {
        self.0.keys().copied().find(|path| !self.stays(path))
    }

    fn stays(&self, path: &str) -> bool {
        let folder: Vec<&str> = path.split('/').collect();
        let mut at: Vec<&str> = folder[..folder.len() - 1].to_vec();
        let Some(target) = self.0.get(path) else { return true };
        let mut ahead: Vec<&str> = target.split('/').rev().collect();
        if target.starts_with('/') {
            return false;
        }
        let mut followed = 0;
        while let Some(part) = ahead.pop() {
            match part {
                "" | "." => {}
                ".." => {
                    if at.pop().is_none() {
                        return false;
                    }
                }
                part => {
                    at.push(part);
                    if let Some(target) = self.0.get(at.join("/").as_str()) {
                        followed += 1;
                        if followed > MAX_FOLLOWED {
                            return true;
                        }
                        if target.starts_with('/') {
                            return false;
                        }
                        at.pop();
                        ahead.extend(target.split('/').rev());
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(links: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut all = LinkMap::default();
        for (path, target) in links {
            all.insert(path, target);
        }
        all.first_that_leads_out()
    }

    #[test]
    fn links_inside_are_allowed() {
        assert_eq!(leaves(&[("a", "b"), ("d/e", "../b"), ("d/f", "./g/../h"), ("x/y/z", "../..")]), None);
        assert_eq!(leaves(&[("a", "b"), ("b", "a")]), None, "a loop leads nowhere");
    }

    #[test]
    fn links_that_lead_out_are_found() {
        for links in [
            &[("a", "/etc")][..],
            &[("a", "..")],
            &[("d/a", "../../x")],
            // Each link alone stays inside, but the second goes through the first.
            &[("a", "d/e/f"), ("b", "a/../../../../x")],
            &[("d/up", ".."), ("e", "d/up/../x")],
        ] {
            assert!(leaves(links).is_some(), "{links:?}");
        }
    }
}
