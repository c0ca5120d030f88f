//! Command lines of pages: those of our own programs, which parse them, and those of `make`.

use std::fs;
use std::process::{Command, Output};

use conformance::{backend_binary, client_binary};

use crate::markdown::MarkdownPage;

/// A command as a page has it.
pub struct DocumentedCommand {
    /// The page, and the command as it is written there.
    pub place: String,
    /// The command's words, the program first.
    pub words: Vec<String>,
}

/// Marks of a command that stands for several: it can't be parsed as it is.
const PLACEHOLDERS: [&str; 3] = ["…", "[", "VERB"];

/// The commands that start `cargo cloud`, `cargo-cloud` or `cargo-cloud-local`.
pub fn of_programs(page: &MarkdownPage) -> Vec<DocumentedCommand> {
    let ours = |words: &[String]| match words {
        [program, verb, ..] if program == "cargo" => verb == "cloud",
        [program, ..] => program == "cargo-cloud" || program == "cargo-cloud-local",
        [] => false,
    };
    typed(page).into_iter().filter(|command| ours(&command.words)).collect()
}

/// The commands that start `make`.
pub fn of_make(page: &MarkdownPage) -> Vec<DocumentedCommand> {
    typed(page).into_iter().filter(|command| command.words.len() > 1 && command.words[0] == "make").collect()
}

/// Everything that a page tells its reader to type: the lines of its blocks, and what is between backticks.
fn typed(page: &MarkdownPage) -> Vec<DocumentedCommand> {
    let mut lines: Vec<&str> = page.spans.iter().map(String::as_str).collect();
    lines.retain(|span| !PLACEHOLDERS.iter().any(|mark| span.contains(mark)));
    for block in &page.blocks {
        match block.language.as_str() {
            "sh" => lines.extend(block.text.lines()),
            // What a line answers follows it without a prompt.
            "console" => lines.extend(block.text.lines().filter_map(|line| line.strip_prefix("$ "))),
            _ => {}
        }
    }
    lines.into_iter().flat_map(|line| commands(page, line)).collect()
}

/// The commands of a line, which may be joined and have variables in front of them.
fn commands(page: &MarkdownPage, line: &str) -> Vec<DocumentedCommand> {
    let place = format!("{}: {line}", page.path.display());
    let words = shlex::Shlex::new(line).collect::<Vec<_>>();
    let parts = words.split(|word| matches!(word.as_str(), "&&" | "||" | "|" | ";" | "&" | "then"));
    let parts = parts.map(|words| words.iter().skip_while(|word| is_assignment(word)).cloned().collect::<Vec<_>>());
    parts.filter(|words| !words.is_empty()).map(|words| DocumentedCommand { place: place.clone(), words }).collect()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// The commands that their program doesn't understand, with its answer.
pub fn refused(commands: &[DocumentedCommand]) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    // An alias that the README explains.
    fs::create_dir(home.path().join(".cargo")).expect("a folder");
    fs::write(home.path().join(".cargo/config.toml"), "[alias]\nxc = \"check --all-targets\"\n").expect("a file");
    let refused = commands.iter().filter_map(|command| {
        let output = with_help(&command.words, home.path());
        let help = output.status.success() && String::from_utf8_lossy(&output.stdout).contains("Usage:");
        (!help).then(|| format!("{}\n    {}", command.place, String::from_utf8_lossy(&output.stderr).trim()))
    });
    refused.collect()
}

/// Has the program parse a command and print the help of its verb instead of doing anything: `--help` is added at the end,
/// so an argument before it that the program doesn't know is an error.
fn with_help(words: &[String], home: &std::path::Path) -> Output {
    let (program, arguments) = words.split_first().expect("a program");
    let binary = if program == "cargo-cloud-local" { backend_binary() } else { client_binary() };
    let (ours, passed_on) =
        arguments.split_at(arguments.iter().position(|word| word == "--").unwrap_or(arguments.len()));
    let mut command = Command::new(binary);
    command.args(ours).arg("--help").args(passed_on).env_clear().env("HOME", home).current_dir(home);
    command.output().expect("the program starts")
}

/// The commands for `make` with a target that the Makefile lacks, or a variable that neither it nor a script reads.
pub fn unknown_to_make(commands: &[DocumentedCommand], makefile: &str, scripts: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for command in commands {
        for word in command.words.iter().skip(1) {
            let known = match word.split_once('=') {
                None => makefile.contains(&format!("\n{word}:")),
                Some((variable, _)) => {
                    let forms = ["${V", "$V", "(V", " V "].map(|form| form.replace('V', variable));
                    forms.iter().any(|form| scripts.contains(form) || makefile.contains(form))
                }
            };
            if !known {
                unknown.push(format!("{}: {word}", command.place));
            }
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn page(text: &str) -> MarkdownPage {
        MarkdownPage::parse(Path::new("x.md"), text)
    }

    fn words(commands: &[DocumentedCommand]) -> Vec<String> {
        commands.iter().map(|command| command.words.join(" ")).collect()
    }

    #[test]
    fn commands_are_found_in_blocks_and_in_text() {
        let text = "Type `cargo cloud build -p \"a b\"` or `make test`, not `cargo build`.\n\n```sh\nA=1 cargo-cloud-local --jobs 2 &   # starts\ncd x && make deploy REGION=eu\n```\n\n```console\n$ cargo cloud check\n   make no sense\n```\n\n```toml\nmake nothing\n```\n";
        let page = page(text);
        let expected = ["cargo cloud build -p a b", "cargo-cloud-local --jobs 2", "cargo cloud check"];
        assert_eq!(words(&of_programs(&page)), expected);
        assert_eq!(words(&of_make(&page)), ["make test", "make deploy REGION=eu"]);
    }

    #[test]
    fn a_command_that_its_program_refuses_is_found() {
        let good = "`cargo cloud build --release` `cargo-cloud attach` `cargo cloud run -- --bogus` `cargo cloud xc` `cargo-cloud-local --jobs 3`";
        assert_eq!(refused(&of_programs(&page(good))), Vec::<String>::new());
        let bad = "`cargo cloud build --relase` `cargo cloud atach` `cargo-cloud-local --job 3` `cargo-cloud-local --jobs few`";
        let refused = refused(&of_programs(&page(bad)));
        assert_eq!(refused.len(), 4, "{refused:?}");
        assert!(refused[0].contains("x.md") && refused[0].contains("--relase"), "{refused:?}");
    }

    #[test]
    fn an_unknown_target_or_variable_of_make_is_found() {
        let (makefile, scripts) = ("all:\n\ndeploy: ## It\n\techo $(FILTER)\n", "echo ${REGION:-x}\n");
        let unknown = |text: &str| unknown_to_make(&of_make(&page(text)), makefile, scripts);
        assert_eq!(unknown("`make deploy REGION=eu FILTER=a`"), Vec::<String>::new());
        assert_eq!(unknown("`make deply` `make deploy REGON=eu`").len(), 2);
    }
}
