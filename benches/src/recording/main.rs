//! Makes the README's recording: `recording make` runs the session and writes `docs/recording.cast` and
//! `docs/recording.svg`; `recording render` makes the picture anew from the stored capture.

use anyhow::{Result, bail};
use session_recording::{record, store, store_picture, stored};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make"] => {
            let cast = record()?;
            store(&cast)?;
            store_picture(&cast)
        }
        ["render"] => store_picture(&stored()?),
        _ => bail!("usage: recording make | render"),
    }
}
