//! Records a real session for the README: the demo, typed in a terminal of 88 columns.
//!
//! `recording make` runs the session and writes `docs/recording.cast` (the captured bytes with their times, in asciinema's
//! format, version 2) and `docs/recording.svg` (what the README shows). `recording render` makes only the SVG, from the
//! stored capture. The tests render again and run the session again, and compare.

mod capture;
mod cast;
mod session;
mod svg;
#[cfg(test)]
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cast::Cast;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make"] => {
            let cast = session::record()?;
            fs::write(docs("recording.cast"), cast.to_text()?).context("docs/recording.cast can't be written")?;
            render(&cast)
        }
        ["render"] => render(&stored()?),
        _ => bail!("usage: recording make | render"),
    }
}

/// Writes the SVG of a capture.
fn render(cast: &Cast) -> Result<()> {
    fs::write(docs("recording.svg"), svg::render(cast)).context("docs/recording.svg can't be written")
}

/// Reads the capture that is stored in the repository.
fn stored() -> Result<Cast> {
    Cast::parse(&fs::read_to_string(docs("recording.cast")).context("docs/recording.cast can't be read")?)
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_picture_shows_the_stored_capture() {
        let picture = fs::read_to_string(docs("recording.svg")).unwrap();
        assert!(svg::render(&stored().unwrap()) == picture, "run `target/debug/recording render`");
    }

    #[test]
    fn a_new_session_prints_what_the_recording_shows() {
        let (stored, now) = (stored().unwrap(), session::record().unwrap());
        assert_eq!(transcript::normalized(&now), transcript::normalized(&stored), "run `make recording`");
    }
}
