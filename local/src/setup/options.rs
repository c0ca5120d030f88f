//! The command line of `cargo-cloud-local setup android`.

use std::path::PathBuf;

use clap::Args;

use super::Abi;

/// The command-line options of `cargo-cloud-local setup android`.
#[derive(Debug, Clone, Args)]
pub struct AndroidOptions {
    /// The kind of device, by Android's name. Can be given several times
    #[arg(long, value_name = "ABI", default_value = "arm64-v8a")]
    pub abi: Vec<Abi>,

    /// Show what would be fetched or removed, from where and how much, and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Remove what was installed here. Standard libraries that were there before stay
    #[arg(long)]
    pub remove: bool,

    /// The backend's data folder [default: cargo-cloud in the platform's folder for data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Another address of the NDK's archive: a mirror, or a stand-in.
    #[arg(long, value_name = "URL", hide = true)]
    pub ndk_url: Option<String>,

    /// The SHA-1 of the archive at that address.
    #[arg(long, value_name = "SHA1", hide = true)]
    pub ndk_sha1: Option<String>,
}
