//! `cargo cloud uninstall`: removes installed programs from this device. No backend is needed.

use anyhow::{Context, bail};

use crate::args::{Invocation, UninstallArgs};
use crate::environment;
use crate::install::{InstallRoot, Installation, PackageId, PackageSpec, installed_from_folder};
use crate::project::CargoConfig;
use crate::terminal::Shell;

/// Removes the packages or binaries that the arguments name. Returns the exit code.
///
/// # Errors
/// If one isn't installed, or can't be removed.
pub fn uninstall(shell: &Shell, _invocation: &Invocation, args: &UninstallArgs) -> anyhow::Result<u8> {
    let specs = args.specs();
    if specs.len() > 1 && !args.bin.is_empty() {
        bail!(
            "A binary can only be associated with a single installed package, specifying multiple specs with --bin is \
             redundant."
        );
    }
    let cwd = std::env::current_dir().context("the current folder is gone")?;
    let cargo_home = environment::cargo_home(&cwd);
    let config = CargoConfig::of_home(cargo_home.as_deref())?;
    let root = InstallRoot::choose(
        args.root.as_deref(),
        &cwd,
        environment::path,
        config.install_root(),
        cargo_home.as_deref(),
    )?;
    match specs {
        [] => {
            let folder = cwd.to_string_lossy();
            remove(shell, &root, &args.bin, |ids| installed_from_folder(&folder, ids))?;
        }
        [one] => remove_spec(shell, &root, one, &args.bin)?,
        several => {
            let (mut uninstalled, mut failed) = (Vec::new(), Vec::new());
            for spec in several {
                match remove_spec(shell, &root, spec, &[]) {
                    Ok(()) => uninstalled.push(spec.as_str()),
                    Err(error) => {
                        shell.error(format!("{error:#}"));
                        failed.push(spec.as_str());
                    }
                }
            }
            let mut summary = Vec::new();
            if !uninstalled.is_empty() {
                summary.push(format!("Successfully uninstalled {}!", uninstalled.join(", ")));
            }
            if !failed.is_empty() {
                summary.push(format!("Failed to uninstall {} (see error(s) above).", failed.join(", ")));
            }
            shell.status("Summary", summary.join(" "));
            if !failed.is_empty() {
                bail!("some packages failed to uninstall");
            }
        }
    }
    Ok(0)
}

fn remove_spec(shell: &Shell, root: &InstallRoot, spec: &str, bins: &[String]) -> anyhow::Result<()> {
    remove(shell, root, bins, |ids| PackageSpec::parse(spec)?.find(ids))
}

fn remove(
    shell: &Shell,
    root: &InstallRoot,
    named: &[String],
    choose: impl for<'a> FnOnce(&[&'a PackageId]) -> anyhow::Result<&'a PackageId>,
) -> anyhow::Result<()> {
    let mut installation = Installation::open(shell, root)?;
    let ids: Vec<PackageId> = installation.records.packages().map(|(id, _)| id.clone()).collect();
    let package = choose(&ids.iter().collect::<Vec<_>>())?.clone();
    let installed = installation.records.packages().find(|(id, _)| **id == package);
    let installed: Vec<String> = installed.map(|(_, bins)| bins.iter().cloned().collect()).unwrap_or_default();
    for bin in &installed {
        let path = root.bin().join(bin);
        if !path.exists() {
            bail!("corrupt metadata, `{}` does not exist when it should", path.display());
        }
    }
    if let Some(bin) = named.iter().find(|bin| !installed.contains(bin)) {
        bail!("binary `{bin}` not installed as part of `{package}`");
    }
    let removed = if named.is_empty() { &installed[..] } else { named };
    for bin in removed {
        let path = root.bin().join(bin);
        shell.status("Removing", path.display());
        std::fs::remove_file(&path).with_context(|| format!("failed to remove file `{}`", path.display()))?;
        installation.records.remove(&package, bin);
        installation.save()?;
    }
    Ok(())
}
