//! What cargo is to be run with.

use std::ffi::OsString;

use protocol::CargoOptions;

/// Cargo's message formats for people, and what gives the same text beside messages for the engine.
const FOR_PEOPLE: [(&str, &str); 2] =
    [("human", "json-render-diagnostics"), ("short", "json-render-diagnostics,json-diagnostic-short")];

/// Cargo's arguments, and what is to be done with what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// After `cargo`.
    pub args: Vec<OsString>,
    /// Whether the person asked for cargo's messages, so that they go on to standard output.
    pub forward_messages: bool,
}

impl Plan {
    /// For these flags.
    pub fn new(options: &CargoOptions) -> Self {
        let mut args = vec!["build".to_owned()];
        args.extend(options.to_args());
        args.extend(options.target.iter().map(|target| format!("--target={target}")));
        args.push(format!("--color={}", if options.color { "always" } else { "never" }));
        let formats = message_formats(&options.message_format);
        args.extend(formats.iter().map(|format| format!("--message-format={format}")));
        let forward_messages = options.message_format.iter().any(|format| format.contains("json"));
        Self { args: args.into_iter().map(OsString::from).collect(), forward_messages }
    }
}

/// Formats for people become messages with the same text; all others, and mixtures, are cargo's to judge.
fn message_formats(asked: &[String]) -> Vec<String> {
    let asked: Vec<String> = asked.iter().map(|format| format.to_ascii_lowercase()).collect();
    match asked.as_slice() {
        [] => vec![FOR_PEOPLE[0].1.to_owned()],
        [one] => {
            vec![FOR_PEOPLE.iter().find(|(name, _)| name == one).map_or(one.as_str(), |(_, ours)| ours).to_owned()]
        }
        many => many.to_vec(),
    }
}

/// The folder below the target directory that a profile's output goes to (doc.rust-lang.org/cargo, build cache).
pub(crate) fn profile_folder(options: &CargoOptions) -> &str {
    match options.profile.as_deref() {
        Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(name) => name,
        None if options.release => "release",
        None => "debug",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(options: &CargoOptions) -> Vec<String> {
        Plan::new(options).args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn a_plain_build() {
        assert_eq!(
            args(&CargoOptions::default()),
            ["build", "--color=never", "--message-format=json-render-diagnostics"]
        );
    }

    #[test]
    fn targets_and_colour() {
        let options = CargoOptions { target: vec!["a".into(), "b".into()], color: true, ..CargoOptions::default() };
        let args = args(&options);
        assert_eq!(args[1..4], ["--target=a", "--target=b", "--color=always"]);
    }

    #[test]
    fn formats_for_people_keep_their_text_and_others_go_through() {
        let formats = |asked: &[&str]| message_formats(&asked.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>());
        assert_eq!(formats(&["short"]), ["json-render-diagnostics,json-diagnostic-short"]);
        assert_eq!(formats(&["human"]), ["json-render-diagnostics"]);
        assert_eq!(formats(&["json"]), ["json"]);
        assert_eq!(formats(&["bogus"]), ["bogus"]);
        assert_eq!(formats(&["json", "json-diagnostic-short"]), ["json", "json-diagnostic-short"]);
        let json = CargoOptions { message_format: vec!["json".into()], ..CargoOptions::default() };
        assert!(Plan::new(&json).forward_messages);
        assert!(!Plan::new(&CargoOptions { message_format: vec!["short".into()], ..json }).forward_messages);
    }

    #[test]
    fn profiles_have_folders() {
        let folder = |profile: Option<&str>, release| {
            let options = CargoOptions { profile: profile.map(str::to_owned), release, ..CargoOptions::default() };
            profile_folder(&options).to_owned()
        };
        assert_eq!(folder(None, false), "debug");
        assert_eq!(folder(None, true), "release");
        assert_eq!(folder(Some("dev"), false), "debug");
        assert_eq!(folder(Some("bench"), false), "release");
        assert_eq!(folder(Some("dist"), false), "dist");
    }
}
