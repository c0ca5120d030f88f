//! Stores the events of a build, then posts them to its followers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::logs::build_span;
use common::table::{StoredFollower, TableError};
use futures_util::future::join_all;
use protocol::{BuildId, EventKind, Frame, Owner};
use tracing::Instrument;

use crate::Relay;
use crate::connections::PostError;

/// A connection younger than this that seems gone may only not be open yet: API Gateway gives `$connect` this long to
/// answer.
const OPENING: Duration = Duration::from_secs(30);

impl Relay {
    /// Stores a frame's numbered events and its result, then posts the frame. If storing fails, this is an error, and
    /// Lambda repeats the invocation. If posting fails, the follower gets the events when it resumes.
    pub async fn publish(&self, owner: &Owner, frame: Frame) -> Result<(), TableError> {
        let Some(build) = frame.events.first().map(|event| event.build.clone()) else { return Ok(()) };
        let span = build_span(owner, &build);
        async {
            self.store(owner, &build, &frame).await?;
            self.post(owner, &build, &frame).await
        }
        .instrument(span)
        .await
    }

    async fn store(&self, owner: &Owner, build: &BuildId, frame: &Frame) -> Result<(), TableError> {
        let numbered: Vec<_> = frame.events.iter().filter(|event| event.span().is_some()).cloned().collect();
        if let Some(last) = numbered.iter().map(|event| event.highest()).max() {
            self.table.store_events(owner, build, last, &numbered).await?;
        }
        for event in &frame.events {
            if let EventKind::Finished(result) = &event.kind
                && result.id == *build
            {
                self.table.store_result(owner, result).await?;
            }
        }
        Ok(())
    }

    /// Posts to all followers at once, so that a slow one does not delay the others.
    async fn post(&self, owner: &Owner, build: &BuildId, frame: &Frame) -> Result<(), TableError> {
        let followers = self.table.followers(owner, build).await?;
        let message = frame.encode();
        join_all(followers.iter().map(|follower| self.post_to(owner, build, follower, &message))).await;
        Ok(())
    }

    async fn post_to(&self, owner: &Owner, build: &BuildId, follower: &StoredFollower, message: &str) {
        match self.connections.post(&follower.connection, message).await {
            Ok(()) => {}
            Err(PostError::Gone) if is_opening(follower, SystemTime::now()) => {
                tracing::debug!(connection = follower.connection, "the connection is not open yet");
            }
            Err(PostError::Gone) => self.forget(owner, build, &follower.connection).await,
            Err(PostError::Failed(why)) => {
                tracing::warn!(connection = follower.connection, why, "a follower could not be reached");
            }
        }
    }

    /// Removes a follower whose connection is gone. If that fails, the next message to it tries again.
    pub async fn forget(&self, owner: &Owner, build: &BuildId, connection: &str) {
        match self.table.forget(owner, build, connection).await {
            Ok(()) => tracing::info!(connection, "removed a follower whose connection is gone"),
            Err(error) => tracing::warn!(connection, %error, "could not remove a follower whose connection is gone"),
        }
    }
}

fn is_opening(follower: &StoredFollower, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(follower.since)) < OPENING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_young_connection_may_be_opening() {
        let follower = StoredFollower { connection: "c".to_owned(), since: 1_000_000 };
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        assert!(is_opening(&follower, at(1_000_000)));
        assert!(is_opening(&follower, at(1_029_999)));
        assert!(is_opening(&follower, at(999_000)), "another machine's clock");
        assert!(!is_opening(&follower, at(1_030_000)));
    }
}
