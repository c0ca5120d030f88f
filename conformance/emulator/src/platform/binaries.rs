//! The functions' programs: as zip files, as Terraform takes them, and unpacked, as they are run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::output_of;

/// The functions that are deployed as zip files; `compile` is an image.
const ZIPPED: [&str; 3] = ["connect", "disconnect", "relay"];

/// Programs by what they do.
pub struct Packages(BTreeMap<String, PathBuf>);

impl Packages {
    /// The program of a function.
    pub fn program(&self, what: &str) -> Result<&Path> {
        self.0.get(what).map(PathBuf::as_path).with_context(|| format!("there is no program for the function {what}"))
    }
}

/// Where the zip files lie.
pub fn zips(dir: &Path) -> PathBuf {
    dir.join("zips")
}

/// Strips and packs the programs of `binaries`.
pub async fn package(binaries: &Path, dir: &Path) -> Result<Packages> {
    let (programs, zips) = (dir.join("functions"), zips(dir));
    for folder in [&programs, &zips] {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    let mut packages = BTreeMap::new();
    for name in ZIPPED.into_iter().chain(["compile"]) {
        let (from, to) = (binaries.join(name), programs.join(name));
        // What is not for a machine makes a program large, and every copy of the account with it.
        output_of(Command::new("strip").arg("-o").arg(&to).arg(&from))
            .await
            .with_context(|| format!("no program in {}: `cargo build --workspace` makes it", from.display()))?;
        if ZIPPED.contains(&name) {
            let zip = zips.join(format!("{name}.zip"));
            pack(&to, &zip).with_context(|| format!("{} can't be written", zip.display()))?;
        }
        packages.insert(name.to_owned(), to);
    }
    Ok(Packages(packages))
}

fn pack(program: &Path, zip: &Path) -> Result<()> {
    let mut writer = ZipWriter::new(File::create(zip)?);
    writer.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
    io::copy(&mut File::open(program)?, &mut writer)?;
    writer.finish()?;
    Ok(())
}
