//! The toolchain of `cargo +nightly cloud …`. rustup passes it in `RUSTUP_TOOLCHAIN`, but it sets that variable even if
//! no toolchain was named, so one that rustup would have chosen by itself is not forwarded.

use std::path::Path;

/// The toolchain that the builder should use, if the user named one: by `+NAME` after `cloud`, or before it.
/// `variable` is `RUSTUP_TOOLCHAIN`, which only counts under `cargo cloud`.
pub fn forwarded(
    named: Option<&str>,
    variable: Option<&str>,
    directory: &Path,
    rustup_home: Option<&Path>,
) -> Option<String> {
    if let Some(named) = named {
        return Some(named.to_owned());
    }
    let own = variable.map(channel)?;
    let chosen = match file_channel(directory) {
        // The toolchain file is sent with the source, so the builder reads it itself.
        Some(file) => own != channel(&file),
        None => {
            let default = rustup_home.and_then(default_toolchain);
            own != "stable" && (default.as_deref().map(channel) != Some(own) || !is_release(own))
        }
    };
    chosen.then(|| own.to_owned())
}

/// The name without the device's triple: `nightly-2026-01-01-aarch64-linux-android` is `nightly-2026-01-01`.
fn channel(toolchain: &str) -> &str {
    const ARCHITECTURES: [&str; 10] = [
        "-x86_64-",
        "-aarch64-",
        "-i686-",
        "-armv7-",
        "-arm-",
        "-riscv64gc-",
        "-powerpc64le-",
        "-s390x-",
        "-loongarch64-",
        "-thumbv7neon-",
    ];
    let end = ARCHITECTURES.iter().filter_map(|name| toolchain.find(name)).min();
    end.and_then(|end| toolchain.get(..end)).unwrap_or(toolchain)
}

/// Whether the channel is `stable` or a version; the builder's own toolchain can replace these.
fn is_release(channel: &str) -> bool {
    channel == "stable" || channel.starts_with(|c: char| c.is_ascii_digit())
}

fn file_channel(directory: &Path) -> Option<String> {
    directory.ancestors().find_map(|folder| {
        let text = ["rust-toolchain", "rust-toolchain.toml"]
            .iter()
            .find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
        match text.parse::<toml::Table>() {
            Ok(table) => Some(table.get("toolchain")?.get("channel")?.as_str()?.to_owned()),
            Err(_) => text.lines().next().map(|line| line.trim().to_owned()),
        }
    })
}

fn default_toolchain(rustup_home: &Path) -> Option<String> {
    let settings = std::fs::read_to_string(rustup_home.join("settings.toml")).ok()?;
    Some(settings.parse::<toml::Table>().ok()?.get("default_toolchain")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_toolchain_that_was_named_is_forwarded() {
        let temp = tempfile::tempdir().unwrap();
        let (home, project) = (temp.path().join("rustup"), temp.path().join("project"));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::create_dir_all(&project).unwrap();
        let forwarded = |named, variable| forwarded(named, variable, &project, Some(&home));
        let default =
            |name: &str| std::fs::write(home.join("settings.toml"), format!("default_toolchain = \"{name}\"")).unwrap();

        default("1.95.0-x86_64-unknown-linux-gnu");
        assert_eq!(forwarded(None, None), None);
        assert_eq!(forwarded(None, Some("1.95.0-x86_64-unknown-linux-gnu")), None);
        assert_eq!(forwarded(None, Some("stable-x86_64-unknown-linux-gnu")), None);
        assert_eq!(forwarded(None, Some("nightly-aarch64-apple-darwin")).as_deref(), Some("nightly"));
        assert_eq!(forwarded(None, Some("1.90.0")).as_deref(), Some("1.90.0"));
        assert_eq!(forwarded(Some("beta"), Some("nightly")).as_deref(), Some("beta"));
        // A nightly that is the device's default was chosen on purpose.
        default("nightly-2026-01-01-x86_64-unknown-linux-gnu");
        assert_eq!(
            forwarded(None, Some("nightly-2026-01-01-x86_64-unknown-linux-gnu")).as_deref(),
            Some("nightly-2026-01-01")
        );

        std::fs::write(project.join("rust-toolchain.toml"), "[toolchain]\nchannel = '1.90'").unwrap();
        assert_eq!(forwarded(None, Some("1.90-x86_64-unknown-linux-gnu")), None);
        assert_eq!(forwarded(None, Some("stable-x86_64-unknown-linux-gnu")).as_deref(), Some("stable"));
        std::fs::remove_file(project.join("rust-toolchain.toml")).unwrap();
        std::fs::write(project.join("rust-toolchain"), "1.91\n").unwrap();
        assert_eq!(forwarded(None, Some("1.91-x86_64-unknown-linux-gnu")), None);
    }
}
