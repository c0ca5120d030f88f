use super::*;
use std::process::Command;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn names(root: &Path) -> Vec<String> {
    listing(root).entries.into_iter().map(|entry| entry.name).collect()
}

fn listing(root: &Path) -> SourceListing {
    let project = DeviceProject::find(root, None, None).unwrap();
    list(&project, &root.join("target")).unwrap()
}

fn temp() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    (temp, root)
}

#[test]
fn hidden_files_are_sent_and_build_output_is_not() {
    let (_temp, root) = temp();
    for path in
        [".cargo/config.toml", "rust-toolchain.toml", ".hidden", "src/main.rs", "Cargo.lock", "src/target/mod.rs"]
    {
        write(&root, path, "");
    }
    for path in ["target/debug/x", "notes.log", "old/CACHEDIR.TAG", ".git/HEAD"] {
        write(&root, path, "Signature: 8a477f597d28d172789f06886806bc55\n");
    }
    write(&root, "Cargo.toml", "[package]\nname='p'");
    write(&root, ".gitignore", "*.log\nCargo.lock\n");
    assert_eq!(
        names(&root),
        [
            ".cargo/config.toml",
            ".gitignore",
            ".hidden",
            "Cargo.lock",
            "Cargo.toml",
            "rust-toolchain.toml",
            "src/main.rs",
            "src/target/mod.rs"
        ]
    );
}

#[test]
fn the_manifest_overrides_ignore_rules() {
    let (_temp, root) = temp();
    write(
        &root,
        "Cargo.toml",
        "[package]\nname='p'\n[package.metadata.cloud]\ninclude=['gen/deep/*.rs','.env','.git/HEAD']\nexclude=['/big','*.bin']",
    );
    write(&root, ".gitignore", "gen/\n.env\n");
    for path in [
        "gen/deep/a.rs",
        "gen/deep/b.txt",
        "gen/c.rs",
        "big/x",
        "src/y.bin",
        "src/big/z",
        ".env",
        ".git/HEAD",
        ".git/config",
    ] {
        write(&root, path, "");
    }
    let listing = listing(&root);
    let names: Vec<_> = listing.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, [".env", ".git/HEAD", ".gitignore", "Cargo.toml", "gen/deep/a.rs", "src/big/z"]);
    assert_eq!(listing.secrets, [""; 0]);
}

#[test]
fn a_dependency_in_an_ignored_folder_is_sent() {
    let (_temp, root) = temp();
    write(&root, "Cargo.toml", "[package]\nname='p'\n[dependencies]\nx={path='third/x'}");
    write(&root, ".gitignore", "third/\n");
    write(&root, "third/x/Cargo.toml", "[package]\nname='x'");
    write(&root, "third/x/src/lib.rs", "");
    write(&root, "third/y/Cargo.toml", "[package]\nname='y'");
    assert_eq!(names(&root), [".gitignore", "Cargo.toml", "third/x/Cargo.toml", "third/x/src/lib.rs"]);
}

#[test]
fn vendored_sources_are_sent_whole() {
    let (_temp, root) = temp();
    write(&root, "Cargo.toml", "[package]\nname='p'");
    write(&root, ".cargo/config.toml", "[source.v]\ndirectory='vendor'");
    write(&root, "vendor/x/.gitignore", "*.c\n");
    write(&root, "vendor/x/src.c", "");
    assert!(names(&root).contains(&"vendor/x/src.c".to_owned()));
}

#[test]
fn links_inside_the_project_stay_links_and_others_become_content() {
    let (_temp, root) = temp();
    let link = |target: &str, path: &str| std::os::unix::fs::symlink(target, root.join(path)).unwrap();
    write(&root, "p/Cargo.toml", "[package]\nname='p'");
    write(&root, "p/src/main.rs", "");
    write(&root, "outside/deep/data.txt", "12345");
    link("src", "p/inside");
    link(root.join("p/src/main.rs").to_str().unwrap(), "p/absolute");
    link("../outside", "p/folder");
    link("../outside/deep/data.txt", "p/file");
    link("../nowhere", "p/dangling");
    link("self", "p/self");
    let project = DeviceProject::find(&root.join("p"), None, None).unwrap();
    let listing = list(&project, &root.join("p/target")).unwrap();
    let shown: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| match &entry.content {
            SourceContent::Link { target } => format!("{} -> {target}", entry.name),
            SourceContent::Folder => format!("{}/", entry.name),
            SourceContent::File { size, .. } => format!("{} {size}", entry.name),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Cargo.toml 18",
            "absolute -> src/main.rs",
            "file 5",
            "folder/deep/data.txt 5",
            "inside -> src",
            "self -> self",
            "src/main.rs 0"
        ]
    );
    assert_eq!(listing.notes.len(), 1, "{:?}", listing.notes);
    link("..", "p/up");
    let error = list(&project, &root.join("p/target")).unwrap_err().to_string();
    assert!(error.contains("a folder around itself"), "{error}");
}

#[test]
fn other_kinds_of_files_are_noted_and_secrets_are_named() {
    let (_temp, root) = temp();
    write(&root, "Cargo.toml", "[package]\nname='p'");
    write(&root, ".env", "");
    rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    let listing = listing(&root);
    assert_eq!(listing.secrets, [".env"]);
    assert!(listing.notes[0].contains("`pipe`"), "{:?}", listing.notes);
}

#[test]
fn the_listing_matches_that_of_git() {
    let (_temp, root) = temp();
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C"])
            .arg(&root)
            .args(args)
            .output();
        output.map(|output| (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    if git(&["init", "-q"]).is_err() {
        eprintln!("skipped: there is no git");
        return;
    }
    write(&root, "Cargo.toml", "[package]\nname='p'\n[package.metadata.cloud]\n");
    write(
        &root,
        ".gitignore",
        "*.log\n!important.log\n/build\ntmp/\nfoo/**/bar\n*.[oa]\n[[:digit:]]x\n\\#hash\ntrailing \\ \n**/cache/x\na/*/b\n!a/keep/b\n# c\n\n/*.txt\n",
    );
    write(&root, "sub/.gitignore", "!x.log\n/only\nnested/\n");
    write(&root, ".git/info/exclude", "excluded\n");
    for path in [
        "a.log",
        "important.log",
        "sub/x.log",
        "sub/y.log",
        "build/x",
        "sub/build/x",
        "tmp/x",
        "sub/tmp/y",
        "tmp2/x",
        "foo/bar",
        "foo/a/b/bar/c",
        "foo/baz",
        "x.o",
        "x.a",
        "x.c",
        "1x",
        "11x",
        "ax",
        "#hash",
        "hash",
        "cache/x",
        "q/cache/x/y",
        "q/cache/z",
        "a/1/b",
        "a/keep/b",
        "a/1/c",
        "top.txt",
        "sub/top.txt",
        "sub/only",
        "sub/d/only",
        "sub/nested/z",
        "excluded",
        "sub/excluded/q",
        "tracked.log",
        "tmp/tracked/deep.rs",
        "ünï/ä b.rs",
        "trailing  ",
    ] {
        write(&root, path, "");
    }
    let ours = || -> Vec<String> { names(&root) };
    let theirs = || -> Vec<String> {
        let (_, out) = git(&["ls-files", "-z", "-c", "-o", "--exclude-standard"]).unwrap();
        let mut list: Vec<_> = out.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        list.sort();
        list.dedup();
        list
    };
    assert_eq!(ours(), theirs());
    for version in ["2", "3", "4"] {
        assert!(git(&["add", "-f", "tracked.log", "tmp/tracked/deep.rs", "x.c"]).unwrap().0);
        assert!(git(&["update-index", "--index-version", version]).unwrap().0);
        assert!(ours().contains(&"tmp/tracked/deep.rs".to_owned()));
        assert_eq!(ours(), theirs(), "index version {version}");
    }
}

#[test]
fn empty_folders_are_sent_and_odd_names_are_not() {
    let (_temp, root) = temp();
    write(&root, "Cargo.toml", "[package]\nname='p'");
    write(&root, "a\\b", "");
    std::fs::create_dir_all(root.join("assets/empty")).unwrap();
    let listing = listing(&root);
    assert_eq!(
        listing.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
        ["Cargo.toml", "assets/empty"]
    );
    assert!(listing.notes[0].contains("backslash"), "{:?}", listing.notes);
}

#[test]
fn rules_that_ignore_the_manifest_do_not_apply() {
    let (_temp, root) = temp();
    // The home folder is under git, and its rules ignore everything.
    write(&root, ".git/HEAD", "ref: refs/heads/main\n");
    write(&root, ".gitignore", "*\n");
    write(&root, "p/Cargo.toml", "[package]\nname='p'");
    write(&root, "p/src/deep/main.rs", "");
    write(&root, "p/target/debug/x", "");
    assert_eq!(names(&root.join("p")), ["Cargo.toml", "src/deep/main.rs"]);
}
