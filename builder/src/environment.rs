//! The environment of a build. It begins empty, and only known variables are added, so that none of the backend's own gets
//! in by accident.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::project::ProjectFolder;

/// The folders that contain programs on every Unix system.
const SYSTEM_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Variables of the backend that a build needs to use a proxy or a private certificate authority.
const NETWORK: [&str; 11] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
];

/// Variables of the backend that name the folders and servers of its tools.
const TOOLS: [&str; 9] = [
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "ANDROID_NDK_HOME",
    "ANDROID_NDK_ROOT",
    "ANDROID_NDK_PATH",
    "NDK_HOME",
    "RUSTUP_AUTO_INSTALL",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
];

/// Prefixes of cargo's network settings (doc.rust-lang.org/cargo, configuration). None of these variables is secret.
const CARGO_NETWORK: [&str; 2] = ["CARGO_HTTP_", "CARGO_NET_"];

/// Width of cargo's progress bar in columns: wide enough to list the crates that are being compiled.
const PROGRESS_WIDTH: &str = "160";

/// Environment variables with their values.
pub(crate) type Environment = BTreeMap<OsString, OsString>;

/// The variables that all builds on this machine share.
#[derive(Debug, Clone)]
pub(crate) struct BaseEnvironment(Environment);

impl BaseEnvironment {
    /// Takes the known ones of the backend's variables and adds the engine's. `cargo_folder` contains the cargo program,
    /// `work` is the engine's folder.
    pub fn new(
        backend: impl Iterator<Item = (OsString, OsString)>,
        cargo_folder: &Path,
        work: &Path,
        extra: &BTreeMap<String, OsString>,
    ) -> Self {
        let backend: BTreeMap<OsString, OsString> = backend.collect();
        let mut env = Environment::new();
        for (name, value) in &backend {
            let Some(text) = name.to_str() else { continue };
            let known = NETWORK.contains(&text) || TOOLS.contains(&text);
            if known || CARGO_NETWORK.iter().any(|prefix| text.starts_with(prefix)) {
                env.insert(name.clone(), value.clone());
            }
        }
        if let Some(rustup) = rustup_home(&backend) {
            env.insert("RUSTUP_HOME".into(), rustup.into());
        }
        env.insert("PATH".into(), path(cargo_folder, backend.get(OsStr::new("PATH"))));
        env.insert("LANG".into(), "C.UTF-8".into());
        env.insert("HOME".into(), work.into());
        env.insert("CARGO_HOME".into(), work.join("cargo-home").into());
        env.insert("CARGO_BUILD_RUSTC_WRAPPER".into(), "".into());
        // Nobody can type a password here, so git and ssh must fail at once.
        env.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
        env.insert("GIT_ASKPASS".into(), "".into());
        env.insert("GIT_SSH_COMMAND".into(), "ssh -o BatchMode=yes".into());
        env.insert("CARGO_TERM_PROGRESS_WHEN".into(), "always".into());
        env.insert("CARGO_TERM_PROGRESS_WIDTH".into(), PROGRESS_WIDTH.into());
        env.extend(extra.iter().map(|(name, value)| (name.into(), value.clone())));
        Self(env)
    }

    /// The environment of commands that belong to no build.
    pub fn variables(&self) -> &Environment {
        &self.0
    }

    /// The environment of one build. Requested variables are added first, so that they can't override the engine's.
    pub fn of_build(&self, project: &ProjectFolder, requested: &BTreeMap<String, String>) -> Environment {
        let allowed = |name: &&String| !protocol::is_builders_own(name);
        let asked = requested.iter().filter(|(name, _)| allowed(name));
        let mut env: Environment = asked.map(|(name, value)| (name.into(), value.into())).collect();
        env.extend(self.0.clone());
        env.insert("HOME".into(), project.home.clone().into());
        env.insert("TMPDIR".into(), project.tmp.clone().into());
        env.insert("CARGO_TARGET_DIR".into(), project.target.clone().into());
        env.insert("CARGO_BUILD_BUILD_DIR".into(), project.target.clone().into());
        // Cargo looks for configuration and workspaces in every folder above the project, and this variable makes it stop
        // at the project. (Cargo's own tests have relied on it in every release since 2015.)
        env.insert("__CARGO_TEST_ROOT".into(), project.folder.clone().into());
        env
    }
}

fn rustup_home(backend: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    let set = backend.get(OsStr::new("RUSTUP_HOME")).map(PathBuf::from);
    let usual = || Some(Path::new(backend.get(OsStr::new("HOME"))?).join(".rustup"));
    set.or_else(usual).filter(|folder| folder.is_dir())
}

/// The value of `PATH`: cargo's folder, the backend's absolute folders, and the system's.
fn path(cargo_folder: &Path, backend: Option<&OsString>) -> OsString {
    let mut folders = vec![cargo_folder.to_owned()];
    let theirs = backend.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    for folder in theirs.into_iter().chain(SYSTEM_PATH.map(PathBuf::from)) {
        if folder.is_absolute() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    std::env::join_paths(folders).unwrap_or_else(|_| SYSTEM_PATH.join(":").into())
}

/// Finds the program `name` in the folders that `PATH` lists in `env`.
pub(crate) fn find_program(env: &Environment, name: &str) -> Option<PathBuf> {
    let path = env.get(OsStr::new("PATH"))?;
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Whether a file exists and is executable.
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use protocol::Owner;

    use super::*;

    fn base() -> BaseEnvironment {
        let backend = [
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("CARGO_REGISTRY_TOKEN", "t"),
            ("HTTPS_PROXY", "p"),
            ("PATH", "rel:/opt/x:/bin"),
            ("CARGO_NET_GIT_FETCH_WITH_CLI", "true"),
            ("RUSTFLAGS", "-g"),
            ("RUSTC_WRAPPER", "sccache"),
        ];
        let backend = backend.into_iter().map(|(name, value)| (name.into(), value.into()));
        BaseEnvironment::new(backend, Path::new("/c/bin"), Path::new("/w"), &BTreeMap::new())
    }

    #[test]
    fn only_known_variables_come_from_the_backend() {
        let env = base();
        let names: Vec<&str> = env.variables().keys().filter_map(|name| name.to_str()).collect();
        assert!(names.contains(&"HTTPS_PROXY") && names.contains(&"CARGO_NET_GIT_FETCH_WITH_CLI"));
        for name in ["AWS_SECRET_ACCESS_KEY", "CARGO_REGISTRY_TOKEN", "RUSTFLAGS", "RUSTC_WRAPPER"] {
            assert!(!names.contains(&name), "{name}");
        }
        let path = env.variables()[OsStr::new("PATH")].to_str().unwrap();
        assert_eq!(path, "/c/bin:/opt/x:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin");
    }

    #[test]
    fn a_request_overrides_no_variable_of_the_engine() {
        let project = ProjectFolder::new(Path::new("/w"), &Owner::default(), &"k-1".parse().unwrap());
        let wanted = [
            ("PATH", "/evil"),
            ("CARGO_TARGET_DIR", "/evil"),
            ("RUSTC_WRAPPER", "evil"),
            ("LANG", "evil"),
            ("GITHUB_TOKEN", "t"),
            ("RUSTFLAGS", "-C debuginfo=1"),
        ];
        let wanted = wanted.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let env = base().of_build(&project, &wanted);
        let got = |name: &str| env.get(OsStr::new(name)).and_then(|value| value.to_str());
        assert_eq!(got("CARGO_TARGET_DIR"), Some("/w/projects/me/k-1/target"));
        assert_eq!(got("RUSTFLAGS"), Some("-C debuginfo=1"));
        assert_eq!((got("RUSTC_WRAPPER"), got("GITHUB_TOKEN")), (None, Some("t")));
        assert!(!env.values().any(|value| value.to_str().is_some_and(|v| v.contains("evil"))));
    }
}
