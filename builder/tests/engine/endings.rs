//! Builds that fail, are cancelled, refused, paused or killed.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use cargo_cloud_builder::Ending;
use protocol::{Outcome, Stream};

use crate::support::{TestAttempt, TestBackend, TestUpload, own_seconds, processes_with};

pub const TESTS: &[(&str, fn())] = &[
    ("an_error_is_printed_as_cargo_prints_it", an_error_is_printed_as_cargo_prints_it),
    ("the_output_is_what_cargo_prints_on_a_pipe", the_output_is_what_cargo_prints_on_a_pipe),
    ("a_cancelled_build_leaves_no_process", a_cancelled_build_leaves_no_process),
    ("a_paused_build_continues_in_the_next_attempt", a_paused_build_continues_in_the_next_attempt),
    ("a_process_in_a_session_of_its_own_is_ended", a_process_in_a_session_of_its_own_is_ended),
    (
        "a_request_that_cannot_be_built_is_refused_with_a_reason",
        a_request_that_cannot_be_built_is_refused_with_a_reason,
    ),
    (
        "after_a_killed_compiler_cargo_runs_again_with_fewer_jobs",
        after_a_killed_compiler_cargo_runs_again_with_fewer_jobs,
    ),
    ("unreadable_metadata_is_reported", unreadable_metadata_is_reported),
];

fn an_error_is_printed_as_cargo_prints_it() {
    let backend = TestBackend::new();
    let ran = backend.run(&TestUpload::tiny("fn main() { x }\n"));
    assert_eq!((ran.result().outcome, ran.result().exit_code), (Outcome::Failed, Some(101)));
    let stderr = ran.text(Stream::Stderr);
    assert!(stderr.contains("error[E0425]: cannot find value `x` in this scope\n --> src/main.rs:1:13\n"), "{stderr}");
    assert!(!stderr.contains("Building"), "{stderr}");
}

fn the_output_is_what_cargo_prints_on_a_pipe() {
    for (color, short) in [(true, false), (false, false), (true, true)] {
        let backend = TestBackend::new();
        let mut upload = TestUpload::tiny("fn main() { let x = 1; println!(\"a\\u{e9}\"); }\nfn unused() {}\n");
        upload.file("build.rs", "fn main() { println!(\"cargo::warning=a warning of the build script\"); }\n");
        upload.options.color = color;
        upload.options.message_format = if short { vec!["short".to_owned()] } else { Vec::new() };
        let ran = backend.run(&upload);
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for (path, (_, content)) in &upload.files {
            let path = home.join("project").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let output = std::process::Command::new("cargo")
            .args(["build", if color { "--color=always" } else { "--color=never" }])
            .args(short.then_some("--message-format=short"))
            .env("CARGO_TARGET_DIR", home.join("target"))
            .env("CARGO_HOME", home.join("cargo"))
            .current_dir(home.join("project"))
            .output()
            .unwrap();
        let expected = String::from_utf8(output.stderr).unwrap();
        let expected = expected.replace(home.join("project").to_str().unwrap(), backend.source().to_str().unwrap());
        let timeless = |text: &str| text.split(" in ").next().unwrap().to_owned();
        assert_eq!(timeless(&ran.text(Stream::Stderr)), timeless(&expected));
        assert!(expected.contains(" in "), "{expected}");
    }
}

/// A crate whose build script sleeps for a time that no other process on this machine sleeps for.
pub fn sleeper(seconds: &str) -> TestUpload {
    let mut upload = TestUpload::tiny("fn main() {}\n");
    let script = "fn main() { std::process::Command::new(\"setsid\").args([\"sleep\", \"SECONDS\"]).spawn().unwrap();\n\
                  std::process::Command::new(\"sleep\").arg(\"SECONDS\").status().unwrap(); }\n";
    upload.file("build.rs", &script.replace("SECONDS", seconds));
    upload
}

fn a_cancelled_build_leaves_no_process() {
    let backend = TestBackend::new();
    let (seconds, cancel) = (own_seconds(1), backend.cancel_after(Duration::from_secs(4)));
    let ran = backend.attempt(&sleeper(&seconds), TestAttempt { cancel, ..TestAttempt::default() });
    assert_eq!(ran.result().outcome, Outcome::Cancelled);
    assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
    assert_eq!(processes_with(&seconds), [""; 0]);
}

fn a_paused_build_continues_in_the_next_attempt() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny("fn main() { println!(\"slow\"); }\n");
    upload.file(
        "build.rs",
        "fn main() { std::thread::sleep(std::time::Duration::from_millis(SLEEP)); }\n"
            .replace("SLEEP", "4000")
            .as_str(),
    );
    let mut next = TestAttempt::default();
    let last = loop {
        let limit = Duration::from_secs(if next.number == 1 { 4 } else { 60 });
        let ran = backend.attempt(&upload, TestAttempt { limit: Some(limit), ..next.clone() });
        match ran.ending {
            Ending::Paused { next_seq, history, ref working_on, .. } => {
                assert!(ran.took < limit, "{:?}", ran.took);
                assert!(working_on.contains("tiny"), "{working_on}");
                next = TestAttempt { number: next.number + 1, first_seq: next_seq, history, ..next };
            }
            _ => break ran,
        }
        assert!(next.number < 5);
    };
    assert!(next.number > 1);
    assert_eq!((last.result().outcome, last.result().attempts), (Outcome::Succeeded, next.number));
    assert!(!last.result().cache.warm && last.result().times.compiling > 3000);
    assert_eq!(last.run_program(), "slow\n");
}

fn a_process_in_a_session_of_its_own_is_ended() {
    let backend = TestBackend::new();
    let seconds = own_seconds(2);
    let mut upload = TestUpload::tiny("fn main() {}\n");
    let script = "fn main() { std::process::Command::new(\"setsid\").args([\"-f\", \"sleep\", \"SECONDS\"])\n\
                  .stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap(); }\n";
    upload.file("build.rs", &script.replace("SECONDS", &seconds));
    let ran = backend.run(&upload);
    assert_eq!(ran.result().outcome, Outcome::Succeeded, "{}", ran.text(Stream::Stderr));
    assert_eq!(processes_with(&seconds), [""; 0]);
}

fn unreadable_metadata_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("cargo-of-tomorrow");
    std::fs::write(&script, "#!/bin/sh\nif [ \"$1\" = metadata ]; then echo '{}'; exit; fi\nexec cargo \"$@\"\n")
        .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let backend = TestBackend::with(|config| config.cargo = Some(script));
    let ran = backend.run(&TestUpload::tiny("fn main() {}\n"));
    let stderr = ran.text(Stream::Stderr);
    assert_eq!(ran.result().outcome, Outcome::Succeeded, "{stderr}");
    assert!(
        stderr.contains("can't read the output of `cargo metadata`") && stderr.contains("missing field"),
        "{stderr}"
    );
    assert!(ran.result().artifact.is_none());
}

fn a_request_that_cannot_be_built_is_refused_with_a_reason() {
    let backend = TestBackend::new();
    let mut upload = TestUpload::tiny("fn main() {}\n");
    upload.options.target = vec!["z80-unknown-none".to_owned()];
    let ran = backend.run(&upload);
    assert_eq!(ran.result().outcome, Outcome::Refused);
    assert!(ran.result().message.as_deref().unwrap().contains("`z80-unknown-none`"));
    let mut upload = TestUpload::tiny("fn main() {}\n");
    upload.details.toolchain = Some("no-such-toolchain".to_owned());
    let ran = backend.run(&upload);
    assert_eq!(ran.result().outcome, Outcome::Refused);
    assert!(ran.result().message.as_deref().unwrap().contains("no-such-toolchain"), "{:?}", ran.result().message);
    let mut upload = TestUpload::tiny("fn main() {}\n");
    upload.files.remove("Cargo.toml");
    assert_eq!(backend.run(&upload).result().outcome, Outcome::Refused);
}

/// A crate whose build script kills itself `deaths` times, and prints the number of jobs each time.
fn killed(deaths: usize) -> TestUpload {
    let mut upload = TestUpload::tiny("fn main() {}\n");
    let script = r#"fn main() {
        let mark = std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).join("deaths");
        let died = std::fs::read(&mark).unwrap_or_default().len();
        println!("cargo::warning=jobs: {}", std::env::var("NUM_JOBS").unwrap());
        if died < DEATHS {
            std::fs::write(&mark, vec![b'x'; died + 1]).unwrap();
            let me = std::process::id().to_string();
            std::process::Command::new("kill").args(["-KILL", &me]).status().unwrap();
            std::thread::sleep(std::time::Duration::from_secs(9));
        }
    }
    "#;
    upload.file("build.rs", &script.replace("DEATHS", &deaths.to_string()));
    upload.options.jobs = Some("4".to_owned());
    upload
}

fn after_a_killed_compiler_cargo_runs_again_with_fewer_jobs() {
    let backend = TestBackend::new();
    let ran = backend.run(&killed(1));
    let stderr = ran.text(Stream::Stderr);
    assert_eq!((ran.result().outcome, ran.result().exit_code), (Outcome::Succeeded, Some(0)), "{stderr}");
    let (first, second) = stderr.split_once("warning: a process of the build was killed").expect(&stderr);
    assert!(first.contains("SIGKILL") && second.contains("`-j 2` instead of `-j 4`"), "{stderr}");
    assert!(second.contains("jobs: 2"), "{stderr}");
    let cache = &ran.result().cache;
    // The first run compiled the build script, the second the program; neither counts twice.
    assert_eq!((cache.compiled, cache.fresh), (2, 0));

    let backend = TestBackend::new();
    let ran = backend.run(&killed(2));
    assert_eq!(ran.result().outcome, Outcome::Crashed);
    assert_eq!(ran.text(Stream::Stderr).matches("trying once more").count(), 1);
    assert!(ran.result().message.as_ref().is_some_and(|said| said.contains("memory")));
}
