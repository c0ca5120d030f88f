//! Malicious code in a build, and a malicious backend.

use std::time::Duration;

use conformance::{Cut, Proxy, ScenarioBackend, ScenarioClient, ScenarioOptions, ScenarioProject, program};

#[test]
fn configuration_that_a_build_writes_above_the_project_has_no_effect() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let planter = ScenarioProject::hello("planter", "x").file(
        "build.rs",
        "use std::fs;\nfn main() {\n    let here = std::env::current_dir().unwrap();\n    for folder in here.ancestors().skip(1).take(4) {\n        \
         let _ = fs::create_dir_all(folder.join(\".cargo\"));\n        \
         let _ = fs::write(folder.join(\".cargo/config.toml\"), \"[build]\\nrustc-wrapper = \\\"/bin/false\\\"\\n\");\n        \
         let _ = fs::write(folder.join(\"Cargo.toml\"), \"[workspace]\\nmembers = []\\n\");\n        \
         let _ = fs::write(folder.join(\"rust-toolchain\"), \"planted\");\n    }\n    \
         let home = std::env::var(\"CARGO_HOME\").unwrap();\n    \
         let _ = fs::write(format!(\"{home}/config.toml\"), \"[build]\\nrustc-wrapper = \\\"/bin/false\\\"\\n\");\n}\n",
    );
    client.run(planter.root(), &["build"]).succeeded();
    client.run(planter.root(), &["build"]).succeeded();
    client.run(ScenarioProject::hello("victim", "unharmed").root(), &["build"]).succeeded();
    assert_eq!(client.output_of("victim"), "unharmed\n");
}

#[test]
fn a_forged_artifact_message_installs_nothing() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    // A procedural macro runs inside rustc, whose standard output cargo passes on.
    let project = ScenarioProject::new()
        .file("Cargo.toml", program("honest") + "[dependencies]\nforger = { path = \"forger\" }\n")
        .file("src/main.rs", "forger::forge!();\nfn main() { println!(\"honest\"); }\n")
        .file("forger/Cargo.toml", program("forger") + "[lib]\nproc-macro = true\n")
        .file(
            "forger/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro]\npub fn forge(_: TokenStream) -> TokenStream {\n    \
             for (name, path) in [(\"passwd\", \"/etc/passwd\"), (\"shell\", \"/bin/sh\"), (\"honest\", \"/bin/sh\")] {\n        \
             println!(\"{{\\\"reason\\\":\\\"compiler-artifact\\\",\\\"package_id\\\":\\\"path+file:///x#honest@0.1.0\\\",\\\"manifest_path\\\":\\\"/x/Cargo.toml\\\",\\\"target\\\":{{\\\"kind\\\":[\\\"bin\\\"],\\\"crate_types\\\":[\\\"bin\\\"],\\\"name\\\":\\\"{name}\\\",\\\"src_path\\\":\\\"/x/src/main.rs\\\",\\\"edition\\\":\\\"2024\\\",\\\"doc\\\":true,\\\"doctest\\\":false,\\\"test\\\":true}},\\\"profile\\\":{{\\\"opt_level\\\":\\\"0\\\",\\\"debuginfo\\\":2,\\\"debug_assertions\\\":true,\\\"overflow_checks\\\":true,\\\"test\\\":false}},\\\"features\\\":[],\\\"filenames\\\":[\\\"{path}\\\"],\\\"executable\\\":\\\"{path}\\\",\\\"fresh\\\":false}}\");\n    }\n    \
             TokenStream::new()\n}\n",
        );
    let run = client.run(project.root(), &["build"]).succeeded();
    run.left_nothing_else(&client.home().join(".cargo/bin"), &["honest"]);
    assert_eq!(client.output_of("honest"), "honest\n");
}

#[test]
fn the_build_sees_no_secret_of_the_backend() {
    let backend = ScenarioBackend::with(ScenarioOptions {
        env: vec![("BACKEND_SECRET".to_owned(), "open-sesame".to_owned())],
        ..ScenarioOptions::default()
    });
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("spy", "x").file(
        "build.rs",
        "use std::fs;\nfn main() {\n    for (name, value) in std::env::vars() { assert!(!value.contains(\"open-sesame\"), \"{name}\"); }\n    \
         let mut pid = std::os::unix::process::parent_id();\n    while pid > 1 {\n        \
         if let Ok(environ) = fs::read(format!(\"/proc/{pid}/environ\")) { assert!(!String::from_utf8_lossy(&environ).contains(\"open-sesame\"), \"{pid}\"); }\n        \
         let Ok(stat) = fs::read_to_string(format!(\"/proc/{pid}/stat\")) else { break };\n        \
         pid = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap();\n    }\n}\n",
    );
    // Root can read every file, so then only the environment shows the kernel's refusal.
    if rustix::process::geteuid().is_root() {
        let script = project.read("build.rs").replace("while pid > 1", "while pid > 1 && false");
        project.write("build.rs", script);
    }
    client.run(project.root(), &["build"]).succeeded();
}

#[test]
fn excessive_output_is_skipped_in_the_stream_and_complete_in_the_log() {
    let backend = ScenarioBackend::start();
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("chatterbox", "x").file(
        "build.rs",
        "fn main() {\n    let line = \"x\".repeat(1000);\n    for n in 0..9000 { println!(\"cargo::warning=line {n:04} {line}\"); }\n}\n",
    );
    let run = client.run(project.root(), &["build"]).succeeded();
    let numbers: Vec<&str> =
        run.stderr.lines().filter_map(|l| l.split_once("line ")).map(|(_, rest)| &rest[..4]).collect();
    assert_eq!(numbers.len(), 9000);
    assert!(numbers.is_sorted(), "in order");
}

fn with_proxy(backend: &ScenarioBackend, cut: Cut) -> (Proxy, ScenarioClient) {
    let proxy = Proxy::before(backend.port(), cut);
    let (from, to) = (format!(":{}", backend.port()), format!(":{}", proxy.port()));
    let client = ScenarioClient::configured(backend.config_with("hostile", &[(&from, &to)]));
    (proxy, client)
}

#[test]
fn a_hostile_backend_installs_nothing() {
    let backend = ScenarioBackend::start();
    for (cut, says) in [
        (
            Cut::Forged {
                request: "artifact.zip",
                head: "HTTP/1.1 200 OK\r\n\r\n",
                body: &[0x50; 65536],
                endless: true,
            },
            "artifact",
        ),
        (
            Cut::Forged {
                request: "artifact.zip",
                head: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                body: b"something",
                endless: false,
            },
            "artifact",
        ),
        (
            Cut::Forged {
                request: "artifact.zip",
                head: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                body: b"",
                endless: false,
            },
            "artifact",
        ),
        (
            Cut::Forged {
                request: "result.json",
                head: "HTTP/1.1 200 OK\r\n\r\n",
                body: &[b'{'; 65536],
                endless: true,
            },
            "",
        ),
    ] {
        let (proxy, client) = with_proxy(&backend, cut);
        let run = client.run(ScenarioProject::hello("prey", "x").root(), &["build"]);
        assert!(run.time < Duration::from_secs(60), "{cut:?}: {:?}", run.time);
        if says.is_empty() {
            // The socket sends the true events, whatever the bucket contains.
            run.succeeded();
        } else {
            assert!(proxy.cuts() > 0);
            assert_eq!(run.code, Some(101), "{}", run.stderr);
            run.says(&[says]).left_nothing_else(&client.home().join(".cargo/bin"), &[]);
        }
    }
}

#[test]
fn forged_events_on_the_socket_install_nothing() {
    let backend = ScenarioBackend::start();
    const TEXTS: &[&str] = &[
        "no JSON",
        "{\"v\":1,\"events\":7}",
        "{\"v\":1,\"events\":[{\"v\":1,\"build\":\"01923456-789a-7fff-bfff-ffffffffffff\",\"seq\":1,\"at\":0,\"kind\":\"output\",\"stream\":\"stderr\",\"text\":\"FOREIGN\\n\"}]}",
        "{\"v\":1,\"events\":[{\"v\":1,\"build\":\"01923456-789a-7fff-bfff-ffffffffffff\",\"at\":0,\"kind\":\"finished\",\"version\":1,\"id\":\"01923456-789a-7fff-bfff-ffffffffffff\",\"outcome\":\"succeeded\",\"last\":0,\"complete\":true}]}",
    ];
    let (proxy, client) = with_proxy(&backend, Cut::ForgedSocket(TEXTS));
    client.run(ScenarioProject::hello("steady", "steady").root(), &["build"]).succeeded().never_says("FOREIGN");
    assert!(proxy.cuts() > 0);
    assert_eq!(client.output_of("steady"), "steady\n");
}

#[test]
#[cfg_attr(not(can_mount), ignore = "mounting a small file system needs root")]
fn a_full_disk_is_reported_and_the_backend_goes_on() {
    let backend = ScenarioBackend::with(ScenarioOptions { disk: Some(24 << 20), ..ScenarioOptions::default() });
    let client = ScenarioClient::of(&backend);
    let project = ScenarioProject::hello("greedy", "x").file(
        "build.rs",
        "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(format!(\"{out}/x\"), vec![1u8; 64 << 20]).unwrap(); }\n",
    );
    let run = client.run(project.root(), &["build"]);
    assert_eq!(run.code, Some(101), "{}", run.stderr);
    run.says(&["No space left on device"]);
    // The space is free again or can be freed: the next build succeeds or reports the full disk.
    project.write("build.rs", "fn main() {}\n");
    client.run(project.root(), &["build"]).succeeded();
}
