//! Builds that succeed, and further builds of the same project.

use std::fs;

use protocol::{Outcome, Status, Stream};

use crate::support::{TestBackend, TestUpload};

pub const TESTS: &[(&str, fn())] = &[
    ("a_first_build_makes_a_program", a_first_build_makes_a_program),
    (
        "an_unchanged_source_is_not_compiled_and_a_changed_line_is",
        an_unchanged_source_is_not_compiled_and_a_changed_line_is,
    ),
    ("a_file_that_a_build_script_generates_in_src_stays", a_file_that_a_build_script_generates_in_src_stays),
    ("planted_configuration_is_not_obeyed", planted_configuration_is_not_obeyed),
    ("profile_and_features_come_back_with_the_program", profile_and_features_come_back_with_the_program),
    ("a_new_lock_file_comes_back", a_new_lock_file_comes_back),
    ("two_builds_of_one_project_go_one_after_the_other", two_builds_of_one_project_go_one_after_the_other),
];

const HELLO: &str = "fn main() { println!(\"hello\"); }\n";

fn a_first_build_makes_a_program() {
    let backend = TestBackend::new();
    let ran = backend.run(&TestUpload::tiny(HELLO));
    let result = ran.result();
    assert_eq!(
        (result.outcome, result.exit_code, result.complete),
        (Outcome::Succeeded, Some(0), true),
        "{:?}",
        result.message
    );
    let stderr = ran.text(Stream::Stderr);
    let source = backend.source().display().to_string();
    assert!(
        stderr.starts_with(&format!("   Compiling tiny v0.1.0 ({source})\n    Finished `dev` profile")),
        "{stderr}"
    );
    assert_eq!(ran.text(Stream::Stdout), "");
    assert_eq!(ran.run_program(), "hello\n");
    assert!(matches!(ran.statuses()[..], [Status::Unpacking, Status::Compiling { attempt: 1, .. }, Status::Packing]));
    let (manifest, _) = ran.artifact();
    assert_eq!(manifest.files.len(), 1);
    assert_eq!(manifest.files[0].path, "debug/tiny");
    assert!(manifest.rustc.starts_with("rustc "), "{}", manifest.rustc);
    assert_eq!(manifest.settings.unwrap().profile, "dev");
    assert_eq!(result.last, ran.events.iter().filter_map(|event| event.seq).max().unwrap());
    assert!(result.peak_memory.is_some_and(|peak| peak > 1 << 20));
    let log = fs::read_to_string(ran.output.path().join("log.jsonl")).unwrap();
    assert_eq!(log.lines().count() as u64, result.last);
}

fn an_unchanged_source_is_not_compiled_and_a_changed_line_is() {
    let backend = TestBackend::new();
    let upload = TestUpload::tiny(HELLO);
    backend.run(&upload);
    let again = backend.run(&upload);
    assert!(!again.text(Stream::Stderr).contains("Compiling"), "{}", again.text(Stream::Stderr));
    assert_eq!((again.result().cache.warm, again.result().cache.changed_files), (true, 0));
    assert_eq!((again.result().cache.fresh, again.result().cache.compiled), (1, 0));
    assert_eq!(again.run_program(), "hello\n");
    // Times in an archive don't count, only the content does.
    let changed = backend.run(&TestUpload::tiny("fn main() { println!(\"hallo\"); }\n"));
    assert_eq!(changed.result().cache.changed_files, 1);
    assert_eq!(changed.run_program(), "hallo\n");
    let back = backend.run(&upload);
    assert_eq!(back.run_program(), "hello\n");
}

fn a_file_that_a_build_script_generates_in_src_stays() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny("mod made; fn main() { println!(\"{}\", made::WORD); }\n");
    upload.file(
        "build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=word\"); let word = std::fs::read_to_string(\"word\").unwrap();\n\
         std::fs::write(\"src/made.rs\", format!(\"pub const WORD: &str = {word:?};\")).unwrap(); }\n",
    );
    // The upload contains an older state of the generated file.
    upload.file("src/made.rs", "pub const WORD: &str = \"stale\";").file("word", "one");
    assert_eq!(backend.run(&upload).run_program(), "one\n");
    let again = backend.run(&upload);
    assert_eq!(again.run_program(), "one\n");
    let again = backend.run(&upload);
    assert!(!again.text(Stream::Stderr).contains("Compiling"), "{}", again.text(Stream::Stderr));
    upload.file("word", "two");
    assert_eq!(backend.run(&upload).run_program(), "two\n");
}

fn planted_configuration_is_not_obeyed() {
    let backend = TestBackend::new();
    let evil = "[build]\nrustflags = [\"--cfg\", \"evil\"]\n";
    let work = backend.folder.path().join("work");
    for folder in [backend.folder.path().to_owned(), work.clone(), work.join("projects/me/tiny-00")] {
        fs::create_dir_all(folder.join(".cargo")).unwrap();
        fs::write(folder.join(".cargo/config.toml"), evil).unwrap();
        fs::write(folder.join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
        fs::write(folder.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.0.0\"\n").unwrap();
    }
    fs::write(work.join("cargo-home/config.toml"), evil).unwrap();
    let ran = backend.run(&TestUpload::tiny("fn main() { println!(\"{}\", cfg!(evil)); }\n"));
    assert_eq!(ran.result().outcome, Outcome::Succeeded, "{:?} {}", ran.result().message, ran.text(Stream::Stderr));
    assert_eq!(ran.run_program(), "false\n");
    // Only the project's own configuration is obeyed.
    let mut own = TestUpload::tiny("fn main() { println!(\"{}\", cfg!(evil)); }\n");
    own.file(".cargo/config.toml", evil);
    assert_eq!(backend.run(&own).run_program(), "true\n");
}

fn profile_and_features_come_back_with_the_program() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny("fn main() { println!(\"{}\", cfg!(feature = \"loud\")); }\n");
    upload.file(
        "Cargo.toml",
        "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[features]\nloud = []\n\n\
         [profile.dist]\ninherits = \"release\"\n",
    );
    upload.options.profile = Some("dist".to_owned());
    upload.options.features = vec!["loud".to_owned()];
    upload.options.no_default_features = true;
    let ran = backend.run(&upload);
    assert_eq!(ran.run_program(), "true\n");
    let settings = ran.artifact().0.settings.unwrap();
    assert_eq!((settings.profile.as_str(), settings.all_features, settings.no_default_features), ("dist", false, true));
    assert_eq!(settings.features.into_iter().collect::<Vec<_>>(), ["loud"]);
}

fn a_new_lock_file_comes_back() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny(HELLO);
    upload.files.remove("Cargo.lock");
    upload.details.lock_sha256 = None;
    let (manifest, _) = backend.run(&upload).artifact();
    let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["debug/tiny", "Cargo.lock"]);
}

fn two_builds_of_one_project_go_one_after_the_other() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny(HELLO);
    upload.file("build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_millis(600)); }\n");
    let other = TestUpload::tiny("fn main() { println!(\"other\"); }\n");
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| backend.run(&upload));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let second = scope.spawn(|| backend.run(&other));
        (first.join().unwrap(), second.join().unwrap())
    });
    assert_eq!((first.run_program().as_str(), second.run_program().as_str()), ("hello\n", "other\n"));
    assert!(second.statuses().contains(&Status::Waiting) && !first.statuses().contains(&Status::Waiting));
    assert!(second.result().times.waiting > 0);
}
