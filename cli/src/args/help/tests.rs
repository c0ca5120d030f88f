use super::*;
use crate::args::parse_words;

/// Lines and columns of a screen that each short help must fit.
const SCREEN: usize = 40;
const COLUMNS: usize = 100;

/// The help of every verb, by its name; that of the program under an empty one.
fn all(detail: HelpDetail, narrow: Option<usize>) -> Vec<(String, String)> {
    let mut command = fitting(detail, narrow);
    command.clone().debug_assert();
    command.build();
    let mut all = vec![(String::new(), command.render_help().to_string())];
    let verbs = command.get_subcommands_mut().filter(|verb| verb.get_name() != "help");
    all.extend(verbs.map(|verb| (verb.get_name().to_owned(), verb.render_help().to_string())));
    all
}

#[test]
fn help_fits_a_tablet_held_upright() {
    for (_, text) in [HelpDetail::Short, HelpDetail::Whole].into_iter().flat_map(|detail| all(detail, Some(40))) {
        // Usage, a flag's own name, and what clap puts in brackets can't be split.
        let whole = |line: &str| line.contains("Usage:") || line.contains('[') || line.contains("--");
        let link = |line: &str| line.trim_start().starts_with("https://");
        for line in text.lines().filter(|line| !whole(line) && !link(line)) {
            assert!(line.chars().count() <= 40, "{line}\n\n{text}");
        }
    }
}

#[test]
fn every_verb_is_listed_once() {
    let help = &all(HelpDetail::Whole, None)[0].1;
    for verb in Cli::command().get_subcommands() {
        let lines = help.lines().filter(|line| {
            line.strip_prefix("    ").is_some_and(|line| line.split([' ', ',']).next() == Some(verb.get_name()))
        });
        assert_eq!(lines.count(), 1, "{}", verb.get_name());
    }
    for (_, verbs) in SECTIONS {
        assert!(verbs.iter().all(|verb| *verb == "help" || Cli::command().find_subcommand(verb).is_some()));
    }
    assert!(help.contains("    build, b "), "{help}");
}

#[test]
fn short_help_fits_one_screen() {
    for (verb, text) in all(HelpDetail::Short, None) {
        let lines: usize = text.trim_end().lines().map(|line| line.chars().count().div_ceil(COLUMNS).max(1)).sum();
        assert!(lines <= SCREEN, "{verb}: {lines} lines\n{text}");
    }
}

#[test]
fn whole_help_names_every_flag() {
    let mut command = Cli::command();
    command.build();
    for (verb, text) in all(HelpDetail::Whole, None).into_iter().skip(1) {
        let words: Vec<&str> = text.split([' ', ',', '\n', ']']).collect();
        let verb = command.find_subcommand(&verb).unwrap();
        let shown = verb.get_arguments().filter(|arg| !arg.is_hide_set());
        let flags: Vec<String> = shown
            .flat_map(|arg| {
                let short = arg.get_short().map(|short| format!("-{short}"));
                short.into_iter().chain(arg.get_long().map(|long| format!("--{long}")))
            })
            .collect();
        assert!(flags.len() > 6, "{flags:?}");
        for flag in flags {
            let found = words.iter().any(|word| word.trim_end_matches("...") == flag);
            assert!(found, "{}: {flag} is missing in\n{text}", verb.get_name());
        }
    }
}

#[test]
fn rare_and_usual_flags_exist() {
    let mut command = Cli::command();
    command.build();
    let has = |verb: &Command, id: &str| verb.get_arguments().any(|arg| arg.get_id() == id);
    for id in RARE {
        assert!(command.get_subcommands().any(|verb| has(verb, id)), "{id}");
    }
    for (verb, ids) in USUAL {
        let verb = command.find_subcommand(verb).unwrap();
        assert!(ids.iter().all(|id| has(verb, id) && RARE.contains(id)), "{}: {ids:?}", verb.get_name());
    }
}

#[test]
fn every_help_ends_with_two_examples_that_parse() {
    for detail in [HelpDetail::Short, HelpDetail::Whole] {
        for (verb, text) in all(detail, None) {
            let (_, examples) =
                text.rsplit_once("\nExamples:\n").unwrap_or_else(|| panic!("{verb}: no examples\n{text}"));
            let lines: Vec<&str> = examples.trim_end().lines().collect();
            assert_eq!(lines.len(), 2, "{verb}: {examples}");
            for line in lines {
                let (line, does) = line.trim_start().split_once("  ").unwrap();
                assert!(!does.trim().is_empty(), "{line}");
                let words =
                    line.strip_prefix("cargo cloud ").unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>();
                let parsed = parse_words(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert!(verb.is_empty() || words[0] == verb, "{line} in the help of {verb}");
                parsed.cli.verb.build_command().unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
