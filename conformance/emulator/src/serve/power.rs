//! Power: without it nothing answers but what switches it on again.

use tokio::sync::watch;

/// The switch.
pub struct Power(watch::Sender<bool>);

impl Default for Power {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Power {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        *self.0.borrow()
    }

    /// Switches it.
    pub fn switch(&self, on: bool) {
        self.0.send_replace(on);
    }

    /// Waits until it is on.
    pub async fn on(&self) {
        // The sender is this one: it can't be gone.
        let _ = self.0.subscribe().wait_for(|on| *on).await;
    }

    /// Waits until it is off.
    pub async fn off(&self) {
        let _ = self.0.subscribe().wait_for(|on| !*on).await;
    }
}
