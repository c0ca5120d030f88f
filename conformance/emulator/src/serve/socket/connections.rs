//! The open connections, and how messages reach them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use super::connection::ConnectionCommand;
use super::throttle::Throttle;
use crate::serve::applied::websocket::Stage;

/// How many messages may wait for a slow client; a further one is refused.
const MAX_WAITING: usize = 1024;

/// The open connections of all APIs, and the throttles of their stages.
#[derive(Default)]
pub struct OpenConnections {
    connections: Mutex<HashMap<String, Connection>>,
    throttles: Mutex<HashMap<String, Throttle>>,
}

struct Connection {
    /// The ARN of the stage that the client connected to.
    stage: String,
    commands: mpsc::Sender<ConnectionCommand>,
}

/// Why a message can't be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostRefusal {
    /// The connection is closed, or was never open.
    Gone,
    /// Too many messages wait for a slow client.
    Full,
}

impl OpenConnections {
    /// Opens a connection: from now on messages can be posted to it.
    pub fn open(&self, id: &str, stage: &str) -> mpsc::Receiver<ConnectionCommand> {
        let (commands, inbox) = mpsc::channel(MAX_WAITING);
        self.connections().insert(id.to_owned(), Connection { stage: stage.to_owned(), commands });
        inbox
    }

    /// Closes a connection for messages.
    pub fn close(&self, id: &str) {
        self.connections().remove(id);
    }

    /// Posts a message to a connection of a stage.
    pub fn post(&self, stage: &str, id: &str, text: String) -> Result<(), PostRefusal> {
        let connections = self.connections();
        let connection = connections.get(id).filter(|connection| connection.stage == stage).ok_or(PostRefusal::Gone)?;
        connection.commands.try_send(ConnectionCommand::Send(text)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PostRefusal::Full,
            mpsc::error::TrySendError::Closed(_) => PostRefusal::Gone,
        })
    }

    /// Whether the throttle of a stage lets one more request through.
    pub fn admits(&self, arn: &str, stage: Stage) -> bool {
        let now = Instant::now();
        let mut throttles = self.throttles.lock().unwrap_or_else(PoisonError::into_inner);
        throttles.entry(arn.to_owned()).or_insert_with(|| Throttle::new(stage, now)).admits(now)
    }

    /// Breaks all connections, as a network does; posts to them fail. `notify`: the function behind `$disconnect` is
    /// invoked.
    pub fn drop_all(&self, notify: bool) {
        for (_, connection) in self.connections().drain() {
            // A connection with a full queue ends when it sees that the sender is gone.
            let _ =
                connection.commands.try_send(if notify { ConnectionCommand::Drop } else { ConnectionCommand::Vanish });
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_reached_through_its_own_stage_while_it_is_open() {
        let connections = OpenConnections::default();
        assert_eq!(connections.post("api/v1", "c", String::new()), Err(PostRefusal::Gone));
        let mut inbox = connections.open("c", "api/v1");
        assert_eq!(connections.post("api/v1", "c", "hello".to_owned()), Ok(()));
        assert_eq!(connections.post("api/v2", "c", String::new()), Err(PostRefusal::Gone));
        let Some(ConnectionCommand::Send(text)) = inbox.recv().await else { panic!() };
        assert_eq!(text, "hello");
        connections.close("c");
        assert_eq!(connections.post("api/v1", "c", String::new()), Err(PostRefusal::Gone));
    }

    #[tokio::test]
    async fn messages_for_a_slow_client_are_limited() {
        let connections = OpenConnections::default();
        let inbox = connections.open("c", "s");
        let posted: Vec<_> = (0..=MAX_WAITING).map(|_| connections.post("s", "c", String::new())).collect();
        assert!(posted[..MAX_WAITING].iter().all(Result::is_ok));
        assert_eq!(posted[MAX_WAITING], Err(PostRefusal::Full));
        connections.drop_all(true);
        assert_eq!(connections.post("s", "c", String::new()), Err(PostRefusal::Gone));
        drop(inbox);
    }
}
