//! The environment variables that the client reads, and those that it forwards to the builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::terminal::ColorWhen;

/// A variable that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that is set and not empty, as a path.
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Whether output is quiet: by `--quiet`, or by `CARGO_TERM_QUIET` unless `--verbose` is given.
pub fn quiet(quiet: bool, verbose: u8) -> bool {
    quiet || (verbose == 0 && variable("CARGO_TERM_QUIET").is_some_and(|value| value == "true"))
}

/// The choice of `--color`, else of `CARGO_TERM_COLOR`, whose unknown values cargo refuses too.
pub fn color(flag: Option<ColorWhen>, variable: Option<&str>) -> Result<ColorWhen, String> {
    match (flag, variable) {
        (Some(when), _) => Ok(when),
        (None, None) => Ok(ColorWhen::default()),
        (None, Some(text)) => ColorWhen::from_str(text, false).map_err(|_| {
            format!("argument for --color must be auto, always, or never, but found `{text}` (in `CARGO_TERM_COLOR`)")
        }),
    }
}

/// Cargo's own folder: `CARGO_HOME`, else `~/.cargo`.
pub fn cargo_home(cwd: &Path) -> Option<PathBuf> {
    path("CARGO_HOME").map(|home| cwd.join(home)).or_else(|| path("HOME").map(|home| home.join(".cargo")))
}

/// Rustup's own folder: `RUSTUP_HOME`, else `~/.rustup`.
pub fn rustup_home() -> Option<PathBuf> {
    path("RUSTUP_HOME").or_else(|| path("HOME").map(|home| home.join(".rustup")))
}

/// The variables that say how to compile and how to run tests, which the builder gets too. Left out are credentials,
/// wrappers, linkers and paths, which belong to this device.
pub fn forwarded(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    const NAMES: [&str; 14] = [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "RUSTDOCFLAGS",
        "CARGO_ENCODED_RUSTDOCFLAGS",
        "CARGO_BUILD_RUSTDOCFLAGS",
        "CARGO_INCREMENTAL",
        "CARGO_BUILD_INCREMENTAL",
        "RUST_BACKTRACE",
        "RUST_LIB_BACKTRACE",
        "RUST_MIN_STACK",
        "SOURCE_DATE_EPOCH",
        "CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS",
        // Read by cargo-ndk.
        "CARGO_NDK_PLATFORM",
    ];
    let taken = |name: &str| {
        NAMES.contains(&name)
            || ["CARGO_PROFILE_", "RUST_TEST_"].iter().any(|prefix| name.starts_with(prefix))
            || (name.starts_with("CARGO_TARGET_")
                && ["_RUSTFLAGS", "_RUSTDOCFLAGS"].iter().any(|end| name.ends_with(end)))
    };
    variables.filter(|(name, _)| taken(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_colour_choice_is_refused() {
        assert_eq!(color(None, Some("always")), Ok(ColorWhen::Always));
        assert_eq!(color(Some(ColorWhen::Never), Some("bogus")), Ok(ColorWhen::Never));
        assert!(color(None, Some("bogus")).unwrap_err().contains("found `bogus`"));
    }

    #[test]
    fn only_variables_for_compiling_are_forwarded() {
        let all = [
            "RUSTFLAGS",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_REGISTRY_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "RUSTC_WRAPPER",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "RUSTDOCFLAGS",
            "RUST_TEST_THREADS",
            "RUST_LOG",
        ];
        let forwarded = forwarded(all.iter().map(|name| ((*name).to_owned(), String::new())));
        assert_eq!(
            forwarded.into_keys().collect::<Vec<_>>(),
            [
                "CARGO_PROFILE_RELEASE_LTO",
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
                "RUSTDOCFLAGS",
                "RUSTFLAGS",
                "RUST_TEST_THREADS"
            ]
        );
    }
}
