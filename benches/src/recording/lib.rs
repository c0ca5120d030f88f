//! Records a real session for the README: the demo, typed in a terminal.
//!
//! The captured bytes with their times are `docs/recording.cast`; the animated picture made from them is
//! `docs/recording.svg`. The tests render the stored capture again and run the session again, and compare.

mod capture;
mod cast;
mod session;
mod svg;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use cast::{Cast, CastEvent, TerminalSize, TimedEvent};
pub use session::record;
pub use svg::render;
pub use transcript::normalized;

/// Reads the capture that is stored in the repository.
pub fn stored() -> Result<Cast> {
    Cast::parse(&fs::read_to_string(path("recording.cast")).context("docs/recording.cast can't be read")?)
}

/// Stores a capture in the repository.
pub fn store(cast: &Cast) -> Result<()> {
    fs::write(path("recording.cast"), cast.to_text()?).context("docs/recording.cast can't be written")
}

/// Reads the picture that is stored in the repository.
pub fn stored_picture() -> Result<String> {
    fs::read_to_string(path("recording.svg")).context("docs/recording.svg can't be read")
}

/// Renders a capture and stores the picture in the repository.
pub fn store_picture(cast: &Cast) -> Result<()> {
    fs::write(path("recording.svg"), render(cast)).context("docs/recording.svg can't be written")
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_picture_shows_the_stored_capture() {
        assert!(render(&stored().unwrap()) == stored_picture().unwrap(), "run `target/debug/recording render`");
    }
}
