//! Runs cargo: within the attempt's time, and a second time with fewer jobs when memory ran out.

use std::ffi::OsString;
use std::future::pending;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use cargo_metadata::Metadata;
use protocol::{CargoOptions, Command, Request, Status, Stream};

use super::project::LockedProject;
use super::{AttemptError, AttemptRun, Prepared, millis};
use crate::cargo::{self, CargoRun, RunControl};
use crate::plan::{CargoPlan, Execution, manifest_path};
use crate::project::ProjectFolder;
use crate::source::PostBuildState;
use crate::supervisor::{CommandSpec, SupervisorError, capture};

/// How often the cache is asked how long saving takes: the folder to save grows while cargo runs.
const ASK_INTERVAL: Duration = Duration::from_secs(10);

/// What cargo did, and what it knows about the project.
pub(super) struct Compiled {
    pub run: CargoRun,
    /// `cargo metadata`; `None` if the command makes no programs for the device, or if cargo couldn't answer.
    pub metadata: Option<Metadata>,
}

impl AttemptRun<'_> {
    /// Runs cargo and, beside it, `cargo metadata`; then records what the build changed.
    pub(super) async fn compile(&mut self, prepared: &Prepared) -> Result<Compiled, AttemptError> {
        let begun = Instant::now();
        let source = prepared.project.source.to_string_lossy().into_owned();
        let target = Some(prepared.project.target.to_string_lossy().into_owned());
        let installs = prepared.request.command == Command::Install;
        let root = installs.then(|| prepared.project.root.to_string_lossy().into_owned());
        self.reporter.status(Status::Compiling { attempt: self.attempt.number, source, target, root }).await;
        let (run, metadata) = tokio::join!(self.run_cargo(prepared), self.read_metadata(prepared));
        self.history.times.compiling += millis(begun);
        let project = prepared.project.clone();
        let disk_full = run.as_ref().is_ok_and(CargoRun::filled_the_disk);
        let recorded = tokio::task::spawn_blocking(move || {
            if disk_full {
                project.discard_built()?;
            }
            PostBuildState::record(&project).and(project.tidy())
        })
        .await;
        if let Err(error) = recorded.map_err(io::Error::other).and_then(|recorded| recorded) {
            tracing::warn!(%error, "the files that the build changed could not be recorded");
        }
        let run = run?;
        let history = &mut self.history;
        history.peak_memory = history.peak_memory.max(run.peak_memory);
        // What an earlier attempt compiled is fresh in this one, but was not there before the build.
        history.cache.fresh = run.stdout.fresh.saturating_sub(history.cache.compiled);
        history.cache.compiled += run.stdout.compiled;
        Ok(Compiled { run, metadata })
    }

    /// Asks cargo which packages and targets the project has, if the build makes programs for the device.
    async fn read_metadata(&self, prepared: &Prepared) -> Option<Metadata> {
        if prepared.execution == Execution::Builder || !makes_programs(prepared.request.command) {
            return None;
        }
        let args = metadata_args(&prepared.request, &prepared.project);
        let spec = self.cargo_command(prepared, args, &prepared.working_directory());
        let text = self.guarded("cargo metadata", capture(&spec)).await.ok()?.ok()?.text().ok()?;
        match serde_json::from_str(&text) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                let warning = format!(
                    "warning: the builder can't read the output of `cargo metadata`, so it sends no programs back: {error}\n"
                );
                self.reporter.text(Stream::Stderr, warning).await;
                None
            }
        }
    }

    /// Runs cargo; once more with half the jobs when one of its processes was killed, because fewer compilers at once
    /// need less memory.
    async fn run_cargo(&self, prepared: &Prepared) -> Result<CargoRun, SupervisorError> {
        let options = &prepared.request.options;
        let run = self.run_once(prepared, options).await?;
        let processors = available_parallelism().map_or(1, NonZero::get);
        let jobs = jobs(options.jobs.as_deref(), processors);
        if jobs < 2 || !run.lost_a_process() {
            return Ok(run);
        }
        let fewer = jobs / 2;
        let warning = if options.color { "\u{1b}[1m\u{1b}[33mwarning\u{1b}[0m" } else { "warning" };
        let text = format!(
            "{warning}: a process of the build was killed, most likely because memory ran out; trying once more with \
             `-j {fewer}` instead of `-j {jobs}`\n"
        );
        self.reporter.text(Stream::Stderr, text).await;
        let options = CargoOptions { jobs: Some(fewer.to_string()), ..options.clone() };
        Ok(self.run_once(prepared, &options).await?.after(&run))
    }

    async fn run_once(&self, prepared: &Prepared, options: &CargoOptions) -> Result<CargoRun, SupervisorError> {
        let Prepared { request, project, execution, .. } = prepared;
        let plan = CargoPlan::new(request, options, project, *execution);
        let folder = prepared.working_directory();
        let control = RunControl {
            reporter: &self.reporter,
            cancel: &self.attempt.cancel,
            drain_time: self.engine.config.drain_time,
            forward_messages: plan.forward_messages,
            execution: *execution,
        };
        cargo::run(&self.cargo_command(prepared, plan.args, &folder), &control, self.out_of_time()).await
    }

    /// Cargo with these arguments, to run in `folder`.
    fn cargo_command(&self, prepared: &Prepared, args: Vec<OsString>, folder: &Path) -> CommandSpec {
        CommandSpec::new(&self.engine.tools.cargo, args, &prepared.env, folder)
    }

    /// When work has to stop, so that there is time to save what there is now. `None` for an attempt without a deadline.
    pub(super) async fn time_to_stop(&self) -> Option<Instant> {
        let (deadline, locked) = (self.attempt.deadline?, self.locked.as_ref()?);
        let saving = self.attempt.cache.time_to_save(&locked.cached).await;
        Some(deadline.checked_sub(saving + self.margin).unwrap_or_else(Instant::now))
    }

    /// Waits until work has to stop.
    async fn out_of_time(&self) {
        while let Some(stop_at) = self.time_to_stop().await {
            let now = Instant::now();
            if stop_at <= now {
                return;
            }
            tokio::time::sleep(ASK_INTERVAL.min(stop_at - now)).await;
        }
        pending().await
    }

    /// Saves the project's folder for the next attempt. Returns the error that ends this attempt.
    pub(super) async fn pause(&mut self, run: &CargoRun) -> AttemptError {
        self.reporter.status(Status::Pausing { attempt: self.attempt.number }).await;
        let advanced = run.stdout.compiled > 0 || run.stderr.units_done > self.history.units_done;
        self.history.units_done = self.history.units_done.max(run.stderr.units_done);
        if let Some(LockedProject { cached, .. }) = &self.locked
            && let Err(error) = self.attempt.cache.save(cached).await
        {
            tracing::warn!(%error, "the cache could not be saved");
        }
        let working_on = match run.stderr.compiling.as_str() {
            _ if run.stdout.build_succeeded => "running what was built",
            "" => "starting cargo",
            compiling => compiling,
        };
        AttemptError::OutOfTime { advanced, working_on: working_on.to_owned() }
    }
}

/// Whether a command can make programs or libraries for the device.
fn makes_programs(command: Command) -> bool {
    matches!(command, Command::Build | Command::Test | Command::Bench | Command::Run)
}

/// The arguments of `cargo metadata`, with those flags of the request that change what the project is.
fn metadata_args(request: &Request, project: &ProjectFolder) -> Vec<OsString> {
    let mut args =
        vec!["metadata".to_owned(), "--no-deps".to_owned(), "--format-version=1".to_owned(), "--quiet".to_owned()];
    args.extend(manifest_path(request, project));
    args.extend(request.options.config.iter().map(|value| format!("--config={value}")));
    args.extend(request.options.unstable.iter().map(|value| format!("-Z{value}")));
    args.into_iter().map(Into::into).collect()
}

/// How many jobs cargo runs at once when `--jobs` is `asked` (doc.rust-lang.org/cargo, cargo build): a negative number
/// counts down from the number of processors. At least 1.
fn jobs(asked: Option<&str>, processors: usize) -> usize {
    match asked.and_then(|asked| asked.parse::<isize>().ok()) {
        Some(jobs) => usize::try_from(jobs).unwrap_or_else(|_| processors.saturating_sub(jobs.unsigned_abs()).max(1)),
        None => processors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_counted_as_cargo_counts_them() {
        assert_eq!(jobs(None, 6), 6);
        assert_eq!(jobs(Some("default"), 3), 3);
        assert_eq!(jobs(Some("4"), 16), 4);
        assert_eq!(jobs(Some("-2"), 6), 4);
        assert_eq!(jobs(Some("-9"), 6), 1);
        assert_eq!(jobs(Some("1"), 6), 1);
    }
}
