//! Environment variables of a build that a request can't set.

/// Variables that the engine sets itself, and those that would lead cargo out of its folders.
const BUILDERS_OWN: [&str; 17] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "CARGO",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "RUSTC_WRAPPER",
    "CARGO_TERM_PROGRESS_WHEN",
    "CARGO_TERM_PROGRESS_WIDTH",
    "CARGO_TERM_COLOR",
    "CARGO_TERM_QUIET",
    "__CARGO_TEST_ROOT",
];

/// Whether a variable is reserved for the builder, so that a request can't set it.
pub fn is_builders_own(name: &str) -> bool {
    BUILDERS_OWN.contains(&name)
}
