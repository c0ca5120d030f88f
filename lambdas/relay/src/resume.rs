//! Answers a follower that asks for the events it missed.

use std::time::SystemTime;

use common::logs::build_span;
use common::table::{StoredRow, TableError};
use protocol::{BuildId, BuildResult, ClientMessage, Event, Frame, Owner, Replay, unix_millis};
use tracing::Instrument;

use crate::Relay;
use crate::connections::PostError;

/// Whether all frames of an answer were sent.
enum SendOutcome {
    All,
    /// The connection is gone or a frame could not be posted; the rest was not sent.
    Cut,
}

impl Relay {
    /// Sends the events stored after the number that the follower has, the result if there is one, and `caught_up`. The
    /// build is that of the connection; the message can't choose it. An unknown message gets no answer.
    pub async fn resume(&self, connection: &str, body: &str) -> Result<(), TableError> {
        let Some(ClientMessage::Resume { after }) = ClientMessage::decode(body) else {
            tracing::info!(connection, "a follower sent an unknown message");
            return Ok(());
        };
        let Some((owner, build)) = self.table.followed(connection).await? else {
            tracing::warn!(connection, "a connection that follows no build asked for events");
            return Ok(());
        };
        let span = build_span(&owner, &build);
        self.replay(connection, &owner, &build, after).instrument(span).await
    }

    async fn replay(&self, connection: &str, owner: &Owner, build: &BuildId, after: u64) -> Result<(), TableError> {
        let mut replay = Replay::new(build.clone(), after);
        let mut rows = self.table.stored_after(owner, build, after);
        let (mut result, mut found) = (None::<Box<BuildResult>>, false);
        while let Some(row) = rows.next().await? {
            match row {
                StoredRow::Events(events) => {
                    found = true;
                    let frames: Vec<Frame> = events.into_iter().filter_map(|event| replay.push(event)).collect();
                    if let SendOutcome::Cut = self.send(connection, owner, build, frames).await {
                        return Ok(());
                    }
                }
                StoredRow::Result(ending) => result = Some(ending),
            }
        }
        if !found {
            // Nothing is newer, but `caught_up` needs the number of the newest event.
            let newest: Vec<Event> = self.table.newest_events(owner, build).await?;
            let frames: Vec<Frame> = newest.into_iter().filter_map(|event| replay.push(event)).collect();
            if let SendOutcome::Cut = self.send(connection, owner, build, frames).await {
                return Ok(());
            }
        }
        let frames = replay.finish(result.map(|result| *result), unix_millis(SystemTime::now()));
        self.send(connection, owner, build, frames).await;
        Ok(())
    }

    /// Sends frames one after the other, so that they arrive in order.
    async fn send(&self, connection: &str, owner: &Owner, build: &BuildId, frames: Vec<Frame>) -> SendOutcome {
        for frame in frames {
            match self.connections.post(connection, &frame.encode()).await {
                Ok(()) => {}
                Err(PostError::Gone) => {
                    self.forget(owner, build, connection).await;
                    return SendOutcome::Cut;
                }
                Err(PostError::Failed(why)) => {
                    tracing::warn!(connection, why, "an answer was cut short; the follower will ask again");
                    return SendOutcome::Cut;
                }
            }
        }
        SendOutcome::All
    }
}
