//! Finds out which tools are missing to link programs for a target, and how to install them.

use protocol::MissingTools;

use super::android::{self, AndroidTools};
use super::linker::{Linker, is_self_contained};
use crate::EngineConfig;
use crate::environment::Environment;

/// The tools that are missing to link programs for `target`. `None` if there are all. `installed`: whether the target's
/// standard library is installed; whoever installed it may use a linker that the rules here don't know.
pub(super) fn missing_tools(
    target: &str,
    host: &str,
    installed: bool,
    config: &EngineConfig,
    env: &Environment,
) -> Option<MissingTools> {
    let of = |missing: String, remedy: String| Some(MissingTools { targets: vec![target.to_owned()], missing, remedy });
    match Linker::find(target, host, &config.linkers, env) {
        Linker::Program(_) => None,
        Linker::Default if installed || is_self_contained(target, host) => None,
        Linker::Default => of(
            "a linker and the libraries for it".to_owned(),
            format!("Install both on the backend's machine, then run there: rustup target add {target}"),
        ),
        Linker::Android => {
            let lacks = AndroidTools::find(env, config.android_setup.as_ref()).err()?;
            of(lacks.to_string(), android::remedy(target, config.android_setup.as_ref()))
        }
        Linker::Missing(names) => of(
            "a linker for it".to_owned(),
            format!(
                "Install {} on the backend's machine, or name another linker in the backend's settings.",
                names.join(" or ")
            ),
        ),
    }
}

/// Combines the entries of targets that need the same tools, in the order of the targets.
pub(super) fn group(all: impl IntoIterator<Item = MissingTools>) -> Vec<MissingTools> {
    let mut groups: Vec<MissingTools> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|group| group.missing == one.missing && group.remedy == one.remedy) {
            Some(group) => group.targets.extend(one.targets),
            None => groups.push(one),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    fn missing(target: &str, installed: bool) -> Option<MissingTools> {
        missing_tools(target, HOST, installed, &EngineConfig::new("/w"), &Environment::new())
    }

    #[test]
    fn targets_that_rust_links_by_itself_need_no_tools() {
        for target in ["x86_64-unknown-linux-musl", "wasm32-wasip1", "thumbv7em-none-eabihf"] {
            assert_eq!(missing(target, false), None, "{target}");
        }
        for target in [HOST, "x86_64-unknown-freebsd"] {
            assert_eq!(missing(target, true), None, "{target}");
        }
    }

    #[test]
    fn missing_tools_come_with_a_remedy() {
        for (target, lacks, remedy) in [
            ("aarch64-unknown-linux-gnu", "a linker for it", "Install aarch64-linux-gnu-gcc on"),
            ("x86_64-unknown-freebsd", "a linker and the libraries", "rustup target add x86_64-unknown-freebsd"),
            ("aarch64-linux-android", "the Android NDK and cargo-ndk", "ANDROID_NDK_HOME"),
        ] {
            let found = missing(target, false).unwrap();
            assert!(found.missing.contains(lacks) && found.remedy.contains(remedy), "{found:?}");
        }
    }

    #[test]
    fn targets_with_the_same_needs_are_combined() {
        let one = |target: &str, missing: &str| MissingTools {
            targets: vec![target.to_owned()],
            missing: missing.to_owned(),
            remedy: String::new(),
        };
        let groups = group([one("a", "x"), one("b", "y"), one("c", "x")]);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].targets, ["a", "c"]);
    }
}
