//! One attempt of a build, from its claim to its end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use builder::{Attempt, Ending, Engine, Unsaved};
use common::NextAttempt;
use common::table::TableError;
use common::usage::{Reservation, Reserve, gb_seconds};
use protocol::limits::MAX_ATTEMPTS;
use protocol::{BuildResult, BuildSummary, Event, EventKind, Frame, Outcome, Status, keys};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::bus::About;
use crate::cache::{self, ProjectCache};
use crate::clock::Clock;
use crate::compiler::Compiler;
use crate::ending::{self, Carried};
use crate::events::{self, EventStream};
use crate::source::{self, SourceError, Watch};

/// An attempt that is this invocation's.
struct Claimed<'a> {
    compiler: &'a Compiler,
    order: NextAttempt,
    clock: &'a Clock,
    carried: Carried,
    held: Held,
    /// What its source's metadata say, as soon as they are read.
    asked: OnceLock<BuildSummary>,
    folder: PathBuf,
}

/// What the month's sum holds for an attempt.
enum Held {
    Nothing,
    This(Reservation),
    /// The table gave no answer.
    Unknown,
}

/// Where an attempt has led.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is taken apart at once")]
enum Way {
    /// To the build's end.
    End { result: BuildResult, unsaved: Option<Unsaved> },
    /// To a further attempt.
    On(NextAttempt),
}

/// What cargo is given to work on.
struct Opened {
    metadata: std::collections::BTreeMap<String, String>,
    etag: String,
    engine: &'static Engine,
}

impl Compiler {
    /// Makes an attempt, unless another invocation does. An error means that the build has no result, or that what it
    /// cost is not noted.
    pub async fn attempt(&self, order: NextAttempt, clock: &Clock, request: &str) -> Result<()> {
        let attempt = order.attempt;
        if !self.claim(&order, clock, request).await.context("the attempt could not be claimed")? {
            info!(attempt, "another invocation has it");
            return Ok(());
        }
        info!(attempt, "begun");
        let carried = Carried::of(&order);
        let folder = self.settings.work.join("attempt");
        let mut claimed =
            Claimed { compiler: self, order, clock, carried, held: Held::Nothing, asked: OnceLock::new(), folder };
        let ended = claimed.run().await;
        let settled = claimed.settle().await;
        ended.and(settled)
    }

    /// Lets an attempt be made in another invocation.
    pub async fn hand_over(&self, order: &NextAttempt, clock: &Clock) -> Result<()> {
        let detail = serde_json::to_string(order)?;
        self.bus.put(About::Continue, &detail, clock.last_call()).await.context("the attempt could not be handed over")
    }
}

impl Claimed<'_> {
    async fn run(&mut self) -> Result<()> {
        let (compiler, clock) = (self.compiler, self.clock);
        let way = self.build().await;
        let (mut result, unsaved) = match way {
            Way::End { result, unsaved } => (result, unsaved),
            Way::On(next) => match compiler.hand_over(&next, clock).await {
                Ok(()) => {
                    info!(next = next.attempt, "paused");
                    return Ok(());
                }
                Err(why) => {
                    error!("{why:#}");
                    let message = format!("the build was paused, and its next attempt could not be ordered: {why:#}");
                    let mut result = ending::result(&self.order, Outcome::Crashed, message);
                    result.last = next.first_seq - 1;
                    result.complete = self.carried.lost.is_none();
                    (result, None)
                }
            },
        };
        result.gb_seconds = Some(self.order.gb_seconds + gb_seconds(self.spent()));
        result.summary = self.asked.take();
        let outcome = result.outcome;
        if compiler.store_result(&self.order, &result, clock).await? {
            info!(?outcome, attempts = result.attempts, "ended");
            self.announce(result).await;
        } else {
            warn!(?outcome, "someone else has ended the build");
        }
        if let Some(unsaved) = unsaved
            && let Err(why) = unsaved.save().await
        {
            warn!(%why, "the project could not be saved: a build elsewhere takes longer");
        }
        Ok(())
    }

    /// Builds, and stores what was built and the log.
    async fn build(&mut self) -> Way {
        let order = &self.order;
        let until = self.clock.last_call();
        let stream = EventStream::start(
            self.compiler.bus.clone(),
            order.owner.clone(),
            order.build.clone(),
            order.first_seq,
            until,
        );
        let mut first_seq = order.first_seq;
        if order.attempt == 1 {
            stream.status(first_seq, Status::Received).await;
            first_seq += 1;
        }
        let opened = match self.open().await {
            Ok(opened) => opened,
            Err(result) => return self.end(stream, *result, None).await,
        };
        let cancel = CancellationToken::new();
        let key = keys::source(&self.order.owner, &self.order.build);
        let watch = Watch::start(self.compiler.input.clone(), key, opened.etag.clone(), cancel.clone());
        let ending = opened.engine.run(self.engine_attempt(&opened, first_seq, &stream, cancel.clone())).await;
        let cancelled = watch.stop();
        self.conclude(stream, opened.etag, ending, cancelled).await
    }

    /// Reserves what the attempt may cost, and fetches the source meanwhile.
    async fn open(&mut self) -> Result<Opened, Box<BuildResult>> {
        let refused = CancellationToken::new();
        let reserve = async {
            let reserved = self.reserve().await;
            if reserved.is_err() {
                refused.cancel();
            }
            reserved
        };
        let (reserved, fetched) = tokio::join!(reserve, refused.run_until_cancelled(self.fetch()));
        self.held = match &reserved {
            Ok(reservation) => Held::This(reservation.clone()),
            Err(result) if result.outcome == Outcome::Refused => Held::Nothing,
            Err(_) => Held::Unknown,
        };
        reserved?;
        fetched.unwrap_or_else(|| Err(self.crashed("the source could not be fetched")))
    }

    async fn reserve(&self) -> Result<Reservation, Box<BuildResult>> {
        let (order, budget) = (&self.order, self.compiler.settings.budget);
        let time = self.clock.whole();
        match self.compiler.table.reserve(&order.owner, &order.build, order.attempt, budget, time).await {
            Ok(Reserve::Granted(reservation)) => Ok(reservation),
            Ok(Reserve::Spent { month }) => {
                Err(Box::new(ending::over_budget(order, &month, budget, budget.cost(time))))
            }
            Err(why) => {
                error!(%why, "what it may cost could not be noted");
                let why = match why {
                    TableError::Call { code, .. } => code,
                    other => other.to_string(),
                };
                Err(self.crashed(&format!(
                    "the table that holds what builds cost is not to be had ({why}); build again in a minute"
                )))
            }
        }
    }

    async fn fetch(&self) -> Result<Opened, Box<BuildResult>> {
        let order = &self.order;
        let (work, owner, folder) = (self.compiler.settings.work.clone(), order.owner.clone(), self.folder.clone());
        let fresh_folder = tokio::task::spawn_blocking(move || {
            cache::tidy(&work, owner.as_str())?;
            remove_folder(&folder)?;
            std::fs::create_dir_all(folder.join("output"))
        });
        let fresh_folder = fresh_folder.await.map_err(std::io::Error::other).and_then(|made| made);
        fresh_folder.map_err(|why| self.crashed(&format!("the builder's disk can't be used: {why}")))?;
        let key = keys::source(&order.owner, &order.build);
        let capabilities = async || Some(self.compiler.engine().await.ok()?.capabilities());
        let source = source::open(&self.compiler.input, &key, order.source_etag.as_deref(), &self.asked, capabilities);
        let source = source.await;
        let source = source.map_err(|why| self.not_built(why))?;
        let (metadata, etag) = (source.metadata.clone(), source.etag.clone());
        source.save(&self.folder.join("source.zip")).await.map_err(|why| self.not_built(why))?;
        let engine = self.compiler.engine().await.map_err(|why| self.crashed(&format!("{why:#}")))?;
        Ok(Opened { metadata, etag, engine })
    }

    fn engine_attempt(
        &self,
        opened: &Opened,
        first_seq: u64,
        stream: &EventStream,
        cancel: CancellationToken,
    ) -> Attempt {
        let compiler = self.compiler;
        Attempt {
            build: self.order.build.clone(),
            owner: self.order.owner.clone(),
            number: self.order.attempt,
            first_seq,
            metadata: opened.metadata.clone(),
            source: self.folder.join("source.zip"),
            output: self.folder.join("output"),
            events: stream.sender(),
            cancel,
            deadline: Some(self.clock.engine_deadline()),
            cache: Arc::new(ProjectCache::new(
                compiler.cache.clone(),
                compiler.settings.work.clone(),
                self.clock.last_call(),
                compiler.rate.clone(),
            )),
            history: self.carried.history.clone(),
        }
    }

    async fn conclude(
        &mut self,
        stream: EventStream,
        etag: String,
        ending: Ending,
        cancelled: Option<&'static str>,
    ) -> Way {
        match ending {
            Ending::Finished { mut result, artifact, log, unsaved, .. } => {
                if let Some(why) = cancelled.filter(|_| result.outcome == Outcome::Cancelled) {
                    result.message = Some(why.to_owned());
                }
                if let Some(artifact) = artifact {
                    result = self.upload(&stream, result, artifact, &log).await;
                }
                if let Err(why) = self.compiler.store_log(&self.order, &log, self.clock.last_call()).await {
                    ending::note(&mut result, &format!("the build's log could not be stored: {why}"));
                }
                self.end(stream, result, unsaved).await
            }
            Ending::Paused { next_seq, log, history, advanced, working_on, .. } => {
                if let Err(why) = self.compiler.store_log(&self.order, &log, self.clock.last_call()).await {
                    self.carried.unlogged.get_or_insert(why.to_string());
                }
                let last = next_seq - 1;
                if let Some(why) = cancelled {
                    let mut result = ending::result(&self.order, Outcome::Cancelled, why);
                    result.last = last;
                    return self.end(stream, result, None).await;
                }
                if !advanced || self.order.attempt >= MAX_ATTEMPTS {
                    let result = ending::timed_out(&self.order, last, advanced, &working_on, history);
                    return self.end(stream, result, None).await;
                }
                let delivered = stream.close().await;
                self.carried.lost = delivered.lost.or(self.carried.lost.take());
                self.carried.history = history;
                Way::On(self.next(next_seq, etag))
            }
            _ => {
                let result = self.crashed("the engine ended in a way this backend doesn't know");
                self.end(stream, *result, None).await
            }
        }
    }

    fn next(&self, first_seq: u64, etag: String) -> NextAttempt {
        NextAttempt {
            attempt: self.order.attempt + 1,
            first_seq,
            source_etag: Some(etag),
            gb_seconds: self.order.gb_seconds + gb_seconds(self.spent()),
            history: serde_json::to_value(&self.carried).unwrap_or_default(),
            ..self.order.clone()
        }
    }

    /// Stores what was built, and says so before. A program that can't be stored was not built.
    async fn upload(
        &self,
        stream: &EventStream,
        mut result: BuildResult,
        artifact: PathBuf,
        log: &Path,
    ) -> BuildResult {
        let begun = std::time::Instant::now();
        result.last += 1;
        let event = stream.status(result.last, Status::Uploading).await;
        if let Err(why) = append(log, &event).await {
            warn!(%why, "the log lacks its last event");
        }
        let stored = self.compiler.store_artifact(&self.order, &artifact, self.clock.last_call()).await;
        result.times.uploading = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(why) = stored {
            error!(%why, "what was built could not be stored");
            result.outcome = Outcome::Crashed;
            result.artifact = None;
            ending::note(&mut result, &format!("what was built could not be stored: {why}; build again"));
        }
        result
    }

    /// Ends the stream of events, and completes the result by what became of it.
    async fn end(&mut self, stream: EventStream, mut result: BuildResult, unsaved: Option<Unsaved>) -> Way {
        let delivered = stream.close().await;
        ending::complete(&mut result, &delivered, std::mem::take(&mut self.carried));
        Way::End { result, unsaved }
    }

    /// Tells the followers. Who doesn't hear it finds the result in the bucket.
    async fn announce(&self, result: BuildResult) {
        let event: Event = events::event(&self.order.build, None, EventKind::Finished(Box::new(result)));
        let detail = events::detail(&self.order.owner, &Frame::new(vec![event]));
        if let Err(why) = self.compiler.bus.put(About::Events, &detail, self.clock.result_deadline()).await {
            error!(%why, "nobody is told that the build has ended");
        }
    }

    /// Puts what the attempt cost in the place of what it had reserved. The last act: who dies before, or fails in it, is
    /// settled by the relay.
    async fn settle(&self) -> Result<()> {
        let reservation = match &self.held {
            Held::Nothing => return Ok(()),
            Held::This(reservation) => reservation,
            Held::Unknown => bail!("whether something is reserved is not known"),
        };
        let order = &self.order;
        let spent = self.spent();
        let settled = self.compiler.table.settle(&order.owner, &order.build, order.attempt, reservation, spent).await;
        if !settled.context("what it cost could not be noted")? {
            warn!("what it cost was noted before");
        }
        Ok(())
    }

    /// Gigabyte-milliseconds so far.
    fn spent(&self) -> u64 {
        self.compiler.settings.budget.cost(self.clock.elapsed())
    }

    fn not_built(&self, why: SourceError) -> Box<BuildResult> {
        let outcome = match &why {
            SourceError::Cancelled(_) => Outcome::Cancelled,
            SourceError::Refused(_) => Outcome::Refused,
            SourceError::Storage(_) => Outcome::Crashed,
        };
        Box::new(ending::result(&self.order, outcome, why.to_string()))
    }

    fn crashed(&self, why: &str) -> Box<BuildResult> {
        Box::new(ending::result(&self.order, Outcome::Crashed, why))
    }
}

/// Removes a folder; nothing there is fine.
fn remove_folder(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Adds an event to a log.
async fn append(log: &Path, event: &Event) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut file = tokio::fs::File::options().append(true).open(log).await?;
    file.write_all(&line).await?;
    file.flush().await
}
