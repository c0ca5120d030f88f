//! Renders a captured session as an animated SVG. It needs no script, so a web page can show it as an image.
//!
//! The terminal's pictures lie beside each other in one long strip, and a CSS animation moves the strip by one picture
//! at a time. Where animations are off, the last picture is shown. Equal rows are stored once.

use std::collections::HashMap;
use std::fmt::Write;

use vt100::Color;

use crate::cast::{Cast, CastEvent, TerminalSize, TimedEvent};

/// Width and height of a character in pixels, for a font of 14 pixels.
const CHARACTER: (f64, f64) = (8.4, 18.0);
/// Distance of a row's baseline from its top, in pixels.
const BASELINE: u32 = 13;
/// Space around the text, in pixels.
const MARGIN: f64 = 16.0;
/// Height of the window's bar above the text, in pixels.
const BAR: f64 = 30.0;
/// Output that comes within this time is shown in one picture, in seconds.
const PICTURE_TIME: f64 = 0.1;
/// The longest time that a command is shown, in seconds. A longer command is played faster.
const LONGEST_COMMAND: f64 = 9.0;
/// Time that the last picture stays before the session begins again, in seconds.
const LAST_PICTURE: f64 = 6.0;

/// A picture of the terminal, and how many seconds it is shown.
struct Picture {
    rows: Vec<String>,
    seconds: f64,
}

/// Renders a session as the text of an SVG file.
pub fn render(cast: &Cast) -> String {
    let pictures = pictures(cast);
    let (width, height) = pixels(cast.size);
    let (outer_width, outer_height) = (width + 2.0 * MARGIN, height + 2.0 * MARGIN + BAR);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {outer_width:.0} {outer_height:.0}\" \
         width=\"{outer_width:.0}\" height=\"{outer_height:.0}\" role=\"img\">\n\
         <title>A session in a terminal: cargo cloud build compiles a program elsewhere and installs it here</title>\n"
    );
    svg += &style(&pictures, width);
    svg += "<rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"#16181d\" stroke=\"#3a3f4b\"/>\n";
    for (n, color) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"17\" r=\"6\" fill=\"{color}\"/>", 22 + 20 * n);
    }
    let mut ids: HashMap<&str, usize> = HashMap::new();
    svg += "<defs>\n";
    for row in pictures.iter().flat_map(|picture| &picture.rows).filter(|row| !row.is_empty()) {
        let next = ids.len();
        if let std::collections::hash_map::Entry::Vacant(entry) = ids.entry(row) {
            entry.insert(next);
            let _ = writeln!(svg, "<g id=\"r{next}\">{row}</g>");
        }
    }
    svg += "</defs>\n";
    let _ = writeln!(
        svg,
        "<svg x=\"{MARGIN}\" y=\"{}\" width=\"{width:.0}\" height=\"{height:.0}\" overflow=\"hidden\">\n<g class=\"strip\" fill=\"#d8dbe2\">",
        MARGIN + BAR - 10.0
    );
    for (n, picture) in pictures.iter().enumerate() {
        let _ = write!(svg, "<g transform=\"translate({:.0})\">", width.ceil() * as_f64(n));
        for (y, row) in picture.rows.iter().enumerate() {
            if let Some(id) = ids.get(row.as_str()) {
                let _ = write!(svg, "<use href=\"#r{id}\" y=\"{:.0}\"/>", as_f64(y) * CHARACTER.1);
            }
        }
        svg += "</g>\n";
    }
    svg + "</g></svg>\n</svg>\n"
}

/// The classes of the text and the animation.
fn style(pictures: &[Picture], width: f64) -> String {
    let total: f64 = pictures.iter().map(|picture| picture.seconds).sum();
    let mut keyframes = String::new();
    let mut at = 0.0;
    for (n, picture) in pictures.iter().enumerate() {
        let _ = write!(keyframes, "{:.3}%{{transform:translateX({:.0}px)}}", at / total * 100.0, shift(n, width));
        at += picture.seconds;
    }
    let last = shift(pictures.len().saturating_sub(1), width);
    let _ = write!(keyframes, "100%{{transform:translateX({last:.0}px)}}");
    format!(
        "<style>\n\
         text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}\n\
         .b{{font-weight:bold}} .d{{opacity:.7}}\n\
         .strip{{transform:translateX({last:.0}px);animation:play {total:.2}s step-end infinite}}\n\
         @media (prefers-reduced-motion:reduce){{.strip{{animation:none}}}}\n\
         @keyframes play{{{keyframes}}}\n\
         </style>\n"
    )
}

/// Horizontal position of the strip while it shows picture number `n`, in pixels.
fn shift(n: usize, width: f64) -> f64 {
    -width.ceil() * as_f64(n)
}

/// The pictures of a session. Output that comes within [`PICTURE_TIME`] of the next one is shown together with it.
fn pictures(cast: &Cast) -> Vec<Picture> {
    let mut terminal = cast.size.terminal();
    let mut pictures: Vec<Picture> = Vec::new();
    let (mut speed, mut waited) = (1.0, 0.0);
    for (n, TimedEvent { at, event }) in cast.events.iter().enumerate() {
        match event {
            CastEvent::Output(text) => terminal.process(text.as_bytes()),
            CastEvent::Started => {
                speed = (command_seconds(cast.events.get(n..).unwrap_or_default()) / LONGEST_COMMAND).max(1.0)
            }
            CastEvent::Ended => speed = 1.0,
        }
        let next = cast.events.get(n + 1);
        waited += next.map_or(LAST_PICTURE, |next| (next.at - at) / speed);
        if waited < PICTURE_TIME {
            continue;
        }
        let rows = rows(terminal.screen(), cast.size);
        match pictures.last_mut() {
            Some(last) if last.rows == rows => last.seconds += waited,
            _ => pictures.push(Picture { rows, seconds: waited }),
        }
        waited = 0.0;
    }
    pictures
}

/// Real time of the command whose start is the first of these events.
fn command_seconds(events: &[TimedEvent]) -> f64 {
    let end = events.iter().find(|event| event.event == CastEvent::Ended).or(events.last());
    end.zip(events.first()).map_or(0.0, |(end, start)| end.at - start.at)
}

/// The rows of the screen as SVG text; an empty row is an empty string.
fn rows(screen: &vt100::Screen, size: TerminalSize) -> Vec<String> {
    (0..size.rows).map(|y| row(screen, y, size.columns)).collect()
}

/// A run of characters that look alike.
struct TextRun {
    column: u16,
    text: String,
    /// CSS classes, and the colour where it isn't the usual one.
    attributes: String,
}

fn row(screen: &vt100::Screen, y: u16, columns: u16) -> String {
    let mut runs: Vec<TextRun> = Vec::new();
    for x in 0..columns {
        let Some(cell) = screen.cell(y, x).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let attributes = attributes(cell);
        match runs.last_mut() {
            Some(run) if run.attributes == attributes => run.text += text,
            _ => runs.push(TextRun { column: x, text: text.to_owned(), attributes }),
        }
    }
    let mut out = String::new();
    for run in runs {
        let text = run.text.trim_start();
        let column = usize::from(run.column) + (run.text.len() - text.len());
        let text = text.trim_end();
        if !text.is_empty() {
            // The length is given, so that every font keeps the columns.
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{BASELINE}\" textLength=\"{:.1}\"{}>{}</text>",
                as_f64(column) * CHARACTER.0,
                as_f64(text.chars().count()) * CHARACTER.0,
                run.attributes,
                escaped(text)
            );
        }
    }
    out
}

fn attributes(cell: &vt100::Cell) -> String {
    let mut out = String::new();
    if cell.bold() {
        out += " class=\"b\"";
    } else if cell.dim() {
        out += " class=\"d\"";
    }
    if let Some(color) = color(cell.fgcolor()) {
        let _ = write!(out, " fill=\"{color}\"");
    }
    out
}

/// The colour of text, if it isn't the terminal's usual one.
fn color(color: Color) -> Option<String> {
    const NAMED: [&str; 16] = [
        "#4a4f5a", "#e06c75", "#7ec27e", "#d7ba7d", "#6ca6e8", "#c586c0", "#5cc5cf", "#d8dbe2", "#7f848e", "#ff7b85",
        "#8fdc8f", "#f0d28c", "#82b8ff", "#e0a0e0", "#72dbe6", "#ffffff",
    ];
    match color {
        Color::Default => None,
        Color::Idx(index) => NAMED.get(usize::from(index)).map(ToString::to_string),
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}

fn escaped(text: &str) -> String {
    // Viewers that don't know `white-space` show several plain spaces as one.
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}")
}

fn pixels(size: TerminalSize) -> (f64, f64) {
    ((f64::from(size.columns) * CHARACTER.0).ceil(), f64::from(size.rows) * CHARACTER.1)
}

/// Converts a count of pictures, rows or characters. They are small, so the conversion is exact.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(events: &[(f64, &str)]) -> Cast {
        let event = |text: &str| match text {
            "started" => CastEvent::Started,
            "ended" => CastEvent::Ended,
            _ => CastEvent::Output(text.to_owned()),
        };
        let events = events.iter().map(|(at, text)| TimedEvent { at: *at, event: event(text) }).collect();
        Cast { size: TerminalSize { columns: 20, rows: 2 }, events }
    }

    #[test]
    fn simultaneous_output_is_one_picture_and_a_long_command_is_played_faster() {
        let pictures =
            pictures(&cast(&[(0.0, "a"), (0.02, "b"), (1.02, "started"), (1.02, "c"), (91.02, "d"), (91.02, "ended")]));
        let seconds: Vec<f64> = pictures.iter().map(|picture| (picture.seconds * 100.0).round() / 100.0).collect();
        assert_eq!(seconds, [1.02, 9.0, LAST_PICTURE]);
        assert!(pictures[0].rows[0].contains(">ab<") && pictures[2].rows[0].contains(">abcd<"));
    }

    #[test]
    fn colours_and_columns_are_kept_and_markup_is_escaped() {
        let svg = render(&cast(&[(0.0, "<a>  \u{1b}[1;92mgo\u{1b}[0m\r\n  &")]));
        assert!(svg.contains("textLength=\"25.2\">&lt;a&gt;</text>"), "{svg}");
        assert!(
            svg.contains("<text x=\"42.0\" y=\"13\" textLength=\"16.8\" class=\"b\" fill=\"#8fdc8f\">go</text>"),
            "{svg}"
        );
        assert!(svg.contains("<text x=\"16.8\" y=\"13\" textLength=\"8.4\">&amp;</text>"), "{svg}");
    }
}
