//! Cargo's messages on standard output (doc.rust-lang.org/cargo, external tools, JSON messages): the parts the engine
//! acts on.

use serde::Deserialize;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "reason")]
pub(crate) enum Message {
    /// A unit was compiled, or found fresh.
    #[serde(rename = "compiler-artifact")]
    Artifact(Box<ArtifactMessage>),
    /// A diagnostic.
    #[serde(rename = "compiler-message")]
    Diagnostic {},
    /// A build script ran, or was found fresh.
    #[serde(rename = "build-script-executed")]
    BuildScript(Box<BuildScriptMessage>),
    /// The end of the build; what cargo runs prints after it.
    #[serde(rename = "build-finished")]
    Finished {
        /// Whether it succeeded.
        #[serde(default)]
        success: bool,
    },
    /// How long a unit took (`-Z`).
    #[serde(rename = "timing-info")]
    Timing {},
}

/// What a build script asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BuildScriptMessage {
    /// The package's id.
    #[serde(default)]
    pub package_id: String,
    /// Libraries, each as `[KIND[:MODIFIERS]=]NAME[:RENAME]`.
    #[serde(default)]
    pub linked_libs: Vec<String>,
}

impl BuildScriptMessage {
    /// The package's name (doc.rust-lang.org/cargo, package id specifications).
    pub fn package(&self) -> &str {
        let (url, fragment) = self.package_id.rsplit_once('#').unwrap_or(("", &self.package_id));
        match fragment.split_once('@') {
            Some((name, _)) => name,
            // A folder of the package's own name leaves it away.
            None => url.rsplit('/').next().unwrap_or(fragment),
        }
    }

    /// The names of its libraries.
    pub fn libraries(&self) -> impl Iterator<Item = &str> {
        self.linked_libs.iter().map(|library| bare(library))
    }
}

/// `NAME` of `KIND=NAME:RENAME`.
fn bare(library: &str) -> &str {
    let named = library.rsplit('=').next().unwrap_or(library);
    named.split(':').next().unwrap_or(named)
}

/// What a unit's compilation made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ArtifactMessage {
    /// The package's manifest, absolute.
    #[serde(default)]
    pub manifest_path: String,
    /// Which of the package's targets.
    pub target: TargetMessage,
    /// How it was compiled.
    #[serde(default)]
    pub profile: ProfileMessage,
    /// The program, absolute.
    #[serde(default)]
    pub executable: Option<String>,
    /// All files, absolute.
    #[serde(default)]
    pub filenames: Vec<String>,
    /// Whether it was there already.
    #[serde(default)]
    pub fresh: bool,
}

/// A cargo target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct TargetMessage {
    /// `bin`, `example`, `test`, `bench`, `custom-build`, or kinds of library.
    pub kind: Vec<String>,
    /// Its name.
    pub name: String,
    /// What a library is made into: `cdylib`, `staticlib`, `lib`….
    #[serde(default)]
    pub crate_types: Vec<String>,
    /// Its first source file, absolute.
    #[serde(default)]
    pub src_path: String,
}

impl TargetMessage {
    /// Whether it is a library that other languages link.
    pub fn is_foreign_library(&self) -> bool {
        self.crate_types.iter().any(|kind| matches!(kind.as_str(), "cdylib" | "staticlib"))
    }
}

/// The part of a profile that says what was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ProfileMessage {
    /// With the test harness.
    #[serde(default)]
    pub test: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_script_tells_who_links_what() {
        let read = |id: &str, libraries: &str| {
            let line = format!(
                r#"{{"reason":"build-script-executed","package_id":"{id}","linked_libs":[{libraries}],"env":[]}}"#
            );
            let Ok(Message::BuildScript(message)) = serde_json::from_str(&line) else { panic!("{line}") };
            message
        };
        let message = read("registry+https://x/index#foo-sys@1.2.3", r#""c++_shared","static:+whole-archive=foo""#);
        assert_eq!(message.package(), "foo-sys");
        assert_eq!(message.libraries().collect::<Vec<_>>(), ["c++_shared", "foo"]);
        assert_eq!(read("path+file:///w/source/tablet#0.1.0", "").package(), "tablet");
        assert_eq!(read("path+file:///w/source/app#tablet@0.1.0", "").package(), "tablet");
    }
}
