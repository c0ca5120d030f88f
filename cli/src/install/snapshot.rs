//! What an install root holds when an installation is requested, as the builder is told.

use protocol::Installed;

use super::installation::Installation;
use super::records::InstallRecords;

/// The records and programs of an install root at one moment.
pub struct InstalledSnapshot {
    /// The content of cargo's records.
    pub records: InstallRecords,
    /// Names of the files in `bin`, sorted.
    pub bin: Vec<String>,
    /// Whether `bin` is in PATH.
    pub in_path: bool,
}

impl InstalledSnapshot {
    /// Reads the records and the names of the programs.
    pub fn read(installation: &Installation) -> Self {
        let entries = std::fs::read_dir(installation.root().bin()).into_iter().flatten().flatten();
        // A link that leads nowhere doesn't count, as in cargo.
        let names =
            entries.filter(|entry| entry.path().exists()).filter_map(|entry| entry.file_name().into_string().ok());
        let mut bin: Vec<String> = names.collect();
        bin.sort_unstable();
        let in_path = installation.root().path_warning(std::env::var_os("PATH").as_deref()).is_none();
        Self { records: installation.records.clone(), bin, in_path }
    }

    /// The snapshot that a request carried.
    ///
    /// # Errors
    /// If its records are malformed.
    pub fn from_request(installed: &Installed) -> anyhow::Result<Self> {
        let records = InstallRecords::parse(&installed.crates_toml, &installed.crates2_json)?;
        Ok(Self { records, bin: installed.bin.clone(), in_path: installed.in_path })
    }

    /// The form in which a request carries the snapshot.
    pub fn to_request(&self) -> Installed {
        let known = self.records.packages().next().is_some();
        let text = |text: String| if known { text } else { String::new() };
        Installed {
            crates_toml: text(self.records.crates_toml()),
            crates2_json: text(self.records.crates2_json()),
            bin: self.bin.clone(),
            in_path: self.in_path,
        }
    }
}
