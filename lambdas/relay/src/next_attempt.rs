//! Starts the next attempt of a build.

use common::NextAttempt;
use common::logs::build_span;
use common::table::AttemptOutcome;
use protocol::{BuildResult, Event, Outcome, messages};
use tracing::Instrument;

use crate::Relay;
use crate::compile_function::InvokeError;
use crate::conclusion::EndError;

impl Relay {
    /// Starts the next attempt of a build. If that fails, it ends the build, so that nobody waits for it.
    pub async fn go_on(&self, next: &NextAttempt) -> Result<(), EndError> {
        let span = build_span(&next.owner, &next.build);
        self.start(next).instrument(span).await
    }

    async fn start(&self, next: &NextAttempt) -> Result<(), EndError> {
        let before = next.attempt.saturating_sub(1);
        if self.table.decide(&next.owner, &next.build, before, AttemptOutcome::HandedOver).await?
            == AttemptOutcome::Died
        {
            tracing::warn!(
                attempt = next.attempt,
                "the attempt before died after handing over, and the build has ended"
            );
            return Ok(());
        }
        match self.compile.invoke(next).await {
            Ok(()) => {
                tracing::info!(attempt = next.attempt, "started the next attempt");
                Ok(())
            }
            Err(error) => {
                tracing::error!(attempt = next.attempt, %error, "the next attempt can't be started");
                let newest = self.table.newest_events(&next.owner, &next.build).await?;
                let last = newest.iter().map(Event::highest).max().unwrap_or(0);
                self.end(&next.owner, not_started(next, last, &error)).await
            }
        }
    }
}

fn not_started(next: &NextAttempt, last: u64, error: &InvokeError) -> BuildResult {
    let why: String = error.to_string().chars().take(300).collect();
    let message = messages::not_started(next.attempt, &why);
    let result = BuildResult::new(next.build.clone(), Outcome::Crashed, last).with_message(message).incomplete();
    BuildResult { attempts: next.attempt.saturating_sub(1), gb_seconds: Some(next.gb_seconds), ..result }
}
