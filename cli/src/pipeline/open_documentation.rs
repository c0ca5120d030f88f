//! Opens documentation in a browser, for `doc --open`.

use std::process::Command;

use anyhow::{Context, bail};
use protocol::Request;

use super::plan::Workspace;
use crate::project::documented;
use crate::terminal::Shell;

/// Opens the first page of the documentation in the user's browser.
///
/// # Errors
/// If there is no page, or no browser can be started.
pub fn open(shell: &Shell, workspace: &Workspace, request: &Request) -> anyhow::Result<()> {
    let triple = request.options.target.first();
    let folder = triple.map_or(workspace.target_dir.clone(), |triple| workspace.target_dir.join(triple)).join("doc");
    let options = &request.options;
    let crates = documented(&workspace.project, &options.package, options.workspace);
    let mut pages = crates.iter().map(|name| folder.join(name).join("index.html"));
    let Some(page) = pages.find(|page| page.is_file()) else {
        bail!("there is no page to open for {}; look into the folder `{}`", crates.join(", "), folder.display());
    };
    shell.status("Opening", page.display());
    let browser = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let default = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(target_os = "android") {
        "termux-open"
    } else {
        "xdg-open"
    };
    let program = browser.unwrap_or_else(|| default.into());
    let status = Command::new(&program)
        .arg(&page)
        .status()
        .with_context(|| format!("could not start `{}`; set BROWSER to a browser", program.display()))?;
    if !status.success() {
        bail!("`{}` could not open `{}`: {status}", program.display(), page.display());
    }
    Ok(())
}
