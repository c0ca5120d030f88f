//! Prepares an attempt before the engine runs: reserves its cost in the month's budget and fetches the source.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use builder::lifecycle::{Abort, BudgetSpent, StopReason};
use builder::{Attempt, Engine};
use common::table::TableError;
use common::usage::{Reservation, Reserve, gb_seconds};
use protocol::keys;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::attempt::{ClaimedAttempt, ReservedBudget};
use crate::cache::{self, ProjectCache};
use crate::events::EventStream;
use crate::source::{self, SourceError};

/// A fetched source, with the engine that builds it.
pub(crate) struct OpenedSource {
    metadata: BTreeMap<String, String>,
    /// ETag of the source, with its quotation marks.
    pub etag: String,
    pub engine: &'static Engine,
}

/// Why the engine was not called.
#[derive(Debug)]
pub(crate) struct Unopened {
    pub why: Abort,
    /// Why the build was stopped, if it was.
    pub stop: Option<StopReason>,
}

impl From<Abort> for Unopened {
    fn from(why: Abort) -> Self {
        Self { why, stop: None }
    }
}

impl From<SourceError> for Unopened {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Stopped(reason) => Self { why: Abort::Stopped, stop: Some(reason) },
            SourceError::Refused(why) => Abort::Refused(why.to_string()).into(),
            error @ SourceError::Storage(_) => Abort::Failed(error.to_string()).into(),
        }
    }
}

impl ClaimedAttempt<'_> {
    /// Reserves the attempt's highest possible cost, and fetches the source at the same time. If the reservation fails,
    /// the fetch is cancelled.
    pub(crate) async fn open(&mut self) -> Result<OpenedSource, Unopened> {
        let refused = CancellationToken::new();
        let reserve = async {
            let reserved = self.reserve().await;
            if reserved.is_err() {
                refused.cancel();
            }
            reserved
        };
        let (reserved, fetched) = tokio::join!(reserve, refused.run_until_cancelled(self.fetch()));
        self.reserved = match &reserved {
            Ok(reservation) => ReservedBudget::This(reservation.clone()),
            Err(Abort::OverBudget(_)) => ReservedBudget::Nothing,
            Err(_) => ReservedBudget::Unknown,
        };
        reserved?;
        fetched.unwrap_or_else(|| Err(Abort::Failed("the source could not be fetched; build again".to_owned()).into()))
    }

    async fn reserve(&self) -> Result<Reservation, Abort> {
        let (order, budget) = (&self.order, self.compiler.settings.budget);
        let time = self.clock.whole();
        match self.compiler.table.reserve(&order.owner, &order.build, order.attempt, budget, time).await {
            Ok(Reserve::Granted(reservation)) => Ok(reservation),
            Ok(Reserve::Spent { month }) => {
                let (limit, attempt) = (gb_seconds(budget.cap), gb_seconds(budget.cost(time)));
                Err(Abort::OverBudget(BudgetSpent { month, limit, attempt }))
            }
            Err(why) => {
                error!(%why, "the attempt's reservation could not be made");
                let why = match why {
                    TableError::Call { code, .. } => code,
                    other => other.to_string(),
                };
                Err(Abort::Failed(format!(
                    "the table that holds what builds cost is unavailable ({why}); build again in a minute"
                )))
            }
        }
    }

    async fn fetch(&self) -> Result<OpenedSource, Unopened> {
        let order = &self.order;
        let (work, owner, folder) = (self.compiler.settings.work.clone(), order.owner.clone(), self.folder.clone());
        let fresh_folder = tokio::task::spawn_blocking(move || {
            cache::tidy(&work, owner.as_str())?;
            remove_folder(&folder)?;
            std::fs::create_dir_all(folder.join("output"))
        });
        let fresh_folder = fresh_folder.await.map_err(std::io::Error::other).and_then(|made| made);
        fresh_folder.map_err(|why| Abort::Failed(format!("the builder's disk can't be used: {why}; build again")))?;
        let key = keys::source(&order.owner, &order.build);
        let capabilities = async || Some(self.compiler.engine().await.ok()?.capabilities());
        let etag = order.source_etag.as_deref();
        let source = source::open(&self.compiler.input, &key, etag, &self.summary, capabilities).await?;
        let (metadata, etag) = (source.metadata.clone(), source.etag.clone());
        source.save(&self.folder.join("source.zip")).await?;
        let engine = self.compiler.engine().await.map_err(|why| Abort::Failed(format!("{why:#}")))?;
        Ok(OpenedSource { metadata, etag, engine })
    }

    /// Puts together the input for the engine.
    pub(crate) fn engine_attempt(
        &self,
        opened: &OpenedSource,
        stream: &EventStream,
        cancel: CancellationToken,
    ) -> Attempt {
        let (compiler, start) = (self.compiler, self.life.start());
        Attempt {
            build: self.order.build.clone(),
            owner: self.order.owner.clone(),
            number: start.number,
            first_seq: start.first_seq,
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
            history: start.carried.history.clone(),
        }
    }
}

/// Removes a folder and its content. A missing folder is not an error.
fn remove_folder(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
