//! Installs programs: each gets its destination, and the records say what is installed. What other processes install into
//! the same root meanwhile stays.

use std::collections::BTreeSet;

use anyhow::bail;

use super::installation::Installation;
use super::package_id::PackageId;
use super::records::InstallRecords;
use super::snapshot::InstalledSnapshot;
use super::staged::StagedProgram;

/// How an installation treats what is already installed, and what it prints.
pub struct InstallPolicy<'a> {
    /// Whether programs of other packages, or of none, are overwritten.
    pub force: bool,
    /// What was installed when cargo, on the builder, decided what to overwrite and to remove; none if it decided nothing.
    pub snapshot: Option<&'a InstalledSnapshot>,
    /// Whether to print what is installed, as `cargo install` does.
    pub announce: bool,
}

impl Installation<'_> {
    /// Installs programs. `after` are the records that hold once they are installed; without, nothing is recorded.
    ///
    /// # Errors
    /// If a program would overwrite something of another package, or `after` doesn't name it: then nothing was changed.
    /// If a program can't be written: the ones before it are installed and recorded.
    pub fn install(
        &mut self,
        programs: Vec<StagedProgram>,
        after: Option<&InstallRecords>,
        policy: &InstallPolicy,
    ) -> anyhow::Result<()> {
        if !policy.force {
            self.check_conflicts(programs.iter().filter(|program| !self.was_seen(program, policy.snapshot)))?;
        }
        let Some(after) = after else {
            return programs.into_iter().try_for_each(|program| program.file.commit(0o755));
        };
        let names: BTreeSet<String> = programs.iter().map(|program| program.name.clone()).collect();
        if let Some(name) = names.iter().find(|name| after.owner(name).is_none()) {
            bail!(
                "the builder sent `{name}`, but its record of what is installed doesn't name it; nothing was installed"
            );
        }
        let replaced: Vec<(String, PackageId)> =
            names.iter().filter_map(|name| Some((name.clone(), self.records.owner(name)?.clone()))).collect();
        let (placed, outcome) = self.place(programs, policy.announce);
        let installed = recorded_under(after, &placed);
        let before = policy.snapshot.map_or_else(|| self.records.clone(), |snapshot| snapshot.records.clone());
        for (package, bins) in &installed {
            self.records.add(package, bins, after.detail(package));
        }
        if outcome.is_ok() {
            self.remove_orphans(&before, after, &installed);
        }
        self.save()?;
        outcome?;
        if policy.announce {
            installed.iter().for_each(|(package, bins)| self.announce(package, bins, &replaced));
        }
        Ok(())
    }

    /// Whether cargo, on the builder, has seen what the program overwrites, and has decided that it may.
    fn was_seen(&self, program: &StagedProgram, snapshot: Option<&InstalledSnapshot>) -> bool {
        snapshot.is_some_and(|snapshot| {
            let owner = self.records.owner(&program.name);
            snapshot.bin.contains(&program.name) && owner == snapshot.records.owner(&program.name)
        })
    }

    /// Puts the programs in their places until one fails. Returns the names of those in place.
    fn place(&self, programs: Vec<StagedProgram>, announce: bool) -> (BTreeSet<String>, anyhow::Result<()>) {
        let mut placed = BTreeSet::new();
        for program in programs {
            let destination = program.file.destination.clone();
            let existed = destination.symlink_metadata().is_ok();
            if let Err(error) = program.file.commit(0o755) {
                return (placed, Err(error));
            }
            if announce {
                self.shell.status(if existed { "Replacing" } else { "Installing" }, destination.display());
            }
            placed.insert(program.name);
        }
        (placed, Ok(()))
    }

    /// Removes programs that earlier versions of the installed packages had and that no package has any more.
    fn remove_orphans(
        &mut self,
        before: &InstallRecords,
        after: &InstallRecords,
        installed: &[(PackageId, Vec<String>)],
    ) {
        for (package, bins) in before.packages() {
            let upgraded = installed.iter().any(|(new, _)| new.name == package.name);
            for bin in bins.iter().filter(|bin| upgraded && after.owner(bin).is_none()) {
                if self.records.owner(bin) != Some(package) {
                    continue;
                }
                self.records.remove(package, bin);
                let path = self.root().bin().join(bin);
                if let Err(error) = std::fs::remove_file(&path) {
                    self.shell.warn(format!("could not remove `{}`: {error}", path.display()));
                }
            }
        }
    }

    /// Prints what was installed, in cargo's words.
    fn announce(&self, package: &PackageId, bins: &[String], replaced: &[(String, PackageId)]) {
        let list = bins.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let noun = if bins.len() == 1 { "executable" } else { "executables" };
        let others = replaced.iter().filter(|(name, owner)| bins.contains(name) && owner != package);
        match others.map(|(_, owner)| owner).min() {
            Some(owner) => {
                self.shell.status("Replaced", format!("package `{owner}` with `{package}` ({noun} {list})"));
            }
            None => self.shell.status("Installed", format!("package `{package}` ({noun} {list})")),
        }
    }
}

/// The packages of `records` that these binaries belong to, each with its own.
fn recorded_under(records: &InstallRecords, names: &BTreeSet<String>) -> Vec<(PackageId, Vec<String>)> {
    let mut packages = Vec::new();
    for (package, bins) in records.packages() {
        let bins: Vec<String> = bins.intersection(names).cloned().collect();
        if !bins.is_empty() {
            packages.push((package.clone(), bins));
        }
    }
    packages
}

#[cfg(test)]
mod tests;
