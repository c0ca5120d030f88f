//! Checks programs of a few hundred bytes, each with one fault.

use super::*;
use crate::cargo::LinkedLibrary;

/// The properties of an ELF file to generate.
#[derive(Clone)]
struct TestProgram {
    machine: u16,
    bits: u8,
    kind: u16,
    loader: Option<&'static str>,
    needed: Vec<&'static str>,
    runpath: Option<&'static str>,
    align: u64,
    tls: Option<u64>,
    textrel: bool,
}

/// A program as the NDK makes it for a tablet.
fn tablet() -> TestProgram {
    TestProgram {
        machine: 183,
        bits: 64,
        kind: 3,
        loader: Some("/system/bin/linker64"),
        needed: vec!["libc.so", "libdl.so"],
        runpath: None,
        align: 16384,
        tls: None,
        textrel: false,
    }
}

impl TestProgram {
    fn bytes(&self) -> Vec<u8> {
        let wide = self.bits == 64;
        let word = |n: u64| if wide { n.to_le_bytes().to_vec() } else { (n as u32).to_le_bytes().to_vec() };
        let (head, entry) = if wide { (64u64, 56u64) } else { (52, 32) };
        let mut names = vec![0u8];
        let mut name = |text: &str| {
            let at = names.len() as u64;
            names.extend(text.as_bytes());
            names.push(0);
            at
        };
        let mut dynamic: Vec<(u64, u64)> = self.needed.iter().map(|library| (1, name(library))).collect();
        dynamic.extend(self.runpath.map(|path| (29, name(path))));
        if self.textrel {
            dynamic.push((22, 0));
        }
        let segments = 2 + u64::from(self.loader.is_some()) + u64::from(self.tls.is_some());
        let loader_at = head + segments * entry;
        let loader: Vec<u8> = self.loader.map(|text| [text.as_bytes(), b"\0"].concat()).unwrap_or_default();
        let names_at = loader_at + loader.len() as u64;
        let dynamic_at = names_at + names.len() as u64;
        dynamic.extend([(5, 0x10000 + names_at), (10, names.len() as u64), (0, 0)]);
        let dynamic: Vec<u8> = dynamic.iter().flat_map(|(tag, value)| [word(*tag), word(*value)].concat()).collect();
        let end = dynamic_at + dynamic.len() as u64;

        let mut file = vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend([word(0), word(head), word(0), 0u32.to_le_bytes().to_vec()].concat());
        file.extend([head as u16, entry as u16, segments as u16, 0, 0, 0].iter().flat_map(|n| n.to_le_bytes()));
        let mut segment = |kind: u32, at: u64, size: u64, align: u64| {
            let flags = 4u32.to_le_bytes().to_vec();
            file.extend(kind.to_le_bytes());
            if wide {
                file.extend(&flags);
            }
            let address = 0x10000 + at;
            file.extend([word(at), word(address), word(address), word(size), word(size)].concat());
            if !wide {
                file.extend(&flags);
            }
            file.extend(word(align));
        };
        segment(1, 0, end, self.align);
        segment(2, dynamic_at, end - dynamic_at, 8);
        if self.loader.is_some() {
            segment(3, loader_at, loader.len() as u64, 1);
        }
        if let Some(align) = self.tls {
            segment(7, 0, 8, align);
        }
        [file, loader, names, dynamic].concat()
    }

    /// The number of refusals among the issues, and the texts of all issues.
    fn check(&self, target: &str, api: u32, build: &StdoutSummary, device: Option<&str>) -> (usize, Vec<String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.bytes()).unwrap();
        let issues = check_program(file.path(), &ProgramContext { target, android_api: api, device, build });
        let refusals = issues.iter().filter(|issue| matches!(issue, ProgramIssue::Refusal(_))).count();
        let text = |issue| match issue {
            ProgramIssue::Refusal(text) | ProgramIssue::Warning(text) => text,
        };
        (refusals, issues.into_iter().map(text).collect())
    }

    fn on(&self, target: &str) -> (usize, Vec<String>) {
        self.check(target, 24, &StdoutSummary::default(), None)
    }
}

const TABLET: &str = "aarch64-linux-android";

#[test]
fn a_program_that_fits_has_no_issues() {
    assert_eq!(tablet().on(TABLET), (0, vec![]));
    let phone = TestProgram { machine: 40, bits: 32, loader: Some("/system/bin/linker"), align: 4096, ..tablet() };
    assert_eq!(phone.on("armv7-linux-androideabi"), (0, vec![]));
    let desktop = TestProgram { machine: 62, loader: Some("/lib64/ld-linux-x86-64.so.2"), align: 4096, ..tablet() };
    assert_eq!(desktop.on("x86_64-unknown-linux-gnu"), (0, vec![]));
    let own = std::env::current_exe().unwrap();
    let context = ProgramContext {
        target: "x86_64-unknown-linux-gnu",
        android_api: 24,
        device: None,
        build: &StdoutSummary::default(),
    };
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        assert_eq!(check_program(&own, &context), []);
    }
}

#[test]
fn a_program_that_cannot_run_is_refused() {
    for (program, target, why) in [
        (TestProgram { machine: 62, ..tablet() }, TABLET, "machine 62"),
        (TestProgram { loader: Some("/lib/ld-linux-aarch64.so.1"), ..tablet() }, TABLET, "wasn't linked with the NDK"),
        (TestProgram { loader: None, ..tablet() }, TABLET, "asks for no loader"),
        (TestProgram { kind: 2, ..tablet() }, TABLET, "not position independent"),
        (TestProgram { textrel: true, ..tablet() }, TABLET, "-fPIC"),
        (TestProgram { tls: Some(8), ..tablet() }, TABLET, "less than 64 bytes"),
        (tablet(), "aarch64-unknown-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
        (tablet(), "x86_64-linux-android", "machine 183"),
        (TestProgram { kind: 1, ..tablet() }, TABLET, "can't be run"),
    ] {
        let (refusals, texts) = program.on(target);
        assert!(refusals == 1 && texts.len() == 1 && texts[0].contains(why), "{why}: {texts:?}");
    }
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "#!/bin/sh\n").unwrap();
    let context = ProgramContext { target: TABLET, android_api: 24, device: None, build: &StdoutSummary::default() };
    assert!(
        matches!(&check_program(script.path(), &context)[..], [ProgramIssue::Refusal(why)] if why.contains("not an ELF file"))
    );
}

#[test]
fn a_program_that_may_not_run_gets_advice() {
    for (program, why) in [
        (TestProgram { align: 4096, ..tablet() }, "16 KB"),
        (TestProgram { loader: None, needed: vec![], ..tablet() }, "crt-static"),
        (TestProgram { needed: vec!["libc.so", "libaaudio.so"], ..tablet() }, "from API level 26"),
        (TestProgram { needed: vec!["libssl.so.3"], ..tablet() }, "vendored"),
        (TestProgram { needed: vec!["libc++_shared.so"], ..tablet() }, "pkg install libc++"),
    ] {
        let (refusals, texts) = program.on(TABLET);
        assert!(refusals == 0 && texts.len() == 1 && texts[0].contains(why), "{why}: {texts:?}");
    }
    let audio = TestProgram { needed: vec!["libaaudio.so"], ..tablet() };
    assert_eq!(audio.check(TABLET, 26, &StdoutSummary::default(), None), (0, vec![]));
    let termux = Some("/data/data/com.termux/files/usr/lib");
    assert_eq!(TestProgram { needed: vec!["libssl.so.3"], runpath: termux, ..tablet() }.on(TABLET), (0, vec![]));
}

#[test]
fn the_crate_that_links_a_library_is_named() {
    let linked = |package: &str| LinkedLibrary { package: package.to_owned(), library: "c++_shared".to_owned() };
    let build = StdoutSummary {
        linked: vec![linked("zed-sys"), linked("zed-sys")],
        platform_verifier: true,
        ..StdoutSummary::default()
    };
    let program = TestProgram { needed: vec!["libc++_shared.so"], ..tablet() };
    let (_, texts) = program.check(TABLET, 24, &build, None);
    assert!(texts[0].contains("(linked by `zed-sys`)"), "{texts:?}");
    assert!(texts[1].contains("rustls-platform-verifier"), "{texts:?}");
}

#[test]
fn in_termux_a_program_for_linux_gets_a_warning() {
    let program = TestProgram { machine: 183, loader: None, needed: vec![], ..tablet() };
    let target = "aarch64-unknown-linux-musl";
    assert_eq!(program.on(target), (0, vec![]));
    let (refusals, texts) = program.check(target, 24, &StdoutSummary::default(), Some(TABLET));
    assert!(refusals == 0 && texts[0].contains("resolv.conf"), "{texts:?}");
}
