//! Completions and man pages, generated from the definition of the command line.

use std::path::Path;
#[cfg(feature = "manual")]
use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap_complete::Shell;

use crate::args;

/// Name of the program where it is called without cargo.
const NAME: &str = "cargo-cloud";

/// The folder of `--write-manual DIR`, which is no verb, so that the manual doesn't list it.
#[cfg(feature = "manual")]
pub fn wanted() -> Option<PathBuf> {
    let mut args = std::env::args_os().skip(1);
    args.next().filter(|flag| flag == "--write-manual")?;
    args.next().map(PathBuf::from)
}

/// Writes completions and pages into the folder, and returns the exit code.
#[cfg(feature = "manual")]
pub fn run(folder: &Path) -> ExitCode {
    match write(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes `completions/` for bash, zsh and fish, and `man1/` with a page for each verb.
fn write(folder: &Path) -> anyhow::Result<()> {
    let (completions, pages) = (folder.join("completions"), folder.join("man1"));
    for folder in [&completions, &pages] {
        std::fs::create_dir_all(folder).with_context(|| format!("could not create `{}`", folder.display()))?;
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut args::whole_command().bin_name(NAME), NAME, &completions)
            .with_context(|| format!("could not write the completions for {shell}"))?;
    }
    clap_mangen::generate_to(args::whole_command(), &pages).context("could not write the man pages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_completed_and_has_a_page() {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path()).unwrap();
        let read = |path: &str| std::fs::read_to_string(temp.path().join(path)).unwrap();
        for file in ["cargo-cloud.bash", "_cargo-cloud", "cargo-cloud.fish"] {
            let text = read(&format!("completions/{file}"));
            for word in ["attach", "detach", "with-git"] {
                assert!(text.contains(word), "{word} in {file}");
            }
        }
        assert!(read("man1/cargo-cloud-build.1").contains("detach"));
        assert!(read("man1/cargo-cloud.1").contains("cargo\\-cloud\\-attach(1)"));
    }
}
