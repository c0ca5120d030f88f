//! One attempt of a build, from its claim to the stored result or the order for the next attempt.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use builder::Unsaved;
use builder::lifecycle::{
    Abort, AttemptEnd, AttemptLimits, AttemptStart, Decision, EndedAttempt, Lifecycle, StopReason, StorageReport,
};
use common::NextAttempt;
use common::usage::{Reservation, gb_seconds};
use protocol::{BuildResult, BuildSummary, Event, EventKind, Frame, Status, keys};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::bus::EntryKind;
use crate::clock::InvocationClock;
use crate::compiler::Compiler;
use crate::events::{self, EventStream};
use crate::source::SourceWatch;

/// Limits that this backend sets for the attempts of a build.
const LIMITS: AttemptLimits = AttemptLimits::new(
    "give the compile function more time (`timeout_s`, at most 900) or more memory, which brings more processors \
     (`memory_mb`), in the Terraform configuration",
);

/// An attempt that this invocation has claimed.
pub(crate) struct ClaimedAttempt<'a> {
    pub compiler: &'a Compiler,
    pub order: NextAttempt,
    pub clock: &'a InvocationClock,
    pub life: Lifecycle,
    pub reserved: ReservedBudget,
    /// Command, project and targets from the source's metadata, set as soon as the metadata are read.
    pub summary: OnceLock<BuildSummary>,
    /// The attempt's own folder, for the source and the outputs.
    pub folder: PathBuf,
}

/// The amount reserved for an attempt in the month's sum.
pub(crate) enum ReservedBudget {
    Nothing,
    This(Reservation),
    /// The table gave no answer, so a reservation may exist.
    Unknown,
}

/// What is known of an attempt that has ended, after its outputs were stored.
#[derive(Default)]
struct AttemptOutputs {
    stop: Option<StopReason>,
    stored: StorageReport,
    unsaved: Option<Unsaved>,
    /// ETag of the source that was built, with its quotation marks.
    source_etag: Option<String>,
}

impl Compiler {
    /// Claims an attempt and runs it, unless another invocation has claimed it. An error means that the build has no
    /// result, or that its cost is not recorded.
    pub async fn attempt(&self, order: NextAttempt, clock: &InvocationClock, request: &str) -> Result<()> {
        let attempt = order.attempt;
        if !self.claim(&order, clock, request).await.context("the attempt could not be claimed")? {
            info!(attempt, "another invocation has claimed this attempt");
            return Ok(());
        }
        info!(attempt, "started");
        let mut life = Lifecycle::new(order.build.clone(), LIMITS, start_of(&order));
        life.begin();
        let folder = self.settings.work.join("attempt");
        let (reserved, summary) = (ReservedBudget::Nothing, OnceLock::new());
        let mut claimed = ClaimedAttempt { compiler: self, order, clock, life, reserved, summary, folder };
        let ended = claimed.run().await;
        let settled = claimed.settle().await;
        ended.and(settled)
    }

    /// Sends the order for an attempt to the bus, so that another invocation runs it.
    pub async fn hand_over(&self, order: &NextAttempt, clock: &InvocationClock) -> Result<()> {
        let detail = serde_json::to_string(order)?;
        self.bus
            .put(EntryKind::Continue, &detail, clock.last_call())
            .await
            .context("the attempt could not be handed over")
    }
}

/// The number, first event and carried data with which an ordered attempt begins. Carried data that can't be read are
/// left out, and the build continues without them.
fn start_of(order: &NextAttempt) -> AttemptStart {
    let carried = serde_json::from_value(order.history.clone()).unwrap_or_default();
    AttemptStart { number: order.attempt, first_seq: order.first_seq, carried }
}

impl ClaimedAttempt<'_> {
    /// Runs the attempt, then concludes the build or orders the next attempt.
    async fn run(&mut self) -> Result<()> {
        let order = &self.order;
        let (bus, owner, build) = (self.compiler.bus.clone(), order.owner.clone(), order.build.clone());
        let stream = EventStream::start(bus, owner, build, order.first_seq, self.clock.last_call());
        if order.attempt == 1 {
            stream.status(self.life.take_seq(), Status::Received).await;
        }
        let mut attempt = AttemptOutputs::default();
        let end = self.build(&stream, &mut attempt).await;
        let delivered = stream.close().await;
        attempt.stored.events_lost = delivered.lost;
        attempt.stored.last_delivered = delivered.last;
        match self.life.ended(end, attempt.stop, attempt.stored) {
            Decision::Conclude(result) => self.conclude_build(*result, attempt.unsaved).await,
            Decision::Next(start) => self.continue_build(start, attempt.source_etag).await,
        }
    }

    /// Opens the source, runs the engine, and stores the artifact and the log.
    async fn build(&mut self, stream: &EventStream, attempt: &mut AttemptOutputs) -> AttemptEnd {
        let opened = match self.open().await {
            Ok(opened) => opened,
            Err(unopened) => {
                attempt.stop = unopened.stop;
                return AttemptEnd::Aborted(unopened.why);
            }
        };
        let cancel = CancellationToken::new();
        let key = keys::source(&self.order.owner, &self.order.build);
        let watch = SourceWatch::start(self.compiler.input.clone(), key, opened.etag.clone(), cancel.clone());
        let mut ended: EndedAttempt =
            opened.engine.run(self.engine_attempt(&opened, stream, cancel.clone())).await.into();
        attempt.stop = watch.stop();
        attempt.source_etag = Some(opened.etag);
        if let Some(artifact) = ended.artifact.take() {
            self.upload(stream, &artifact, &mut ended, &mut attempt.stored).await;
        }
        let log = self.compiler.store_log(&self.order, &ended.log, self.clock.last_call()).await;
        attempt.stored.log_lost = log.err().map(|why| why.to_string());
        attempt.unsaved = ended.unsaved;
        ended.end
    }

    /// Sends the status `Uploading`, then stores the artifact.
    async fn upload(
        &self,
        stream: &EventStream,
        artifact: &Path,
        ended: &mut EndedAttempt,
        stored: &mut StorageReport,
    ) {
        let begun = Instant::now();
        if let Some(seq) = ended.take_seq() {
            let event = stream.status(seq, Status::Uploading).await;
            if let Err(why) = append(&ended.log, &event).await {
                warn!(%why, "the log lacks its last event");
            }
        }
        if let Err(why) = self.compiler.store_artifact(&self.order, artifact, self.clock.last_call()).await {
            error!(%why, "the artifact could not be stored");
            stored.artifact_lost = Some(why.to_string());
        }
        stored.uploading = begun.elapsed();
    }

    /// Orders the next attempt. If that fails, the build ends here.
    async fn continue_build(&mut self, start: AttemptStart, source_etag: Option<String>) -> Result<()> {
        let next = NextAttempt {
            attempt: start.number,
            first_seq: start.first_seq,
            source_etag,
            gb_seconds: self.order.gb_seconds + gb_seconds(self.spent()),
            history: serde_json::to_value(&start.carried).unwrap_or_default(),
            ..self.order.clone()
        };
        match self.compiler.hand_over(&next, self.clock).await {
            Ok(()) => {
                info!(next = next.attempt, "paused");
                Ok(())
            }
            Err(why) => {
                error!("{why:#}");
                let not_ordered = Abort::NotOrdered(format!("{why:#}"));
                let result = self.life.aborted(not_ordered, None, StorageReport::default());
                self.conclude_build(result, None).await
            }
        }
    }

    /// Stores the result, sends it to the followers, and saves the project.
    async fn conclude_build(&mut self, mut result: BuildResult, unsaved: Option<Unsaved>) -> Result<()> {
        result.gb_seconds = Some(self.order.gb_seconds + gb_seconds(self.spent()));
        result.summary = self.summary.take();
        let outcome = result.outcome;
        if self.compiler.store_result(&self.order, &result, self.clock).await? {
            info!(?outcome, attempts = result.attempts, "ended");
            self.announce(result).await;
        } else {
            warn!(?outcome, "the build has a result already, and this one is dropped");
        }
        if let Some(unsaved) = unsaved
            && let Err(why) = unsaved.save().await
        {
            warn!(%why, "the project could not be saved: a build elsewhere takes longer");
        }
        Ok(())
    }

    /// Sends the result to the followers. A client that misses this event reads the result from the bucket.
    async fn announce(&self, result: BuildResult) {
        let event: Event = events::event(&self.order.build, None, EventKind::Finished(Box::new(result)));
        let detail = events::detail(&self.order.owner, &Frame::new(vec![event]));
        if let Err(why) = self.compiler.bus.put(EntryKind::Events, &detail, self.clock.result_deadline()).await {
            error!(%why, "the followers were not notified of the build's end");
        }
    }

    /// Replaces the attempt's reservation by its cost. This is the last step: if the function dies before it, or if it
    /// fails, the relay settles the attempt.
    async fn settle(&self) -> Result<()> {
        let reservation = match &self.reserved {
            ReservedBudget::Nothing => return Ok(()),
            ReservedBudget::This(reservation) => reservation,
            ReservedBudget::Unknown => bail!("it is unknown whether a reservation was made"),
        };
        let order = &self.order;
        let spent = self.spent();
        let settled = self.compiler.table.settle(&order.owner, &order.build, order.attempt, reservation, spent).await;
        if !settled.context("the attempt's cost could not be recorded")? {
            warn!("the attempt's cost had been recorded before");
        }
        Ok(())
    }

    /// Cost of the attempt so far, in gigabyte-milliseconds.
    fn spent(&self) -> u64 {
        self.compiler.settings.budget.cost(self.clock.elapsed())
    }
}

/// Appends an event to a log as one line of JSON.
async fn append(log: &Path, event: &Event) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut file = tokio::fs::File::options().append(true).open(log).await?;
    file.write_all(&line).await?;
    file.flush().await
}

#[cfg(test)]
mod tests {
    use builder::lifecycle::Carried;
    use protocol::BuildId;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_attempt_starts_with_its_carried_data_and_ignores_unreadable_data() {
        let order = NextAttempt {
            v: 1,
            owner: "me".parse().unwrap(),
            build: BuildId::new(1, [0; 10]),
            attempt: 3,
            first_seq: 7,
            source_etag: None,
            gb_seconds: 1.0,
            history: Value::Null,
        };
        let carried = Carried { lost: Some("x".to_owned()), ..Carried::default() };
        let history = serde_json::to_value(&carried).unwrap();
        let start = start_of(&NextAttempt { history, ..order.clone() });
        assert_eq!(start, AttemptStart { number: 3, first_seq: 7, carried });
        for history in [Value::Null, json!([1]), json!("x")] {
            assert_eq!(start_of(&NextAttempt { history, ..order.clone() }).carried, Carried::default());
        }
    }
}
