//! The device itself: its configuration, its target, and where programs are installed.

use std::path::Path;

use protocol::{Capabilities, Command};

use super::CheckOutcome;
use crate::config::{Backend, config_file};
use crate::install::InstallRoot;
use crate::project::CargoConfig;
use crate::{device, environment};

/// The finding on a configuration that could be read; `warning` is what is wrong with its file.
pub fn configuration(backend: &Backend, warning: Option<String>) -> anyhow::Result<CheckOutcome> {
    let file = config_file()?;
    let text = format!("backend `{}`, owner {}, {} in {}", backend.name, backend.owner, backend.region, file.display());
    Ok(match warning {
        None => CheckOutcome::Ok(text),
        Some(warning) => CheckOutcome::Warning(text, warning),
    })
}

/// Whether the backend can build for this device, and what else it builds for; `None`: it doesn't say.
pub fn target(capabilities: Option<&Capabilities>) -> CheckOutcome {
    let Some(triple) = device::triple() else {
        return CheckOutcome::Warning(
            "cargo-cloud knows no Rust target for this kind of device".to_owned(),
            "name one with each build: --target TRIPLE".to_owned(),
        );
    };
    let Some(can) = capabilities else {
        return CheckOutcome::Ok(format!("{triple} (this backend doesn't say what it builds for; a newer one does)"));
    };
    if let Some(why) = can.refusal(Command::Build, &triple) {
        return CheckOutcome::failed(why, "or name another target with each build: --target TRIPLE");
    }
    let others: Vec<_> = can.linkable().filter(|target| *target != triple).collect();
    let others = if others.is_empty() { "nothing else now".to_owned() } else { others.join(", ") };
    let fetched = match can.fetchable().count() {
        0 => String::new(),
        count => format!("; {count} more targets are fetched when a build asks for them"),
    };
    CheckOutcome::Ok(format!("{triple}; the backend also builds for {others}{fetched}"))
}

/// Whether programs can be installed; the second value is where.
pub fn install_folder(cwd: &Path) -> (CheckOutcome, Option<InstallRoot>) {
    let home = environment::cargo_home(cwd);
    let configured = match CargoConfig::read(cwd, cwd, home.as_deref()) {
        Ok(config) => config.install_root(),
        Err(error) => {
            return (CheckOutcome::failed(format_args!("{error:#}"), "fix that file of cargo's configuration"), None);
        }
    };
    let root = match InstallRoot::choose(None, cwd, environment::path, configured, home.as_deref()) {
        Ok(root) => root,
        Err(error) => return (CheckOutcome::failed(error, "set `HOME`"), None),
    };
    if let Err(error) = root.check_writable() {
        let advice = "make the folder writable, or set CARGO_INSTALL_ROOT to another one";
        return (CheckOutcome::failed(format_args!("{error:#}"), advice), None);
    }
    let bin = root.bin();
    let finding = match root.path_warning(std::env::var_os("PATH").as_deref()) {
        None => CheckOutcome::Ok(bin.display().to_string()),
        Some(_) => CheckOutcome::Warning(
            format!("{} is not in PATH: the shell won't find installed programs", bin.display()),
            format!("add to ~/.profile (bash: ~/.bashrc): export PATH=\"{}:$PATH\"", bin.display()),
        ),
    };
    (finding, Some(root))
}
