//! One attempt, phase by phase.

mod cleaning;
mod compiling;
mod concluding;
mod examination;
mod fault;
mod installing;
mod verdict;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use protocol::{ArtifactInfo, Command, Outcome, Request, Status};
use tokio_util::sync::CancellationToken;

use self::fault::disk;
use crate::archive::Archive;
use crate::cache::{CachedProject, Unsaved};
use crate::cargo::CargoRun;
use crate::environment::Environment;
use crate::plan::{Execution, manifest_path, stand_in, working_directory};
use crate::project::{Project, ProjectLock};
use crate::selection::Metadata;
use crate::source::{Aftermath, Changes, ReceiveError, receive};
use crate::stream::Reporter;
use crate::supervisor::capture;
use crate::tools::{Toolchain, Wanted};
use crate::{Attempt, Engine, History};

pub(crate) use self::fault::Fault;

/// An attempt that came to its end.
pub(crate) struct Done {
    /// How.
    pub outcome: Outcome,
    /// Cargo's.
    pub exit_code: Option<i32>,
    /// For endings cargo doesn't explain.
    pub message: Option<String>,
    /// What was built, and where it lies.
    pub artifact: Option<(ArtifactInfo, PathBuf)>,
}

/// One attempt.
pub(crate) struct Build<'a> {
    engine: &'a Engine,
    attempt: &'a Attempt,
    reporter: Reporter,
    history: History,
    held: Option<(Project, CachedProject, ProjectLock)>,
    /// What saving is begun before the deadline, beside what it takes.
    margin: Duration,
    /// When work has to stop, so that there is time to save.
    stop_at: Option<Instant>,
    begun: SystemTime,
}

/// All that cargo needs.
struct Prepared {
    request: Request,
    project: Project,
    directory: PathBuf,
    env: Environment,
    toolchain: Toolchain,
    execution: Execution,
}

impl Prepared {
    /// Where cargo runs.
    fn working_directory(&self) -> PathBuf {
        working_directory(&self.request, &self.project.source, &self.directory)
    }
}

impl<'a> Build<'a> {
    /// An attempt that is about to begin.
    pub fn new(engine: &'a Engine, attempt: &'a Attempt, reporter: Reporter) -> Self {
        let left = attempt.deadline.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
        // No large part of a short attempt.
        let margin = engine.config.pause_margin.min(left / 4);
        let stop_at = attempt.deadline.map(|at| at.checked_sub(margin).unwrap_or(at));
        Self {
            engine,
            attempt,
            reporter,
            history: attempt.history.clone(),
            held: None,
            margin,
            stop_at,
            begun: SystemTime::now(),
        }
    }

    /// Runs it.
    pub async fn run(&mut self) -> Result<Done, Fault> {
        let path = self.attempt.source.clone();
        let archive = self.blocking("reading the source", move |_| Ok(Archive::open(&path)?)).await?;
        let request = Request::decode(&self.attempt.metadata, archive.request.clone())
            .map_err(|error| Fault::Refused(error.to_string()))?;
        if request.command == Command::Clean {
            return self.clean(&request).await;
        }
        let project = self.enter(&request).await?;
        self.unpack(archive, &project).await?;
        let prepared = self.prepare(request, project).await?;
        let run = self.compile(&prepared).await?;
        self.conclude(&prepared, run).await
    }

    /// Ends the stream, and gives what outlives the attempt.
    pub async fn close(self) -> (History, Option<Unsaved>) {
        let cache = Arc::clone(&self.attempt.cache);
        let unsaved = self.held.map(|(_, project, lock)| Unsaved { cache, project, lock });
        (self.history, unsaved)
    }

    /// Takes the project's folder, and makes it ready for strangers' code.
    async fn enter(&mut self, request: &Request) -> Result<Project, Fault> {
        let project = Project::new(&self.engine.config.work, &self.attempt.owner, &request.project);
        let begun = Instant::now();
        let waiting = self.reporter.clone();
        let lock = project.lock(async move || waiting.status(Status::Waiting).await);
        let lock = match self.guarded("waiting for another build of the project", lock).await {
            // Waiting is no fault of this build's: it may go on waiting in another attempt.
            Err(Fault::OutOfTime { working_on, .. }) => return Err(Fault::OutOfTime { advanced: true, working_on }),
            lock => lock?,
        };
        self.history.times.waiting += millis(begun);
        let lock = lock.map_err(|error| disk("lock the project's folder", &error))?;
        let cached = CachedProject {
            owner: self.attempt.owner.clone(),
            key: request.project.clone(),
            folder: project.folder.clone(),
        };
        self.held = Some((project.clone(), cached.clone(), lock));
        let cache = Arc::clone(&self.attempt.cache);
        if cache.has_more(&cached).await {
            let begun = Instant::now();
            self.reporter.status(Status::Restoring).await;
            match self.guarded("restoring the cache", cache.restore(&cached)).await? {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, project = %request.project, "the cache could not be restored"),
            }
            self.history.times.restoring += millis(begun);
        }
        self.stop_at = self.time_to_stop().await;
        let (folders, home, config) = (project.clone(), self.cargo_home(), self.engine.config.cargo_config.clone());
        self.blocking("preparing", move |_| {
            folders
                .prepare()
                .and_then(|()| crate::project::clean_cargo_home(&home, config.as_deref()))
                .map_err(|error| disk("prepare the project's folder", &error))
        })
        .await?;
        if self.attempt.number == 1 {
            self.history.cache.warm = project.target.join("CACHEDIR.TAG").exists();
        }
        Ok(project)
    }

    async fn unpack(&mut self, archive: Archive, project: &Project) -> Result<(), Fault> {
        let begun = Instant::now();
        self.reporter.status(Status::Unpacking).await;
        let project = project.clone();
        let changes = self
            .blocking("unpacking the source", move |cancel| match receive(&archive, &project, cancel) {
                Ok(changes) => Ok(changes),
                Err(ReceiveError::Archive(error)) => Err(error.into()),
                Err(ReceiveError::Cancelled) => Ok(Changes::default()),
            })
            .await?;
        self.history.times.unpacking += millis(begun);
        self.history.cache.changed_files += changes.files;
        Ok(())
    }

    /// Chooses the toolchain, and asks for what its targets need.
    async fn prepare(&mut self, mut request: Request, project: Project) -> Result<Prepared, Fault> {
        let tools = &self.engine.tools;
        let directory = self.directory(&request, &project)?;
        let mut env = tools.base.of_build(&project, &request.details.env);
        let package = self.prepare_install(&request, &project, &mut env)?;
        let Request { command, details, options, .. } = &mut request;
        let (toolchain, extra) = {
            let chosen = tools.choose(&mut env, details.toolchain.as_deref(), &project.source, &directory);
            let work = async {
                let toolchain = chosen.await?;
                // On the device cargo would build for it by itself.
                if options.target.is_empty() {
                    options.target.extend(details.device.clone().filter(|device| *device != toolchain.host));
                }
                let wanted = Wanted {
                    links: command.links(),
                    options,
                    directory: package.as_ref().unwrap_or(&directory),
                    scratch: &project.tmp,
                    reporter: &self.reporter,
                };
                let extra = tools.target_environment(&self.engine.config, &wanted, &toolchain, &env).await?;
                Ok((toolchain, extra))
            };
            let source = format!("{}/", project.source.display());
            let refused = |why: String| Fault::Refused(why.replace(&source, ""));
            self.guarded("looking at the toolchain", work).await?.map_err(refused)?
        };
        // What the request sets itself comes before what is found.
        for (name, value) in extra {
            env.entry(name).or_insert(value);
        }
        let execution = Execution::of(&request, &toolchain.host, &env);
        if request.command == Command::Run && execution == Execution::Device {
            stand_in(&request.options.target, &mut env);
        }
        Ok(Prepared { request, project, directory, env, toolchain, execution })
    }

    async fn compile(&mut self, prepared: &Prepared) -> Result<(CargoRun, Option<Metadata>), Fault> {
        let begun = Instant::now();
        let source = prepared.project.source.to_string_lossy().into_owned();
        let target = Some(prepared.project.target.to_string_lossy().into_owned());
        let installs = prepared.request.command == Command::Install;
        let root = installs.then(|| prepared.project.root.to_string_lossy().into_owned());
        self.reporter.status(Status::Compiling { attempt: self.attempt.number, source, target, root }).await;
        let metadata = metadata_args(&prepared.request, &prepared.project);
        let metadata = self.spec(prepared, metadata, &prepared.working_directory());
        let (run, metadata) = tokio::join!(self.run_cargo(prepared), async {
            if prepared.execution == Execution::Here || !brings_programs(prepared.request.command) {
                return None;
            }
            let text = self.guarded("cargo metadata", capture(&metadata)).await.ok()?.ok()?.text().ok()?;
            serde_json::from_str(&text).ok()
        });
        self.history.times.compiling += millis(begun);
        let project = prepared.project.clone();
        let disk_full = run.as_ref().is_ok_and(CargoRun::filled_the_disk);
        let recorded = tokio::task::spawn_blocking(move || {
            if disk_full {
                project.discard_built()?;
            }
            Aftermath::record(&project).and(project.tidy())
        })
        .await;
        if let Err(error) = recorded.map_err(io::Error::other).and_then(|recorded| recorded) {
            tracing::warn!(%error, "what the build left could not be recorded");
        }
        let run = run?;
        let history = &mut self.history;
        history.peak_memory = history.peak_memory.max(run.peak_memory);
        // What an earlier attempt compiled is fresh now, and was not there before the build.
        history.cache.fresh = run.made.fresh.saturating_sub(history.cache.compiled);
        history.cache.compiled += run.made.compiled;
        Ok((run, metadata))
    }

    /// Saves what was made for the next attempt.
    async fn pause(&mut self, run: &CargoRun) -> Fault {
        self.reporter.status(Status::Pausing { attempt: self.attempt.number }).await;
        let advanced = run.made.compiled > 0 || run.told.done > self.history.units_done;
        self.history.units_done = self.history.units_done.max(run.told.done);
        if let Some((_, project, _)) = &self.held
            && let Err(error) = self.attempt.cache.save(project).await
        {
            tracing::warn!(%error, "the cache could not be saved");
        }
        let working_on = match run.told.current.as_str() {
            _ if run.made.built => "running what was built",
            "" => "starting cargo",
            current => current,
        };
        Fault::OutOfTime { advanced, working_on: working_on.to_owned() }
    }

    /// Waits for something, unless the build is cancelled or out of time before.
    async fn guarded<T>(&self, what: &str, work: impl Future<Output = T>) -> Result<T, Fault> {
        let time = async {
            match self.stop_at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.attempt.cancel.cancelled() => Err(Fault::Cancelled),
            done = work => Ok(done),
            () = time => Err(Fault::OutOfTime { advanced: false, working_on: what.to_owned() }),
        }
    }

    /// The same for work that blocks a thread; it is told to stop, and waited for: it works in the project's folder.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&CancellationToken) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let stop = self.attempt.cancel.child_token();
        let token = stop.clone();
        let mut handle = tokio::task::spawn_blocking(move || work(&token));
        let guarded = self.guarded(what, &mut handle).await;
        let joined = match guarded {
            Ok(joined) => joined,
            Err(fault) => {
                stop.cancel();
                let _ = handle.await;
                return Err(fault);
            }
        };
        joined.unwrap_or_else(|error| Err(Fault::Crashed(format!("the engine failed while {what}: {error}"))))
    }
}

/// Whether programs or libraries can come of it.
fn brings_programs(command: Command) -> bool {
    matches!(command, Command::Build | Command::Test | Command::Bench | Command::Run)
}

/// `cargo metadata` with the flags that change what a project is.
fn metadata_args(request: &Request, project: &Project) -> Vec<OsString> {
    let mut args =
        vec!["metadata".to_owned(), "--no-deps".to_owned(), "--format-version=1".to_owned(), "--quiet".to_owned()];
    args.extend(manifest_path(request, project));
    args.extend(request.options.config.iter().map(|value| format!("--config={value}")));
    args.extend(request.options.unstable.iter().map(|value| format!("-Z{value}")));
    args.into_iter().map(Into::into).collect()
}

fn millis(since: Instant) -> u64 {
    u64::try_from(Duration::as_millis(&since.elapsed())).unwrap_or(u64::MAX)
}
