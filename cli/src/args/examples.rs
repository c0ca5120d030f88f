//! The examples at the end of each command's help: two for each, so that a reader sees the usual call and one more.

/// A line to type, and what it does.
pub struct Example {
    /// The whole line, as typed in a shell; no word of it needs quotes.
    pub line: &'static str,
    /// What happens, in a few words.
    pub does: &'static str,
}

const fn example(line: &'static str, does: &'static str) -> Example {
    Example { line, does }
}

/// The examples of a verb; those of the program itself for any other name.
pub const fn of(verb: &str) -> [Example; 2] {
    match verb.as_bytes() {
        b"build" => [
            example("cargo cloud build", "build and install this project"),
            example("cargo cloud build --target aarch64-linux-android", "build for Android"),
        ],
        b"check" => [
            example("cargo cloud check", "find errors, without building"),
            example("cargo cloud check --workspace --all-targets", "all packages, tests too"),
        ],
        b"clippy" => [
            example("cargo cloud clippy", "show clippy's lints"),
            example("cargo cloud clippy -- -D warnings", "treat each warning as an error"),
        ],
        b"test" => [
            example("cargo cloud test", "run all tests"),
            example("cargo cloud test parser -- --nocapture", "those named parser, with output"),
        ],
        b"bench" => [
            example("cargo cloud bench", "run all benchmarks"),
            example("cargo cloud bench --no-run", "only compile them"),
        ],
        b"doc" => [
            example("cargo cloud doc --open", "read the documentation in a browser"),
            example("cargo cloud doc --no-deps", "leave out the dependencies"),
        ],
        b"run" => [
            example("cargo cloud run", "build and run this project's program"),
            example("cargo cloud run --release -- --port 8080", "pass arguments to it"),
        ],
        b"fmt" => [
            example("cargo cloud fmt --check", "show what rustfmt would change"),
            example("cargo cloud fmt --check --all", "in all packages"),
        ],
        b"install" => [
            example("cargo cloud install ripgrep", "the latest release"),
            example("cargo cloud install --git https://github.com/sharkdp/fd", "from git"),
        ],
        b"uninstall" => [
            example("cargo cloud uninstall ripgrep", "remove its programs"),
            example("cargo cloud uninstall ripgrep --root /opt/tools", "from /opt/tools/bin"),
        ],
        b"package" => [
            example("cargo cloud package --list", "what a build sends"),
            example("cargo cloud package --list --manifest-path app/Cargo.toml", "of app"),
        ],
        b"builds" => [
            example("cargo cloud builds", "the latest 20 builds"),
            example("cargo cloud builds -n 5 --json", "the latest 5, for a program"),
        ],
        b"logs" => [
            example("cargo cloud logs 7d3e", "show the output of a build so far"),
            example("cargo cloud logs --follow 7d3e", "wait for more until it ends"),
        ],
        b"attach" => [
            example("cargo cloud attach", "the latest build left by --detach"),
            example("cargo cloud attach 7d3e --root /opt/tools", "install into /opt/tools/bin"),
        ],
        b"cancel" => [
            example("cargo cloud cancel 7d3e", "stop the build with this id"),
            example("cargo cloud cancel 7d3e --backend home", "on the backend named home"),
        ],
        b"clean" => [
            example("cargo cloud clean", "the next build of this project starts afresh"),
            example("cargo cloud clean --all", "that of every project"),
        ],
        b"configure" => [
            example("cargo cloud configure", "paste the line of a new backend"),
            example("cargo cloud configure --use home", "build on the backend named home"),
        ],
        b"doctor" => [
            example("cargo cloud doctor", "check everything, with a trial build"),
            example("cargo cloud doctor --json --no-build", "for a program or a bug report"),
        ],
        _ => [
            example("cargo cloud build", "build and install this project"),
            example("cargo cloud install ripgrep", "build and install a crate"),
        ],
    }
}
