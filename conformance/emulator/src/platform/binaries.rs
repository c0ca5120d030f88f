//! The programs of the functions: as zip files for Terraform, and unpacked to be run.

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

/// The paths of the functions' programs, by the functions' roles: `relay`.
pub struct FunctionPrograms(BTreeMap<String, PathBuf>);

impl FunctionPrograms {
    /// The program of a function.
    pub fn program(&self, what: &str) -> Result<&Path> {
        self.0.get(what).map(PathBuf::as_path).with_context(|| format!("there is no program for the function {what}"))
    }
}

/// The folder of the zip files.
pub fn zips(dir: &Path) -> PathBuf {
    dir.join("zips")
}

/// Strips and packs the programs in the folder `binaries`.
pub async fn package(binaries: &Path, dir: &Path) -> Result<FunctionPrograms> {
    let (programs, zips) = (dir.join("functions"), zips(dir));
    for folder in [&programs, &zips] {
        std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    }
    let mut packages = BTreeMap::new();
    for name in ZIPPED.into_iter().chain(["compile"]) {
        let (from, to) = (binaries.join(name), programs.join(name));
        // Debug information would make the program large, and every copy of the account as well.
        output_of(Command::new("strip").arg("-o").arg(&to).arg(&from))
            .await
            .with_context(|| format!("no program in {}: `cargo build --workspace` makes it", from.display()))?;
        if ZIPPED.contains(&name) {
            let zip = zips.join(format!("{name}.zip"));
            pack(&to, &zip).with_context(|| format!("{} can't be written", zip.display()))?;
        }
        packages.insert(name.to_owned(), to);
    }
    Ok(FunctionPrograms(packages))
}

fn pack(program: &Path, zip: &Path) -> Result<()> {
    let mut writer = ZipWriter::new(File::create(zip)?);
    writer.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
    io::copy(&mut File::open(program)?, &mut writer)?;
    writer.finish()?;
    Ok(())
}
