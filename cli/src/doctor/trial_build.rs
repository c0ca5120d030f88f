//! A trial build: a small program is sent, built, downloaded and run, and everything of it removed again.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::limits::PROTOCOL_VERSION;
use protocol::{ArtifactInfo, BuildId, BuildResult, Capabilities, CargoOptions, Details, FileKind, Outcome, keys};

use super::CheckOutcome;
use crate::config::config_folder;
use crate::device;
use crate::follow::{DevicePaths, FollowMode, Followed, FollowedBuild};
use crate::install::{InstallRoot, check_executable};
use crate::pipeline::{ProjectSource, Session, download, new_request, send};
use crate::project::{DeviceProject, project_key};
use crate::terminal::Shell;

/// How long the trial may take; the compile function may start cold, and other builds may be ahead.
const TIMEOUT: Duration = Duration::from_secs(180);
const NAME: &str = "cargo-cloud-echo";

/// A build of a small program that is made up for it.
pub struct TrialBuild<'a> {
    /// The backend that builds it.
    pub session: &'a Session<'a>,
    /// What the backend can build, if it says so.
    pub capabilities: Option<Capabilities>,
    /// Where programs are installed, if they can be.
    pub root: Option<&'a InstallRoot>,
}

/// What the trial build has shown.
pub struct TrialOutcome {
    /// The id of the build, once it was sent.
    pub build: Option<BuildId>,
    /// Whether the whole way works.
    pub finding: CheckOutcome,
    /// The build's result, if it ended.
    pub result: Option<Box<BuildResult>>,
    /// Version of the builder's compiler, if an artifact came back.
    pub rustc: Option<String>,
}

impl TrialBuild<'_> {
    /// Builds the program and checks the artifact.
    pub fn run(self) -> TrialOutcome {
        let shell = Shell::keeping();
        let mut echo =
            TrialOutcome { build: None, finding: CheckOutcome::Skipped(String::new()), result: None, rustc: None };
        echo.finding = match self.trial(&shell, &mut echo) {
            Ok(text) => CheckOutcome::Ok(text),
            Err(error) => {
                let said = shell.take_kept();
                let mut last: Vec<_> =
                    said.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(8).collect();
                last.reverse();
                let said = if last.is_empty() { String::new() } else { format!("\n{}", last.join("\n")) };
                let advice = "read the backend's log, then run `cargo cloud doctor` again";
                CheckOutcome::failed(format_args!("{error:#}{said}"), advice)
            }
        };
        // If this fails, the bucket's lifecycle removes the source.
        if let Some(build) = &echo.build {
            let _ = self.session.storage.delete_source(&keys::source(&self.session.backend.owner, build));
        }
        echo
    }

    fn trial(&self, shell: &Shell, echo: &mut TrialOutcome) -> anyhow::Result<String> {
        let begun = Instant::now();
        let folder = tempfile::tempdir()
            .or_else(|_| tempfile::tempdir_in(config_folder().unwrap_or_default()))
            .context("temporary files can't be created; set TMPDIR to a folder that you can write to")?;
        let top = folder.path().canonicalize().context("a temporary folder went away")?;
        // A new text each time shows that the build is of this source.
        let words = format!("echo {}", self.session.new_build()?);
        write_project(&top, &words)?;
        let triple = device::triple().filter(|triple| {
            let can = self.capabilities.as_ref();
            can.is_none_or(|can| can.refusal(protocol::Command::Build, triple).is_none())
        });
        let interrupt = self.session.interrupt.within(TIMEOUT);
        let session = self.session.on(shell, &interrupt);
        let build = send_project(&session, &top, triple.clone())?;
        echo.build = Some(build.clone());
        let sent = begun.elapsed();
        let followed = FollowedBuild {
            paths: DevicePaths { source: Some(top), ..DevicePaths::default() },
            ..session.followed_build(&build)
        };
        if let Followed::Ended(result) = session.follow(followed, FollowMode::Own) {
            echo.result = Some(result);
        }
        let built = begun.elapsed();
        let over = || format!("the build had not ended after {} s", built.as_secs());
        let result = echo.result.as_ref().with_context(over)?;
        if interrupt.requested() && result.outcome == Outcome::Cancelled {
            bail!("{}", over());
        }
        if result.outcome != Outcome::Succeeded {
            bail!("the build failed: {}", result.message.as_deref().unwrap_or("cargo's output says why"));
        }
        let compiling = result.times.compiling;
        let info = result.artifact.as_ref().context("the result names no artifact")?;
        let (program, rustc) = self.bring_back(&session, &build, info, triple.as_deref())?;
        echo.rustc = Some(rustc);
        let ran = match program {
            Some(program) => {
                let said = run(&program)?;
                if said.trim_end() != words {
                    bail!("the program that came back prints `{}`, not `{words}`", said.escape_debug());
                }
                "ran here"
            }
            None => "not run here, as it is for the builder's own target",
        };
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        Ok(format!(
            "{ran} after {} (sent in {}, cargo took {}, all else {})",
            seconds(begun.elapsed()),
            seconds(sent),
            seconds(Duration::from_millis(compiling)),
            seconds(begun.elapsed().saturating_sub(sent).saturating_sub(Duration::from_millis(compiling)))
        ))
    }

    /// Downloads the program. Returns it if this device can run it, and the version of the compiler. The program lies where
    /// programs are installed, as other folders may not allow running them.
    fn bring_back(
        &self,
        session: &Session,
        build: &BuildId,
        info: &ArtifactInfo,
        triple: Option<&str>,
    ) -> anyhow::Result<(Option<tempfile::TempPath>, String)> {
        let folder = self.root.map_or_else(std::env::temp_dir, InstallRoot::bin);
        let mut artifact = download(session, &keys::artifact(&session.backend.owner, build), info, &folder)?;
        let manifest = artifact.manifest().clone();
        let is_ours = |kind: &FileKind| matches!(kind, FileKind::Executable { name, .. } if name == NAME);
        let entry = manifest.files.iter().find(|file| is_ours(&file.kind)).context("the artifact has no program")?;
        let mut program = tempfile::Builder::new()
            .prefix(".cargo-cloud-echo-")
            .permissions(Permissions::from_mode(0o700))
            .tempfile_in(&folder)
            .context("could not store the program")?;
        artifact.unpack(entry, &mut program)?;
        if let Some(triple) = triple
            && let Err(why) = check_executable(program.as_file(), triple)
        {
            bail!("what came back can't be for {triple}: {why}");
        }
        // Closed, since a file that is open for writing can't be run.
        Ok((triple.map(|_| program.into_temp_path()), manifest.rustc))
    }
}

/// Sends the trial's project. Returns the id of its build.
fn send_project(session: &Session, top: &Path, device: Option<String>) -> anyhow::Result<BuildId> {
    let project = DeviceProject::find(top, None, None)?;
    // Not the temporary folder's own key, so that the builder has one folder for all trials of a device.
    let key = project_key(NAME, Path::new(NAME), &config_folder()?)?;
    let details = Details { device, ..Details::default() };
    let request = new_request(protocol::Command::Build, key, CargoOptions::default(), details);
    send(session, Some(&ProjectSource::new(&project, &top.join("target"))), &request)
}

fn write_project(top: &Path, words: &str) -> anyhow::Result<()> {
    let files: [(PathBuf, String); 2] = [
        (
            top.join("Cargo.toml"),
            format!("[package]\nname = \"{NAME}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n"),
        ),
        (top.join("src/main.rs"), format!("fn main() {{\n    println!(\"{words}\");\n}}\n")),
    ];
    std::fs::create_dir(top.join("src")).context("could not write the trial's source")?;
    files.iter().try_for_each(|(path, text)| std::fs::write(path, text)).context("could not write the trial's source")
}

fn run(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program).output().with_context(|| {
        let folder = program.parent().unwrap_or(program).display();
        format!("the program came back, but can't be run in `{folder}` (storage that is shared, or mounted `noexec`, can't hold programs)")
    })?;
    if !output.status.success() {
        bail!(
            "the program came back, but ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The versions of client, backend and compiler, and whether client and backend understand each other.
pub fn versions(trial: &TrialOutcome) -> CheckOutcome {
    let client = format!("client {}, protocol {PROTOCOL_VERSION}", env!("CARGO_PKG_VERSION"));
    let Some(result) = &trial.result else {
        return CheckOutcome::Skipped(format!("{client}; the backend's versions are unknown"));
    };
    let rustc = trial.rustc.as_ref().and_then(|rustc| rustc.lines().next());
    let rustc = rustc.map(|rustc| format!("; {rustc}")).unwrap_or_default();
    let backend = result.backend.as_deref().unwrap_or("of unknown version");
    let text = format!("{client}; backend {backend}, protocol {}{rustc}", result.version);
    if result.version > PROTOCOL_VERSION {
        return CheckOutcome::Warning(text, "the backend is newer: update cargo-cloud on this device".to_owned());
    }
    if result.version < PROTOCOL_VERSION {
        return CheckOutcome::failed(text, "this client is newer: update the backend");
    }
    CheckOutcome::Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_shown_and_compared() {
        let mut result = BuildResult::new(BuildId::new(1, [0; 10]), Outcome::Succeeded, 0);
        let echo = |result| TrialOutcome {
            build: None,
            finding: CheckOutcome::Skipped(String::new()),
            result,
            rustc: Some("rustc 1.95.0\nbinary: rustc\n".to_owned()),
        };
        let fits = versions(&echo(Some(Box::new(result.clone()))));
        assert!(matches!(&fits, CheckOutcome::Ok(text) if text.ends_with("rustc 1.95.0")), "{fits:?}");
        result.version = PROTOCOL_VERSION + 1;
        assert!(
            matches!(versions(&echo(Some(Box::new(result)))), CheckOutcome::Warning(_, advice) if advice.contains("update cargo-cloud"))
        );
        assert!(matches!(versions(&echo(None)), CheckOutcome::Skipped(_)));
    }
}
