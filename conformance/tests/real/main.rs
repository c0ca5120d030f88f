//! Programs of the registry, installed the whole way and each used for one real thing: `make test-real`. This needs the
//! network, half an hour, and what their build scripts call (CMake, libclang, perl), so it is no part of `make test`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use conformance::{ScenarioBackend, ScenarioClient, ScenarioOptions};

/// A program to install, and a use that shows that it works.
struct RealProgram {
    /// The arguments of `cargo cloud install`.
    install: &'static [&'static str],
    /// Shell commands that use the program in an empty folder.
    used: &'static str,
    /// The last line that they print.
    prints: &'static str,
}

const PROGRAMS: [RealProgram; 11] = [
    RealProgram {
        install: &["just"],
        used: "printf 'greet:\\n\\t@echo hello from just\\n' >justfile; just greet",
        prints: "hello from just",
    },
    // With PCRE2, compiled from C.
    RealProgram {
        install: &["ripgrep", "--features", "pcre2"],
        used: "printf 'one\\ntwo two\\n' >t; PCRE2_SYS_STATIC=1 rg --pcre2 --only-matching '(t\\w+)(?= \\1)' t",
        prints: "two",
    },
    RealProgram {
        install: &["hexyl"],
        used: "printf abc >t; hexyl --plain t | grep -o '61 62 63'",
        prints: "61 62 63",
    },
    RealProgram { install: &["sd"], used: "printf 'a b' >t; sd b c t; cat t", prints: "a c" },
    RealProgram {
        install: &["tokei"],
        used: "printf 'fn main() {}\\n' >a.rs; tokei --output json a.rs | grep -o '\"code\":1' | head -n 1",
        prints: "\"code\":1",
    },
    RealProgram {
        install: &["hyperfine@1.20.0"],
        used: "hyperfine --runs 2 --shell none --export-json t.json true >/dev/null 2>&1; grep -c exit_codes t.json",
        prints: "1",
    },
    // zstd, bzip2, xz and unrar in C and C++, bzip3 by bindgen.
    RealProgram {
        install: &["ouch"],
        used: "printf payload >t; ouch --quiet compress t t.tar.zst; rm t; ouch --quiet decompress t.tar.zst; cat t*/t t 2>/dev/null",
        prints: "payload",
    },
    // TLS, and assembly in it; asked for a file over plain HTTP, from a server that answers once.
    RealProgram {
        install: &["xh", "--locked"],
        used: "printf fetched >t; python3 -c 'import http.server as h
s = h.HTTPServer((\"127.0.0.1\", 0), h.SimpleHTTPRequestHandler)
s.timeout = 60
open(\"port\", \"w\").write(str(s.server_port))
s.handle_request()' 2>/dev/null & for n in $(seq 100); do [ -s port ] && break; sleep 0.1; done
xh --body get http://127.0.0.1:$(cat port)/t",
        prints: "fetched",
    },
    // A crate with several programs.
    RealProgram {
        install: &["rage"],
        used: "rage-keygen -o k 2>/dev/null; echo secret | rage -e -i k -o t; rage -d -i k t",
        prints: "secret",
    },
    // 300 crates, OpenSSL and libgit2 from source. It needs a terminal, where it shows the new file.
    RealProgram {
        install: &["gitui", "--locked"],
        used: "git init --quiet p; cd p; touch brandnew.txt; \
            (sleep 4; printf q) | TERM=xterm timeout 30 script -qec 'stty rows 40 cols 120; gitui' /dev/null | grep -ao brandnew.txt | head -n 1",
        prints: "brandnew.txt",
    },
    // A member of a workspace, from its folder.
    RealProgram {
        install: &["--path", concat!(env!("CARGO_MANIFEST_DIR"), "/../cli")],
        used: "mkdir src; printf '[package]\nname = \"p\"\n' >Cargo.toml; touch src/lib.rs; cargo-cloud package --list | grep -c '[.]rs'",
        prints: "1",
    },
];

#[test]
fn real_programs_are_installed_and_work() {
    let backend = ScenarioBackend::embedded(ScenarioOptions::default());
    let client = ScenarioClient::of(&backend).patient(Duration::from_secs(3600));
    let bin = client.home().join(".cargo/bin");
    let mut failed = Vec::new();
    for program in &PROGRAMS {
        let name = program.install.join(" ");
        let began = Instant::now();
        let arguments: Vec<&str> = ["install"].iter().chain(program.install).copied().collect();
        let run = client.run(client.home(), &arguments);
        let took = began.elapsed().as_secs_f64();
        if run.code != Some(0) {
            println!("{name}: not installed\n{}", run.stderr);
            failed.push(name);
            continue;
        }
        let crates = run.compiled().len();
        let brought = run
            .stderr
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Downloaded "))
            .next_back()
            .unwrap_or_default();
        let said = used(&bin, program.used);
        println!("{name}: {took:.1} s, {crates} crates, {brought} brought back, prints `{said}`");
        if said != program.prints {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

fn used(bin: &Path, script: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("home")).expect("a home");
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", folder.path().join("home"))
        .output()
        .expect("sh starts");
    String::from_utf8_lossy(&output.stdout).lines().next_back().unwrap_or_default().to_owned()
}
