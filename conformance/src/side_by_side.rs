//! Runs `cargo X` and `cargo cloud X` in the same folder, one after the other, and compares the results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use walkdir::WalkDir;

use crate::{ScenarioClient, ScenarioProject};

/// The first words of lines that only the client prints, or that cargo prints about other processes.
const OUR_WORDS: [&str; 7] = ["Packing", "Uploading", "Downloaded", "Created", "Unchanged", "Queued", "Blocking"];

/// The first words of lines whose order depends on parallel work: lines of each list are sorted.
const UNORDERED: [&[&str]; 3] = [&["Compiling", "Checking", "Documenting", "Fresh"], &["Adding"], &["test"]];

/// The result of one of the two commands.
#[derive(Debug, PartialEq, Eq)]
pub struct Side {
    /// The exit code, if the process was not killed.
    pub code: Option<i32>,
    /// Standard output without the parts that differ from run to run.
    pub stdout: String,
    /// The normalized text of standard error.
    pub stderr: String,
    /// The files of the project by their paths; of `target` only the documentation.
    pub files: BTreeMap<PathBuf, String>,
}

/// Runs cargo and the client in `folder`, a folder below the project's root, each with its own arguments.
pub fn both(
    client: &ScenarioClient,
    project: &ScenarioProject,
    folder: &str,
    cargo: &[&str],
    cloud: &[&str],
) -> (Side, Side) {
    let before = project.outside().join("before");
    copy(project.root(), &before);
    let output = Command::new(env!("CARGO"))
        .args(cargo)
        .current_dir(project.root().join(folder))
        .env_clear()
        .env("HOME", client.home())
        .env("CARGO_HOME", project.outside().join("cargo-home"))
        .env("PATH", format!("{}:/usr/bin:/bin", Path::new(env!("CARGO")).parent().unwrap_or(Path::new("/")).display()))
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("cargo starts");
    let text = |bytes: Vec<u8>| plain(&String::from_utf8(bytes).expect("cargo prints UTF-8"));
    let home = Side {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        files: files(project.root()),
    };
    fs::remove_dir_all(project.root()).expect("the folder goes");
    copy(&before, project.root());
    fs::remove_dir_all(&before).expect("the copy goes");
    let run = client.run(&project.root().join(folder), cloud);
    let cloud =
        Side { code: run.code, stdout: plain(&run.stdout), stderr: plain(&run.stderr), files: files(project.root()) };
    (home, cloud)
}

/// Runs both commands and asserts that nothing differs.
#[track_caller]
pub fn same(client: &ScenarioClient, project: &ScenarioProject, folder: &str, arguments: &[&str]) -> Side {
    let (home, cloud) = both(client, project, folder, arguments, arguments);
    home.assert_is(&cloud, arguments);
    home
}

impl Side {
    /// Asserts that the other result is equal; the failure shows only the differences.
    #[track_caller]
    pub fn assert_is(&self, cloud: &Side, arguments: &[&str]) {
        let mut found = Vec::new();
        if self.code != cloud.code {
            found.push(format!("exit code: {:?} and {:?}", self.code, cloud.code));
        }
        for (what, home, cloud) in
            [("standard output", &self.stdout, &cloud.stdout), ("standard error", &self.stderr, &cloud.stderr)]
        {
            if home != cloud {
                found.push(format!("{what}:\n--- cargo\n{home}\n--- cargo cloud\n{cloud}"));
            }
        }
        let names = |side: &Side| side.files.keys().cloned().collect::<Vec<_>>();
        if names(self) != names(cloud) {
            found.push(format!("files: {:?} and {:?}", names(self), names(cloud)));
        }
        let changed =
            self.files.iter().filter(|(name, text)| cloud.files.get(*name).is_some_and(|other| other != *text));
        found.extend(changed.map(|(name, text)| format!("{}:\n{text}\n---\n{}", name.display(), cloud.files[name])));
        assert!(found.is_empty(), "`cargo {}` differs:\n{}", arguments.join(" "), found.join("\n"));
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp starts").success());
}

fn files(root: &Path) -> BTreeMap<PathBuf, String> {
    let source = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != "target");
    let documentation = WalkDir::new(root.join("target/doc")).into_iter().filter_entry(|_| true);
    source
        .flatten()
        .chain(documentation.flatten())
        .filter(|entry| entry.file_type().is_file() && entry.file_name() != ".lock")
        .map(|entry| {
            // Rustdoc's own pages contain the name of the crate that was documented last.
            let own = ["help.html", "settings.html"].iter().any(|name| entry.file_name() == *name);
            let text = if own { Vec::new() } else { fs::read(entry.path()).expect("a file") };
            let text = String::from_utf8_lossy(&text).into_owned();
            (entry.path().strip_prefix(root).expect("below").to_path_buf(), text)
        })
        .collect()
}

/// The text without times, hashes and the client's own lines; lines without a fixed order are sorted.
fn plain(text: &str) -> String {
    let word = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !OUR_WORDS.contains(&word(line).as_str())) {
        lines.push(without_doctest(&without_thread(&without_hashes(&without_time(&sorted_marks(line))))));
    }
    let kind = |line: &str| UNORDERED.iter().position(|words| words.contains(&word(line).as_str()));
    for group in lines.chunk_by_mut(|one, next| kind(one).is_some() && kind(one) == kind(next)) {
        group.sort();
    }
    lines.join("\n")
}

/// Whether a line consists of the results of `cargo test -q`, such as `.i.F`, whose order can differ.
fn sorted_marks(line: &str) -> String {
    let mut marks: Vec<char> = line.chars().collect();
    if marks.iter().all(|mark| ".iF".contains(*mark)) {
        marks.sort_unstable();
    }
    marks.into_iter().collect()
}

fn without_time(line: &str) -> String {
    match line.rsplit_once(" in ") {
        Some((rest, time)) if time.starts_with(|c: char| c.is_ascii_digit()) && time.trim_end().ends_with('s') => {
            format!("{rest} in TIME")
        }
        _ => line.to_owned(),
    }
}

/// The line without the name of rustdoc's temporary folder, such as `/tmp/rustdoctestAbCdEf/…`.
fn without_doctest(line: &str) -> String {
    let Some(at) = line.find("/rustdoctest") else { return line.to_owned() };
    let start = line[..at].rfind(' ').map_or(0, |space| space + 1);
    let end = line[at + 1..].find('/').map_or(line.len(), |slash| at + 1 + slash);
    format!("{}DOCTEST{}", &line[..start], &line[end..])
}

/// The line without the thread id in the head of a panic: `thread 'main' (123) panicked`.
fn without_thread(line: &str) -> String {
    match line.split_once("' (").and_then(|(name, rest)| Some((name, rest.split_once(") panicked")?.1))) {
        Some((name, rest)) if name.trim_start().starts_with("thread '") => format!("{name}' panicked{rest}"),
        _ => line.to_owned(),
    }
}

/// The line without cargo's hashes in file names, such as `-0123456789abcdef`, which depend on the folder.
fn without_hashes(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('-') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits == 16 {
            out.push_str("HASH");
            rest = &after[16..];
        } else {
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let said = "   Uploading 1 KiB to x\n   Compiling b v1\n   Compiling a v1\n    Finished `dev` in 0.12s\n     \
            Running unittests src/a-b.rs (target/debug/deps/a-0123456789abcdef)\n.i.\n";
        assert_eq!(
            plain(said),
            "   Compiling a v1\n   Compiling b v1\n    Finished `dev` in TIME\n     \
             Running unittests src/a-b.rs (target/debug/deps/a-HASH)\n..i"
        );
    }
}
