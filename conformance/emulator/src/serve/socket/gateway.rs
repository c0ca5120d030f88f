//! The connections there are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use super::api::Stage;
use super::connection::Order;
use super::throttle::Throttle;

/// Messages that wait for a slow client; a further one is refused.
const MAX_WAITING: usize = 1024;

/// All connections of all APIs.
#[derive(Default)]
pub struct Gateway {
    connections: Mutex<HashMap<String, Connection>>,
    throttles: Mutex<HashMap<String, Throttle>>,
}

struct Connection {
    /// ARN of the stage it came by.
    stage: String,
    orders: mpsc::Sender<Order>,
}

/// Why a message can't be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unposted {
    /// Closed, never there, or not yet open.
    Gone,
    /// The client is too slow.
    Full,
}

impl Gateway {
    /// From now on there is this connection.
    pub(super) fn open(&self, id: &str, stage: &str) -> mpsc::Receiver<Order> {
        let (orders, inbox) = mpsc::channel(MAX_WAITING);
        self.connections().insert(id.to_owned(), Connection { stage: stage.to_owned(), orders });
        inbox
    }

    /// And now there isn't.
    pub(super) fn close(&self, id: &str) {
        self.connections().remove(id);
    }

    /// Hands a message to a connection of a stage.
    pub(super) fn post(&self, stage: &str, id: &str, text: String) -> Result<(), Unposted> {
        let connections = self.connections();
        let connection = connections.get(id).filter(|connection| connection.stage == stage).ok_or(Unposted::Gone)?;
        connection.orders.try_send(Order::Send(text)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unposted::Full,
            mpsc::error::TrySendError::Closed(_) => Unposted::Gone,
        })
    }

    /// Whether a stage lets one more request through.
    pub(super) fn admits(&self, arn: &str, stage: Stage) -> bool {
        let now = Instant::now();
        let mut throttles = self.throttles.lock().unwrap_or_else(PoisonError::into_inner);
        throttles.entry(arn.to_owned()).or_insert_with(|| Throttle::new(stage, now)).admits(now)
    }

    /// Breaks all connections, as a network does. Who posts to them learns that they are gone. `told`: so does the
    /// function behind `$disconnect`.
    pub fn drop_all(&self, told: bool) {
        for (_, connection) in self.connections().drain() {
            // A full one ends when it sees that nobody gives it orders.
            let _ = connection.orders.try_send(if told { Order::Drop } else { Order::Vanish });
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
    async fn a_connection_is_reached_by_its_own_stage_while_it_is_open() {
        let gateway = Gateway::default();
        assert_eq!(gateway.post("api/v1", "c", String::new()), Err(Unposted::Gone));
        let mut inbox = gateway.open("c", "api/v1");
        assert_eq!(gateway.post("api/v1", "c", "hello".to_owned()), Ok(()));
        assert_eq!(gateway.post("api/v2", "c", String::new()), Err(Unposted::Gone));
        let Some(Order::Send(text)) = inbox.recv().await else { panic!() };
        assert_eq!(text, "hello");
        gateway.close("c");
        assert_eq!(gateway.post("api/v1", "c", String::new()), Err(Unposted::Gone));
    }

    #[tokio::test]
    async fn a_slow_client_is_no_store() {
        let gateway = Gateway::default();
        let inbox = gateway.open("c", "s");
        let posted: Vec<_> = (0..=MAX_WAITING).map(|_| gateway.post("s", "c", String::new())).collect();
        assert!(posted[..MAX_WAITING].iter().all(Result::is_ok));
        assert_eq!(posted[MAX_WAITING], Err(Unposted::Full));
        gateway.drop_all(true);
        assert_eq!(gateway.post("s", "c", String::new()), Err(Unposted::Gone));
        drop(inbox);
    }
}
