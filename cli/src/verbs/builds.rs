//! `cargo cloud builds`: lists the latest builds.

use protocol::BuildSummary;
use serde_json::json;

use crate::args::{BuildsArgs, Invocation};
use crate::builds::{self, BuildState, ListedBuild, outcome_name, short_id};
use crate::interrupt::Interrupt;
use crate::pipeline::Session;
use crate::terminal::{Shell, bytes, stdout_columns};

/// The headings of the table's columns.
const HEADINGS: [&str; 6] = ["BUILD", "BEGAN", "COMMAND", "OUTCOME", "TIME", "SIZE"];

/// Prints the latest builds of the owner, from all devices, newest first. Returns the exit code.
///
/// # Errors
/// If the backend can't be reached or refuses.
pub fn builds(shell: &Shell, interrupt: &Interrupt, invocation: &Invocation, args: &BuildsArgs) -> anyhow::Result<u8> {
    let session = Session::open(shell, interrupt, invocation.cli.common.backend.as_deref())?;
    session.stop_on_interrupt();
    let owner = &session.backend.owner;
    let listed = builds::list(&session.storage, &session.clock, owner, args.limit)?;
    let now = session.clock.unix_ms();
    if args.json {
        listed.iter().for_each(|listed| shell.print(as_json(listed, now)));
        return Ok(0);
    }
    if listed.is_empty() {
        shell.note(format!("owner `{owner}` has no builds of the last 7 days at `{}`", session.backend.name));
        return Ok(0);
    }
    let rows: Vec<_> = listed.iter().map(|listed| row(listed, now)).collect();
    lines(&rows, stdout_columns()).iter().for_each(|line| shell.print(line));
    Ok(0)
}

fn row(listed: &ListedBuild, now: u64) -> [String; 6] {
    let began = listed.found.id.unix_ms();
    let (time, size) = match &listed.found.state {
        BuildState::Ended(result) => {
            (duration(result.times.total()), result.artifact.as_ref().map(|artifact| bytes(artifact.size)))
        }
        _ => (duration(now.saturating_sub(began)), None),
    };
    [
        short_id(&listed.found.id).to_owned(),
        age(now.saturating_sub(began)),
        command(listed.summary.as_ref()),
        state_name(&listed.found.state).to_owned(),
        time,
        size.unwrap_or_default(),
    ]
}

/// What was requested, in a few words.
fn command(summary: Option<&BuildSummary>) -> String {
    let Some(summary) = summary else { return "?".to_owned() };
    // A request to clean all projects has no targets.
    let targets = if summary.targets.is_empty() { String::new() } else { format!(" ({})", summary.targets.join(", ")) };
    format!("{} {}{targets}", summary.command, summary.name())
}

/// The state of a build, in a word or two.
fn state_name(state: &BuildState) -> &'static str {
    match state {
        BuildState::Ended(result) => outcome_name(result.outcome),
        BuildState::Unfinished { started: true, .. } => "running",
        BuildState::Unfinished { started: false, .. } => "queued",
        BuildState::Ending => "ending",
        BuildState::Gone => "gone",
    }
}

fn as_json(listed: &ListedBuild, now: u64) -> serde_json::Value {
    let id = &listed.found.id;
    let result = match &listed.found.state {
        BuildState::Ended(result) => Some(result),
        _ => None,
    };
    let time = result.map_or(now.saturating_sub(id.unix_ms()), |result| result.times.total());
    json!({
        "id": id,
        "began_ms": id.unix_ms(),
        "command": listed.summary.as_ref().map(|summary| &summary.command),
        "project": listed.summary.as_ref().map(|summary| &summary.project),
        "targets": listed.summary.as_ref().map(|summary| &summary.targets),
        "outcome": state_name(&listed.found.state),
        "exit_code": result.and_then(|result| result.exit_code),
        "message": result.and_then(|result| result.message.as_ref()),
        "time_ms": time,
        "size": result.and_then(|result| Some(result.artifact.as_ref()?.size)),
    })
}

/// A table, or two lines a row if the table is too wide for the terminal.
fn lines(rows: &[[String; 6]], columns: Option<usize>) -> Vec<String> {
    let table = table(rows);
    if !table.iter().any(|line| columns.is_some_and(|columns| line.chars().count() > columns)) {
        return table;
    }
    let two_lines = |[build, began, command, outcome, time, size]: &[String; 6]| {
        let size = if size.is_empty() { String::new() } else { format!(", {size}") };
        [format!("{build}  {outcome}, {began}"), format!("          {command}, {time}{size}")]
    };
    rows.iter().flat_map(two_lines).collect()
}

/// The rows below the headings, in columns as wide as their widest cell.
fn table(rows: &[[String; 6]]) -> Vec<String> {
    let headings = HEADINGS.map(str::to_owned);
    let all: Vec<_> = std::iter::once(&headings).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.into_iter().map(line).collect()
}

/// How long ago something was, in the largest unit of which there are at least 2; the smallest is the second.
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// How long something took, as cargo prints it.
fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds < 60 {
        format!("{}.{:02}s", seconds, ms % 1000 / 10)
    } else {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_durations_are_short() {
        for (ms, text) in [
            (0, "0 seconds ago"),
            (1_000, "1 second ago"),
            (119_000, "119 seconds ago"),
            (3_599_000, "59 minutes ago"),
            (7_200_000, "2 hours ago"),
            (200_000_000, "2 days ago"),
        ] {
            assert_eq!(age(ms), text);
        }
        assert_eq!((duration(1_230).as_str(), duration(61_000).as_str()), ("1.23s", "1m 01s"));
    }

    #[test]
    fn a_narrow_terminal_gets_two_lines_a_build() {
        let row = ["67c12d44", "15 seconds ago", "build hello", "succeeded", "4.93s", "233.7 KiB"].map(str::to_owned);
        let expected = ["67c12d44  succeeded, 15 seconds ago", "          build hello, 4.93s, 233.7 KiB"];
        let rows = [row];
        assert_eq!(lines(&rows, Some(40)), expected);
        assert_eq!(lines(&rows, Some(80)), table(&rows));
        assert_eq!(lines(&rows, None), table(&rows));
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let row = |first: &str, last: &str| [first, "b", "c", "d", "e", last].map(str::to_owned);
        let lines = table(&[row("long-name", ""), row("a", "1 B")]);
        assert_eq!(lines[0], "BUILD      BEGAN  COMMAND  OUTCOME  TIME  SIZE");
        assert_eq!(lines[1], "long-name  b      c        d        e");
    }
}
