//! The results of builds, put together.

use protocol::{BuildResult, Outcome, messages};

use super::{Abort, BudgetSpent, Lifecycle, Pause, StopReason, StorageReport};

/// The longest message of a result, in characters: a result travels in one WebSocket message.
const MAX_MESSAGE: usize = 2000;

impl Lifecycle {
    /// The engine's own result, corrected by what became of the artifact.
    pub(super) fn finished(
        &self,
        mut result: BuildResult,
        stop: Option<StopReason>,
        stored: &StorageReport,
    ) -> BuildResult {
        result.attempts = self.begun;
        result.times.uploading = u64::try_from(stored.uploading.as_millis()).unwrap_or(u64::MAX);
        if let (Outcome::Cancelled, Some(stop)) = (result.outcome, stop) {
            result.message = Some(stop.message().to_owned());
        }
        // A program that can't be fetched was not built.
        if let Some(why) = &stored.artifact_lost {
            result.outcome = Outcome::Crashed;
            result.artifact = None;
            add_line(&mut result, &messages::artifact_lost(why));
        }
        result
    }

    pub(super) fn cancelled(&self, message: &str) -> BuildResult {
        self.result(Outcome::Cancelled, message)
    }

    pub(super) fn timed_out(&self, pause: &Pause) -> BuildResult {
        let more_time = self.limits.more_time;
        let message = messages::timed_out(self.start.number, pause.advanced, &pause.working_on, more_time);
        self.result(Outcome::TimedOut, message)
    }

    pub(super) fn abort_result(&self, why: Abort) -> BuildResult {
        match why {
            Abort::Stopped => self.cancelled(messages::CANCELLED),
            Abort::Refused(why) => self.result(Outcome::Refused, why),
            Abort::OverBudget(BudgetSpent { month, limit, attempt }) => {
                self.result(Outcome::Refused, messages::over_budget(&month, limit, attempt))
            }
            Abort::Failed(why) => self.result(Outcome::Crashed, why),
            Abort::NotOrdered(why) => self.result(Outcome::Crashed, messages::not_started(self.start.number, &why)),
            Abort::EngineDied => self.result(Outcome::Crashed, messages::ENGINE_DIED).incomplete(),
            Abort::BackendDied => self.result(Outcome::Crashed, messages::backend_died(self.begun)).incomplete(),
        }
    }

    /// A result that is no work of the engine's, with what the attempts so far came to.
    fn result(&self, outcome: Outcome, message: impl Into<String>) -> BuildResult {
        let history = &self.start.carried.history;
        let mut result = BuildResult::new(self.build.clone(), outcome, 0).with_message(message);
        result.attempts = self.begun;
        result.times = history.times.clone();
        result.cache = history.cache.clone();
        result.peak_memory = Some(history.peak_memory).filter(|peak| *peak > 0);
        result
    }

    /// Adds what all results tell: how far the events go, and what of them and of the log was lost. Events that were made
    /// and not delivered stay counted: a client that lacks them reads them from the log.
    pub(super) fn complete(&mut self, mut result: BuildResult, stored: StorageReport) -> BuildResult {
        result.last = result.last.max(self.start.first_seq.saturating_sub(1)).max(stored.last_delivered);
        self.remember_losses(stored);
        let carried = &self.start.carried;
        if let Some(why) = &carried.lost {
            result.complete = false;
            add_line(&mut result, &messages::events_lost(why, carried.unlogged.is_none()));
        }
        if let Some(why) = &carried.unlogged {
            add_line(&mut result, &messages::log_lost(why, self.begun > 1));
        }
        if let Some(message) = &mut result.message
            && let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE)
        {
            message.truncate(end);
            message.push('…');
        }
        result
    }
}

fn add_line(result: &mut BuildResult, line: &str) {
    let message = result.message.take().map_or_else(|| line.to_owned(), |message| format!("{message}\n{line}"));
    result.message = Some(message);
}
