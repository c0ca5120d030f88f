//! How cargo is run: its arguments, its working directory, and who runs the programs that it builds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use protocol::{CargoOptions, Command, InstallRequest, Request, runs_on};

use crate::environment::{Environment, find_program};
use crate::project::ProjectFolder;

/// Cargo's message formats for people, each with the one that prints the same text and messages for the engine.
const FOR_PEOPLE: [(&str, &str); 2] =
    [("human", "json-render-diagnostics"), ("short", "json-render-diagnostics,json-diagnostic-short")];

/// Cargo's arguments, and what happens with its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CargoPlan {
    /// The arguments after the word `cargo`.
    pub args: Vec<OsString>,
    /// Whether the user asked for cargo's messages, so that they go to the device's standard output.
    pub forward_messages: bool,
}

/// Who runs the programs that cargo builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Execution {
    /// Nobody: the command only builds.
    None,
    /// Cargo runs them on the builder.
    Builder,
    /// The device runs them, because the builder can't.
    Device,
}

impl Execution {
    /// Decides for a request. `host` is the builder's target triple, `env` cargo's environment.
    pub fn of(request: &Request, host: &str, env: &Environment) -> Self {
        if !request.command.executes() || request.options.no_run {
            return Execution::None;
        }
        // A runner for the target can run its programs.
        let runs_here =
            |target: &String| runs_on(host, target) || env.contains_key(runner_variable(target).as_os_str());
        if request.options.target.iter().all(runs_here) { Execution::Builder } else { Execution::Device }
    }
}

impl CargoPlan {
    /// The plan for a request, with `options` instead of the request's own.
    pub fn new(request: &Request, options: &CargoOptions, project: &ProjectFolder, execution: Execution) -> Self {
        let args = match request.command {
            Command::Fmt => fmt_args(options, manifest_path(request, project), &request.details.args),
            command => cargo_args(command, request, options, project, execution),
        };
        let forward_messages = options.message_format.iter().any(|format| format.contains("json"));
        Self { args: args.into_iter().map(OsString::from).collect(), forward_messages }
    }
}

fn cargo_args(
    command: Command,
    request: &Request,
    options: &CargoOptions,
    project: &ProjectFolder,
    execution: Execution,
) -> Vec<String> {
    let mut args = vec![command.as_str().to_owned()];
    args.extend(options.to_args());
    args.extend(options.target.iter().map(|target| format!("--target={target}")));
    args.push(format!("--color={}", if options.color { "always" } else { "never" }));
    args.extend(message_formats(&options.message_format).iter().map(|format| format!("--message-format={format}")));
    if options.artifact_dir {
        args.push(format!("--artifact-dir={}", project.artifact_dir.display()));
    }
    args.extend(manifest_path(request, project));
    // Not for `run`: there cargo chooses the program, and runs `true` in its place ([`stand_in_for_programs`]).
    if execution == Execution::Device && command != Command::Run {
        args.push("--no-run".to_owned());
    }
    if let Some(install) = &request.details.install {
        args.extend(install_args(install, request, project));
        return args;
    }
    // A test filter that looks like a flag must come after `--`.
    let (name, flag) = match &request.details.filter {
        Some(name) if name.starts_with('-') => (None, Some(name)),
        name => (name.as_ref(), None),
    };
    args.extend(name.cloned());
    if flag.is_some() || !request.details.args.is_empty() {
        args.push("--".to_owned());
        args.extend(flag.cloned());
        args.extend(request.details.args.iter().cloned());
    }
    args
}

/// The arguments that `cargo install` takes in addition to those of a build.
fn install_args(install: &InstallRequest, request: &Request, project: &ProjectFolder) -> Vec<String> {
    let mut args = vec![format!("--root={}", project.root.display())];
    if install.path {
        args.push(format!("--path={}", project.source.join(&request.details.directory).display()));
    }
    args.extend(install.to_args());
    args
}

fn fmt_args(options: &CargoOptions, manifest: Option<String>, rustfmt: &[String]) -> Vec<String> {
    let mut args = vec!["fmt".to_owned(), "--check".to_owned()];
    args.extend(manifest);
    args.extend(options.workspace.then(|| "--all".to_owned()));
    args.extend(options.package.iter().map(|package| format!("--package={package}")));
    args.extend(options.message_format.iter().map(|format| format!("--message-format={format}")));
    args.extend(options.quiet.then(|| "--quiet".to_owned()));
    args.extend((options.verbose > 0).then(|| "--verbose".to_owned()));
    args.push("--".to_owned());
    args.extend(options.color.then(|| "--color=always".to_owned()));
    args.extend(rustfmt.iter().cloned());
    args
}

/// The variable that tells cargo how to run programs of a target.
fn runner_variable(target: &str) -> OsString {
    format!("CARGO_TARGET_{}_RUNNER", target.to_ascii_uppercase().replace(['-', '.'], "_")).into()
}

/// Makes cargo run `true` instead of programs for these targets, which the builder can't run.
pub(crate) fn stand_in_for_programs(targets: &[String], env: &mut Environment) {
    if let Some(program) = find_program(env, "true") {
        for target in targets {
            env.insert(runner_variable(target), program.clone().into());
        }
    }
}

/// Replaces a format for people by the one that prints the same text and messages. All others, and combinations, go to
/// cargo unchanged.
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

/// The folder below the target directory for a profile's output (doc.rust-lang.org/cargo, build cache).
pub(crate) fn profile_folder(command: Command, options: &CargoOptions) -> &str {
    match options.profile.as_deref() {
        Some("dev" | "test") => "debug",
        Some("bench") => "release",
        Some(name) => name,
        None if options.release || command == Command::Bench => "release",
        None => "debug",
    }
}

/// The flag that names the package's manifest, if cargo doesn't run in the package's folder ([`working_directory`]).
pub(crate) fn manifest_path(request: &Request, project: &ProjectFolder) -> Option<String> {
    request.details.working_directory.as_ref()?;
    let manifest = project.source.join(&request.details.directory).join("Cargo.toml");
    Some(format!("--manifest-path={}", manifest.display()))
}

/// The folder that cargo runs in: the one the user is in, because cargo looks for configuration there and runs programs
/// there. `directory` if the source doesn't have that folder.
pub(crate) fn working_directory(request: &Request, source: &Path, directory: &Path) -> PathBuf {
    let wanted = request.details.working_directory.as_ref().map(|folder| source.join(folder));
    wanted.filter(|folder| folder.is_dir()).unwrap_or_else(|| directory.to_owned())
}

#[cfg(test)]
mod tests {
    use protocol::{Details, Owner};

    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    fn plan(command: Command, options: CargoOptions, args: &[&str]) -> (Vec<String>, Execution) {
        let request = Request {
            protocol: 1,
            client: String::new(),
            command,
            project: "k-1".parse().unwrap(),
            options,
            details: Details { args: args.iter().map(|arg| (*arg).to_owned()).collect(), ..Details::default() },
        };
        let project = ProjectFolder::new(Path::new("/w"), &Owner::default(), &request.project);
        let execution = Execution::of(&request, HOST, &Environment::new());
        let plan = CargoPlan::new(&request, &request.options, &project, execution);
        assert_eq!(plan.forward_messages, request.options.message_format.iter().any(|format| format == "json"));
        (plan.args.iter().map(|arg| arg.to_str().unwrap().to_owned()).collect(), execution)
    }

    fn for_target(target: &str) -> CargoOptions {
        CargoOptions { target: vec![target.to_owned()], ..CargoOptions::default() }
    }

    #[test]
    fn a_build_without_flags() {
        let (args, execution) = plan(Command::Build, CargoOptions::default(), &[]);
        assert_eq!(args, ["build", "--color=never", "--message-format=json-render-diagnostics"]);
        assert_eq!(execution, Execution::None);
    }

    #[test]
    fn targets_and_colour() {
        let options = CargoOptions { target: vec!["a".into(), "b".into()], color: true, ..CargoOptions::default() };
        assert_eq!(plan(Command::Check, options, &[]).0[1..4], ["--target=a", "--target=b", "--color=always"]);
    }

    #[test]
    fn the_device_runs_what_the_builder_cannot_run() {
        let execution = |command, target: &str| plan(command, for_target(target), &[]).1;
        assert_eq!(plan(Command::Test, CargoOptions::default(), &[]).1, Execution::Builder);
        assert_eq!(execution(Command::Test, "x86_64-unknown-linux-musl"), Execution::Builder);
        assert_eq!(execution(Command::Run, "aarch64-linux-android"), Execution::Device);
        let (args, _) = plan(Command::Test, for_target("aarch64-linux-android"), &["name", "--nocapture"]);
        assert_eq!(args[args.len() - 4..], ["--no-run", "--", "name", "--nocapture"]);
        let (args, _) = plan(Command::Run, for_target("aarch64-linux-android"), &[]);
        assert!(!args.contains(&"--no-run".to_owned()));
        let only_built = CargoOptions { no_run: true, ..CargoOptions::default() };
        assert_eq!(plan(Command::Test, only_built, &[]).1, Execution::None);
    }

    #[test]
    fn fmt_takes_its_own_flags() {
        let options = CargoOptions { workspace: true, color: true, ..CargoOptions::default() };
        let (args, _) = plan(Command::Fmt, options, &["--edition=2024"]);
        assert_eq!(args, ["fmt", "--check", "--all", "--", "--color=always", "--edition=2024"]);
    }

    #[test]
    fn formats_for_people_get_messages_and_others_stay() {
        let formats = |asked: &[&str]| message_formats(&asked.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>());
        assert_eq!(formats(&["short"]), ["json-render-diagnostics,json-diagnostic-short"]);
        assert_eq!(formats(&["human"]), ["json-render-diagnostics"]);
        assert_eq!(formats(&["json"]), ["json"]);
        assert_eq!(formats(&["bogus"]), ["bogus"]);
        assert_eq!(formats(&["json", "json-diagnostic-short"]), ["json", "json-diagnostic-short"]);
        let json = CargoOptions { message_format: vec!["json".into()], ..CargoOptions::default() };
        plan(Command::Build, json.clone(), &[]);
        plan(Command::Build, CargoOptions { message_format: vec!["short".into()], ..json }, &[]);
    }

    #[test]
    fn each_profile_has_its_folder() {
        let folder = |command, profile: Option<&str>, release| {
            let options = CargoOptions { profile: profile.map(str::to_owned), release, ..CargoOptions::default() };
            profile_folder(command, &options).to_owned()
        };
        assert_eq!(folder(Command::Build, None, false), "debug");
        assert_eq!(folder(Command::Build, None, true), "release");
        assert_eq!(folder(Command::Build, Some("dev"), false), "debug");
        assert_eq!(folder(Command::Build, Some("bench"), false), "release");
        assert_eq!(folder(Command::Build, Some("dist"), false), "dist");
        assert_eq!(folder(Command::Bench, None, false), "release");
        assert_eq!(folder(Command::Test, None, false), "debug");
    }
}
