//! `cargo cloud configure`: adds, chooses and removes backends of the configuration.

use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use protocol::{ClientLine, InvalidLine};

use crate::args::{ConfigureArgs, Invocation};
use crate::config::{BackendSummary, Config, config_file, default_of, with_backend, with_default, without_backend};
use crate::install::StagedFile;
use crate::interrupt;
use crate::storage::sha256_hex;
use crate::terminal::{Pasted, Shell, paste_hidden};

/// Longest line in bytes that is read; real ones have one or two KB.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Adds, lists, chooses or removes a backend. Returns the exit code.
///
/// # Errors
/// If the line or the configuration is malformed, or the configuration can't be written.
pub fn configure(shell: &Shell, invocation: &Invocation, args: &ConfigureArgs) -> anyhow::Result<u8> {
    let file = File::read()?;
    if args.list {
        file.summaries()?.iter().for_each(|summary| show(shell, summary));
        return Ok(0);
    }
    if let Some(name) = &args.select {
        file.must_have(name)?;
        file.write(&file.editing(with_default(&file.text, name))?)?;
        shell.status("Using", format!("`{name}` by default"));
        return Ok(0);
    }
    if let Some(name) = &args.remove {
        return file.remove(shell, name);
    }
    let line = match args.line.as_deref() {
        Some("-") | None => match read_line(shell)? {
            Some(line) => line,
            None => return Ok(interrupt::EXIT_CODE),
        },
        Some(text) => decode(text)?,
    };
    file.add(shell, invocation.cli.common.backend.as_deref(), !args.no_default, &line)
}

fn decode(text: &str) -> Result<ClientLine, InvalidLine> {
    ClientLine::decode(text, sha256_hex)
}

/// Reads the line from standard input, be it a terminal, a file or a pipe; `None` if the user leaves with Ctrl-C.
fn read_line(shell: &Shell) -> anyhow::Result<Option<ClientLine>> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut bytes = Vec::new();
        stdin.lock().take(MAX_LINE_BYTES).read_to_end(&mut bytes).context("could not read standard input")?;
        if bytes.trim_ascii().is_empty() {
            bail!("standard input is empty; type: cargo cloud configure LINE");
        }
        return Ok(Some(decode(&String::from_utf8_lossy(&bytes))?));
    }
    shell.note("paste the line that begins with `cargo-cloud-1:` (it is not shown), then press Enter");
    loop {
        // A terminal that wraps the line sends several. The line ends where it is complete.
        let pasted = paste_hidden(&stdin, MAX_LINE_BYTES, |text| decode(text).is_ok())?;
        let text = match pasted {
            Pasted::Text(text) if !text.trim().is_empty() => text,
            Pasted::Text(_) => continue,
            Pasted::Ended => return Ok(None),
        };
        match decode(&text) {
            Ok(line) => return Ok(Some(line)),
            Err(error) => shell.error(format!("{error} (Ctrl-C to leave)")),
        }
    }
}

fn show(shell: &Shell, summary: &BackendSummary) {
    let used = if summary.used { "*" } else { " " };
    let region = summary.region.as_deref().unwrap_or("region from AWS_REGION");
    shell.print(format_args!("{used} {}: owner {}, {region}\n    {}", summary.name, summary.owner, summary.address));
}

/// The configuration file, with the text that it has now.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn read() -> anyhow::Result<Self> {
        let path = config_file()?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("could not read `{}`", path.display())),
        };
        Ok(Self { path, text })
    }

    fn summaries(&self) -> anyhow::Result<Vec<BackendSummary>> {
        Config::summaries(&self.text, &self.path)
    }

    fn must_have(&self, name: &str) -> anyhow::Result<()> {
        let names: Vec<_> = self.summaries()?.into_iter().map(|summary| summary.name).collect();
        if names.iter().any(|known| known == name) {
            return Ok(());
        }
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        bail!("`{}` has no backend `{name}`; it has: {known}", self.path.display())
    }

    fn editing(&self, edited: anyhow::Result<String>) -> anyhow::Result<String> {
        edited.with_context(|| format!("`{}` is not changed", self.path.display()))
    }

    fn add(&self, shell: &Shell, name: Option<&str>, default: bool, line: &ClientLine) -> anyhow::Result<u8> {
        let known = self.summaries()?;
        let address = line.endpoint.as_ref().unwrap_or(&line.input_bucket);
        let usual = if line.endpoint.is_some() { "local" } else { "aws" };
        let chosen = name.is_some();
        let name = name.unwrap_or(usual);
        let old = known.iter().find(|summary| summary.name == name);
        if let Some(old) = old.filter(|old| !chosen && old.address != *address) {
            bail!(
                "the configuration has a backend `{name}` already, at {}; the line is for {address}. Add --backend NAME to keep both, \
                 or --backend {name} to replace it",
                old.address
            );
        }
        let mut text = self.editing(with_backend(&self.text, name, line))?;
        if default || known.is_empty() {
            text = self.editing(with_default(&text, name))?;
        } else if default_of(&text)?.is_none() && known.len() == 1 {
            // A single backend is the default without being named. With two the default must be named.
            text = self.editing(with_default(&text, &known[0].name))?;
        }
        // Check the new configuration as a build does when it starts.
        Config::summaries(&text, &self.path)?;
        self.write(&text)?;
        let word = if old.is_some() { "Replaced" } else { "Added" };
        shell.status(word, format!("backend `{name}` at {address}, owner {}", line.owner));
        shell.status("Wrote", self.path.display());
        shell.note("type `cargo cloud doctor` to see whether it works");
        Ok(0)
    }

    fn remove(&self, shell: &Shell, name: &str) -> anyhow::Result<u8> {
        self.must_have(name)?;
        let text = self.editing(without_backend(&self.text, name))?;
        self.write(&text)?;
        shell.status("Removed", format!("backend `{name}`"));
        let remaining = Config::summaries(&text, &self.path)?;
        if remaining.len() > 1 && !remaining.iter().any(|summary| summary.used) {
            let names: Vec<_> = remaining.into_iter().map(|summary| summary.name).collect();
            let names = names.join(", ");
            shell.note(format!(
                "no backend is the default now; choose one with: cargo cloud configure --use NAME ({names})"
            ));
        }
        Ok(0)
    }

    /// Writes the file, readable for this user alone, as a whole or not at all. If it is a link, it stays one.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("could not create `{}`", folder.display()))?;
        let destination =
            self.path.canonicalize().unwrap_or_else(|_| folder.join(self.path.file_name().unwrap_or_default()));
        let mut staged = StagedFile::new(destination)?;
        staged.file().write_all(text.as_bytes()).context("could not write the configuration")?;
        staged.commit(0o600)
    }
}
