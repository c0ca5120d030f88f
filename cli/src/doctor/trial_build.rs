//! A tiny program through the whole way: sent, built, brought back, run, and nothing of it left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use protocol::limits::{MAX_ARTIFACT_BYTES, PROTOCOL_VERSION};
use protocol::{ArtifactInfo, BuildId, BuildResult, CargoOptions, Details, FileKind, Outcome, Request, keys};

use super::CheckOutcome;
use crate::config::{Backend, config_folder};
use crate::follow::{DevicePaths, Follower, Subject};
use crate::install::{Artifact, InstallRoot, check_executable};
use crate::interrupt::Interrupt;
use crate::pipeline::send::{self as sending, Shipment};
use crate::project::{DeviceProject, project_key};
use crate::storage::{Signer, Storage};
use crate::terminal::Shell;
use crate::{device, source};

/// A cold start of the compile function takes a while, and so does a queue.
const PATIENCE: Duration = Duration::from_secs(180);
const NAME: &str = "cargo-cloud-echo";

/// What the trial needs.
pub struct TrialBuild<'a> {
    /// Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// The backend.
    pub backend: &'a Backend,
    /// Its buckets.
    pub storage: &'a Storage,
    /// Its keys.
    pub signer: Signer,
    /// The build's id, not used before.
    pub build: BuildId,
    /// Where programs are installed, if they can be.
    pub root: Option<&'a InstallRoot>,
}

/// What came of it.
pub struct TrialOutcome {
    /// The finding itself.
    pub finding: CheckOutcome,
    /// The result, where there was one.
    pub result: Option<Box<BuildResult>>,
    /// The builder's compiler, where it was told.
    pub rustc: Option<String>,
}

impl TrialBuild<'_> {
    /// Builds, and looks at what comes back.
    pub fn run(self) -> TrialOutcome {
        let shell = Shell::keeping();
        let mut echo = TrialOutcome { finding: CheckOutcome::Skipped(String::new()), result: None, rustc: None };
        echo.finding = match self.trial(&shell, &mut echo) {
            Ok(text) => CheckOutcome::Ok(text),
            Err(error) => {
                let said = shell.take_kept();
                let mut last: Vec<_> =
                    said.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(8).collect();
                last.reverse();
                let said = if last.is_empty() { String::new() } else { format!("\n{}", last.join("\n")) };
                let advice = "look into the backend's log; then type `cargo cloud doctor` again";
                CheckOutcome::failed(format_args!("{error:#}{said}"), advice)
            }
        };
        // Its source is of no more use. If that fails, the backend clears it away one day.
        let _ = self.storage.delete_source(&keys::source(&self.backend.owner, &self.build));
        echo
    }

    fn trial(&self, shell: &Shell, echo: &mut TrialOutcome) -> anyhow::Result<String> {
        let begun = Instant::now();
        let folder = tempfile::tempdir()
            .or_else(|_| tempfile::tempdir_in(config_folder().unwrap_or_default()))
            .context("there is no place for temporary files; set TMPDIR to a folder of yours")?;
        let top = folder.path().canonicalize().context("a temporary folder went away")?;
        // Other words each time: what is built must be what was sent.
        let words = format!("echo {}", self.build);
        write_project(&top, &words)?;
        let triple = device::triple().filter(|triple| {
            let targets = &self.backend.targets;
            targets.is_empty() || targets.contains(triple)
        });
        self.send(shell, &top, triple.clone())?;
        let sent = begun.elapsed();
        let subject = Subject {
            build: self.build.clone(),
            owner: self.backend.owner.clone(),
            socket: self.backend.socket.clone(),
            paths: DevicePaths { source: Some(top), ..DevicePaths::default() },
            json: false,
        };
        let patience = self.interrupt.within(PATIENCE);
        let follower = Follower::new(shell, &patience, self.storage, subject);
        echo.result = follower.run(self.signer.clone());
        let built = begun.elapsed();
        let over = || format!("the build had not ended after {} s", built.as_secs());
        let result = echo.result.as_ref().with_context(over)?;
        if patience.requested() && result.outcome == Outcome::Cancelled {
            bail!("{}", over());
        }
        if result.outcome != Outcome::Succeeded {
            bail!("the build did not succeed: {}", result.message.as_deref().unwrap_or("cargo says why"));
        }
        let compiling = result.times.compiling;
        let info = result.artifact.as_ref().context("the result names no artifact")?;
        let (program, rustc) = self.bring_back(info, triple.as_deref())?;
        echo.rustc = Some(rustc);
        let ran = match program {
            Some(program) => {
                let said = run(&program)?;
                if said.trim_end() != words {
                    bail!("the program that came back prints `{}`, not `{words}`", said.escape_debug());
                }
                "ran here"
            }
            None => "for the builder's own kind, so not run here",
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

    fn send(&self, shell: &Shell, top: &Path, device: Option<String>) -> anyhow::Result<()> {
        let project = DeviceProject::find(top, None, None)?;
        let folder = config_folder()?;
        let request = Request {
            protocol: PROTOCOL_VERSION,
            client: env!("CARGO_PKG_VERSION").to_owned(),
            command: protocol::Command::Build,
            // Not of the temporary folder: a builder keeps one folder for all trials of a device.
            project: project_key(NAME, Path::new(NAME), &folder)?,
            options: CargoOptions::default(),
            details: Details { device, ..Details::default() },
        };
        let (metadata, file) = request.encode();
        let metadata: Vec<_> = metadata.into_iter().collect();
        let listing = source::list(&project, &top.join("target"))?;
        let key = keys::source(&self.backend.owner, &self.build);
        let shipment = Shipment {
            key: &key,
            metadata: &metadata,
            request: &file,
            entries: &listing.entries,
            backend: &self.backend.name,
        };
        match sending::send(shell, self.interrupt, self.storage, &shipment)? {
            Ok(()) => Ok(()),
            Err(sending::SourceChanged::Changed(path)) => bail!("`{path}` changed while it was packed"),
        }
    }

    /// The program, where this device can run it, and the compiler it was made with. It lies where programs are
    /// installed: other places may not be for running them.
    fn bring_back(
        &self,
        info: &ArtifactInfo,
        triple: Option<&str>,
    ) -> anyhow::Result<(Option<tempfile::TempPath>, String)> {
        if info.size > MAX_ARTIFACT_BYTES {
            bail!("the artifact is far too large");
        }
        let folder = self.root.map_or_else(std::env::temp_dir, InstallRoot::bin);
        let file = tempfile::tempfile_in(&folder).context("could not store the artifact")?;
        let key = keys::artifact(&self.backend.owner, &self.build);
        self.storage.download(&key, info, &file, |_| !self.interrupt.requested())?;
        let mut artifact = Artifact::open(file)?;
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
        // Closed: a file that is open for writing can't be run.
        Ok((triple.map(|_| program.into_temp_path()), manifest.rustc))
    }
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

/// Whether client and backend understand each other, as far as the trial told.
pub fn versions(echo: &TrialOutcome) -> CheckOutcome {
    let client = format!("client {}, protocol {PROTOCOL_VERSION}", env!("CARGO_PKG_VERSION"));
    let Some(result) = &echo.result else {
        return CheckOutcome::Skipped(format!("{client}; the backend's are not known"));
    };
    let rustc = echo.rustc.as_ref().map(|rustc| format!("; {rustc}")).unwrap_or_default();
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
    fn versions_are_told_and_compared() {
        let mut result = BuildResult::new(BuildId::new(1, [0; 10]), Outcome::Succeeded, 0);
        let echo = |result| TrialOutcome {
            finding: CheckOutcome::Skipped(String::new()),
            result,
            rustc: Some("rustc 1.95.0".to_owned()),
        };
        let fits = versions(&echo(Some(Box::new(result.clone()))));
        assert!(matches!(&fits, CheckOutcome::Ok(text) if text.contains("rustc 1.95.0")), "{fits:?}");
        result.version = PROTOCOL_VERSION + 1;
        assert!(
            matches!(versions(&echo(Some(Box::new(result)))), CheckOutcome::Warning(_, advice) if advice.contains("update cargo-cloud"))
        );
        assert!(matches!(versions(&echo(None)), CheckOutcome::Skipped(_)));
    }
}
