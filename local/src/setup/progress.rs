//! Shows the progress of a long step: a bar on a terminal, or a line from time to time elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, a line is printed each time this many percent more are done.
const STEP: u64 = 10;

/// Shows the progress of a download.
pub(super) struct DownloadProgress {
    bar: ProgressBar,
    total: u64,
    printed: Option<u64>,
}

impl DownloadProgress {
    /// Starts to show the progress. `total` and `done` are in bytes.
    pub fn start(what: &str, done: u64, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(total) } else { ProgressBar::hidden() };
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        bar.set_position(done);
        bar.reset_eta();
        let printed = (!terminal).then(|| percent(done, total));
        Self { bar, total, printed }
    }

    /// Updates the progress to `done` bytes.
    pub fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        if let Some(printed) = &mut self.printed {
            let now = percent(done, self.total);
            if now >= *printed + STEP {
                *printed = now - now % STEP;
                eprintln!("{} of {}", megabytes(done), megabytes(self.total));
            }
        }
    }
}

impl Drop for DownloadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A spinner on the terminal, shown until it is dropped.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    /// Shows a spinner with the text `what`. Without a terminal, prints the text once.
    pub fn start(what: String) -> Self {
        if !std::io::stderr().is_terminal() {
            eprintln!("{what}");
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn percent(done: u64, total: u64) -> u64 {
    done.saturating_mul(100).checked_div(total).unwrap_or_default()
}

/// Formats a size in millions of bytes (MB), the unit that Google uses.
pub(super) fn megabytes(bytes: u64) -> String {
    match bytes.div_ceil(1_000_000) {
        0 => "0 MB".to_owned(),
        millions => format!("{millions} MB"),
    }
}
