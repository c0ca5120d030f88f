//! Looks for the result of a build in the bucket, which decides whether the build has ended. It looks often without a
//! socket and rarely with one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use protocol::limits::MAX_RESULT_BYTES;
use protocol::{BuildId, BuildResult};

use super::signal::Signal;
use crate::storage::Storage;

/// How often the bucket is asked while there is no socket.
const WITHOUT_SOCKET: Duration = Duration::from_secs(2);
/// How often the bucket is asked while the socket is open.
const WITH_SOCKET: Duration = Duration::from_secs(20);

/// Asks until the result is there, or until nobody receives `signals` any more. `live` says that the socket is open.
pub fn run(storage: &Storage, build: &BuildId, key: &str, live: &Arc<AtomicBool>, signals: &SyncSender<Signal>) {
    let mut failing = false;
    loop {
        let asked_at = Instant::now();
        let interval = || if live.load(Ordering::Relaxed) { WITH_SOCKET } else { WITHOUT_SOCKET };
        while asked_at.elapsed() < interval() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let signal = match storage.read_small(key, "read the build's result", MAX_RESULT_BYTES) {
            Ok(Some(json)) => match serde_json::from_slice::<BuildResult>(&json) {
                Ok(result) if result.id == *build => {
                    let _ = signals.send(Signal::Result(Box::new(result)));
                    return;
                }
                Ok(_) => (!failing).then(|| Signal::Unreachable("the bucket holds another build's result".to_owned())),
                Err(error) => {
                    (!failing).then(|| Signal::Unreachable(format!("the build's result can't be read: {error}")))
                }
            },
            Ok(None) => failing.then_some(Signal::Reachable),
            Err(error) => (!failing).then(|| Signal::Unreachable(error.to_string())),
        };
        if let Some(signal) = signal {
            failing = matches!(signal, Signal::Unreachable(_));
            if signals.send(signal).is_err() {
                return;
            }
        }
    }
}
