//! What a folder weighs: files, bytes, lines and how small they would pack, by kind of file, with the copies it holds.

mod report;
mod weigh;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

/// What a folder weighs: files, bytes and how small they would pack, by kind of file.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = &arguments.folder;
    let weights = weigh::folder(folder).with_context(|| format!("can't weigh {}", folder.display()))?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&weights)?);
    } else {
        report::print(&weights);
    }
    Ok(())
}
