//! Programs of a few hundred bytes, each with one fault.

use super::*;
use crate::cargo::Linked;

/// What goes into an ELF file.
#[derive(Clone)]
struct Program {
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

/// What the NDK makes for a tablet.
fn tablet() -> Program {
    Program {
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

impl Program {
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

    /// What is found: how many refusals, and all texts.
    fn examined(&self, target: &str, api: u32, made: &StdoutSummary, device: Option<&str>) -> (usize, Vec<String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.bytes()).unwrap();
        let found = examine(file.path(), &Destination { target, android_api: api, device, made });
        let refusals = found.iter().filter(|finding| matches!(finding, Finding::Refusal(_))).count();
        let text = |finding| match finding {
            Finding::Refusal(text) | Finding::Warning(text) => text,
        };
        (refusals, found.into_iter().map(text).collect())
    }

    fn on(&self, target: &str) -> (usize, Vec<String>) {
        self.examined(target, 24, &StdoutSummary::default(), None)
    }
}

const TABLET: &str = "aarch64-linux-android";

#[test]
fn what_fits_is_not_spoken_of() {
    assert_eq!(tablet().on(TABLET), (0, vec![]));
    let phone = Program { machine: 40, bits: 32, loader: Some("/system/bin/linker"), align: 4096, ..tablet() };
    assert_eq!(phone.on("armv7-linux-androideabi"), (0, vec![]));
    let desktop = Program { machine: 62, loader: Some("/lib64/ld-linux-x86-64.so.2"), align: 4096, ..tablet() };
    assert_eq!(desktop.on("x86_64-unknown-linux-gnu"), (0, vec![]));
    let own = std::env::current_exe().unwrap();
    let destination = Destination {
        target: "x86_64-unknown-linux-gnu",
        android_api: 24,
        device: None,
        made: &StdoutSummary::default(),
    };
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        assert_eq!(examine(&own, &destination), []);
    }
}

#[test]
fn what_cannot_run_is_refused() {
    for (program, target, why) in [
        (Program { machine: 62, ..tablet() }, TABLET, "machine 62"),
        (Program { loader: Some("/lib/ld-linux-aarch64.so.1"), ..tablet() }, TABLET, "wasn't linked with the NDK"),
        (Program { loader: None, ..tablet() }, TABLET, "asks for no loader"),
        (Program { kind: 2, ..tablet() }, TABLET, "not position independent"),
        (Program { textrel: true, ..tablet() }, TABLET, "-fPIC"),
        (Program { tls: Some(8), ..tablet() }, TABLET, "less than 64 bytes"),
        (tablet(), "aarch64-unknown-linux-gnu", "/lib/ld-linux-aarch64.so.1"),
        (tablet(), "x86_64-linux-android", "machine 183"),
        (Program { kind: 1, ..tablet() }, TABLET, "can't be run"),
    ] {
        let (refusals, texts) = program.on(target);
        assert!(refusals == 1 && texts.len() == 1 && texts[0].contains(why), "{why}: {texts:?}");
    }
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "#!/bin/sh\n").unwrap();
    let destination = Destination { target: TABLET, android_api: 24, device: None, made: &StdoutSummary::default() };
    assert!(
        matches!(&examine(script.path(), &destination)[..], [Finding::Refusal(why)] if why.contains("no ELF file"))
    );
}

#[test]
fn what_may_not_run_is_said_with_what_to_do() {
    for (program, why) in [
        (Program { align: 4096, ..tablet() }, "16 KB"),
        (Program { loader: None, needed: vec![], ..tablet() }, "crt-static"),
        (Program { needed: vec!["libc.so", "libaaudio.so"], ..tablet() }, "from API level 26"),
        (Program { needed: vec!["libssl.so.3"], ..tablet() }, "vendored"),
        (Program { needed: vec!["libc++_shared.so"], ..tablet() }, "pkg install libc++"),
    ] {
        let (refusals, texts) = program.on(TABLET);
        assert!(refusals == 0 && texts.len() == 1 && texts[0].contains(why), "{why}: {texts:?}");
    }
    let audio = Program { needed: vec!["libaaudio.so"], ..tablet() };
    assert_eq!(audio.examined(TABLET, 26, &StdoutSummary::default(), None), (0, vec![]));
    let termux = Some("/data/data/com.termux/files/usr/lib");
    assert_eq!(Program { needed: vec!["libssl.so.3"], runpath: termux, ..tablet() }.on(TABLET), (0, vec![]));
}

#[test]
fn the_crate_behind_it_is_named() {
    let linked = |package: &str| Linked { package: package.to_owned(), library: "c++_shared".to_owned() };
    let made = StdoutSummary {
        linked: vec![linked("zed-sys"), linked("zed-sys")],
        platform_verifier: true,
        ..StdoutSummary::default()
    };
    let program = Program { needed: vec!["libc++_shared.so"], ..tablet() };
    let (_, texts) = program.examined(TABLET, 24, &made, None);
    assert!(texts[0].contains("(linked by `zed-sys`)"), "{texts:?}");
    assert!(texts[1].contains("rustls-platform-verifier"), "{texts:?}");
}

#[test]
fn someone_in_termux_is_told_that_linux_is_another_system() {
    let program = Program { machine: 183, loader: None, needed: vec![], ..tablet() };
    let target = "aarch64-unknown-linux-musl";
    assert_eq!(program.on(target), (0, vec![]));
    let (refusals, texts) = program.examined(target, 24, &StdoutSummary::default(), Some(TABLET));
    assert!(refusals == 0 && texts[0].contains("resolv.conf"), "{texts:?}");
}
