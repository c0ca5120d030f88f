//! Writes the results as Markdown between two markers of the README.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::figures::{Figures, MachineState, Section};

/// First line of the generated part of the README.
const BEGIN: &str = "<!-- figures: written by `make figures`; change docs/figures.json or benches/, not this -->";
/// Last line of the generated part.
const END: &str = "<!-- end of figures -->";

/// Writes the results into a README.
pub fn write(readme: &Path, figures: &Figures) -> Result<()> {
    let text = fs::read_to_string(readme).with_context(|| format!("{} can't be read", readme.display()))?;
    fs::write(readme, updated(&text, figures)?).with_context(|| format!("{} can't be written", readme.display()))
}

/// The text of the README with the results between the markers.
fn updated(readme: &str, figures: &Figures) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).context("the README has no line where the figures begin")?;
    let (_, after) = rest.split_once(END).context("the README has no line where the figures end")?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", markdown(figures)))
}

/// The table, the sentences below it and the machine.
fn markdown(figures: &Figures) -> String {
    let mut rows = String::new();
    let mut sentences = Vec::new();
    for measurement in figures.iter() {
        match &measurement.section {
            Section::Comparisons(comparisons) => {
                let mut title = comparisons.title.as_str();
                for row in &comparisons.rows {
                    let (cargo, cloud) = (seconds(row.cargo_s), seconds(row.cloud_s));
                    let _ = writeln!(rows, "| {title}: {} | {cargo} | {cloud} |", row.work);
                    title = "…";
                }
            }
            Section::Latency(latency) => sentences.push(format!(
                "A line that cargo prints is on your screen after {:.0} ms (median; {:.0} ms for 99 of 100 lines).",
                latency.median_ms, latency.p99_ms
            )),
            #[expect(clippy::cast_precision_loss, reason = "a binary of a few thousand KiB")]
            Section::Client(client) => sentences.push(format!(
                "The client is one file of {:.1} MiB made of {} crates. It starts in {:.1} ms, and packs and sends 300 MB in \
                 2,900 files with {:.0} MiB of memory.",
                client.kib as f64 / 1024.0,
                client.crates,
                client.start_ms,
                client.upload_mib
            )),
        }
    }
    sentences.extend(machines(figures));
    let table = match rows.is_empty() {
        true => String::new(),
        false => format!("\n| | cargo | cargo cloud |\n|---|---:|---:|\n{rows}"),
    };
    format!("{table}\n{}\n\n", sentences.join("\n"))
}

/// The sentence that says where and when the results were measured. It lists the dates of all results together, and the
/// machine of the first.
fn machines(figures: &Figures) -> Option<String> {
    let machines: Vec<&MachineState> = figures.iter().map(|measurement| &measurement.machine).collect();
    let first = machines.first()?;
    let mut dates: Vec<&str> = machines.iter().map(|machine| machine.date.as_str()).collect();
    dates.sort_unstable();
    dates.dedup();
    let load = machines.iter().map(|machine| machine.load).fold(0.0, f64::max);
    let busy = match load > 1.0 {
        true => format!("; the machine was busy with other work (load up to {load:.1}), which makes every time longer"),
        false => String::new(),
    };
    Some(format!(
        "Medians of runs in turns, the backend on the same machine ({} cores, Rust {}, {}{busy}).",
        first.cores,
        first.rust,
        dates.join(" and ")
    ))
}

/// Formats seconds with two decimals below 10 s and one above.
fn seconds(seconds: f64) -> String {
    match seconds {
        ..10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::TimeComparison;
    use crate::figures::{ClientFigures, ComparisonFigures};

    fn figures(cloud_s: f64, load: f64) -> Figures {
        let machine = MachineState { date: "2026-11-28".to_owned(), cores: 2, load, rust: "1.95.0".to_owned() };
        let row = |work: &str, cargo_s| TimeComparison { work: work.to_owned(), cargo_s, cloud_s, rounds: 3 };
        let rows = vec![row("clean", 26.51), row("one line changed", 1.554)];
        let mut figures = Figures::default();
        let title = "`tool`, release".to_owned();
        figures.set("builds tool", machine.clone(), Section::Comparisons(ComparisonFigures { title, rows }));
        let client = ClientFigures { kib: 2904, crates: 103, start_ms: 1.46, upload_mib: 17.2 };
        figures.set("client", machine, Section::Client(client));
        figures
    }

    #[test]
    fn the_results_replace_only_the_text_between_the_markers() {
        let readme = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let text = updated(&readme, &figures(24.06, 0.2)).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("\nafter\n") && !text.contains("old"), "{text}");
        assert!(
            text.contains("| `tool`, release: clean | 26.5 s | 24.1 s |\n| …: one line changed | 1.55 s | 24.1 s |")
        );
        assert!(text.contains("one file of 2.8 MiB made of 103 crates. It starts in 1.5 ms"), "{text}");
        assert!(text.contains("2 cores, Rust 1.95.0, 2026-11-28)"), "{text}");
        assert_eq!(updated(&text, &figures(24.06, 0.2)).unwrap(), text);
        assert!(updated("no markers", &figures(1.0, 0.0)).is_err());
    }

    #[test]
    fn a_busy_machine_is_mentioned() {
        assert!(markdown(&figures(1.0, 7.5)).contains("load up to 7.5"));
        assert!(!markdown(&figures(1.0, 0.9)).contains("busy"));
    }

    #[test]
    fn the_readme_holds_the_stored_results() {
        let workspace = crate::workspace();
        let readme = fs::read_to_string(workspace.join("README.md")).unwrap();
        let figures = Figures::load(&workspace).unwrap();
        assert!(figures.iter().next().is_some(), "docs/figures.json holds no results: run `make figures`");
        assert_eq!(updated(&readme, &figures).unwrap(), readme, "run `target/debug/figures readme`");
    }
}
