//! QR codes in a terminal.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use qrcode::{Color, EcLevel, QrCode};

/// The width of the light margin around a code, in modules (ISO/IEC 18004: four).
const QUIET: usize = 4;

/// Draws a code in black on white, whatever the colours of the terminal, with two rows of modules in each line of text.
/// An error if it needs more than `columns` columns.
pub fn code(text: &str, columns: usize) -> Result<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).context("the line is too long for a QR code")?;
    let (width, modules) = (code.width(), code.to_colors());
    let whole = width + 2 * QUIET;
    ensure!(columns >= whole, "it needs a window of {whole} columns, and this one has {columns}");
    let dark = |x: usize, y: usize| {
        let inside = (QUIET..QUIET + width).contains(&x) && (QUIET..QUIET + width).contains(&y);
        inside && modules[(y - QUIET) * width + x - QUIET] == Color::Dark
    };
    let mut drawn = String::new();
    for y in (0..whole).step_by(2) {
        drawn.push_str("\x1b[30;107m");
        for x in 0..whole {
            drawn.push(match (dark(x, y), dark(x, y + 1)) {
                (false, false) => ' ',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (true, true) => '\u{2588}',
            });
        }
        writeln!(drawn, "\x1b[0m")?;
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corners_and_a_margin() {
        let drawn = code("hello", 80).unwrap();
        let rows: Vec<Vec<char>> = drawn
            .lines()
            .map(|line| line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m").chars().collect())
            .collect();
        // Version 1: 21 modules, and four on each side.
        assert!(rows.len() == 15 && rows.iter().all(|row| row.len() == 29), "{drawn}");
        assert!(rows[0].iter().chain(&rows[1]).all(|c| *c == ' '), "{drawn}");
        // The finder pattern's upper edge: seven dark modules, and below them a light one between two dark.
        assert_eq!(rows[2][4..12].iter().collect::<String>(), "█▀▀▀▀▀█ ");
    }

    #[test]
    fn every_module_is_where_it_belongs() {
        let text = format!("cargo-cloud configure cargo-cloud-1:{}", "eyJyZWdpb24".repeat(40));
        let expected = QrCode::with_error_correction_level(&text, EcLevel::L).unwrap();
        let width = expected.width();
        let drawn = code(&text, 200).unwrap();
        let mut modules = Vec::new();
        for line in drawn.lines() {
            let row = line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m");
            modules.push(row.chars().map(|c| matches!(c, '\u{2580}' | '\u{2588}')).collect::<Vec<_>>());
            modules.push(row.chars().map(|c| matches!(c, '\u{2584}' | '\u{2588}')).collect());
        }
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = (QUIET..QUIET + width).contains(&x) && (QUIET..QUIET + width).contains(&y);
                assert_eq!(*dark, inside && expected[(x - QUIET, y - QUIET)] == Color::Dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_code_that_does_not_fit_says_how_much_room_it_needs() {
        assert!(code("hello", 28).unwrap_err().to_string().contains("29 columns"));
    }
}
