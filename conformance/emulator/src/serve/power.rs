//! Power: without it nothing answers except the control interface, which switches it on again.

use tokio::sync::watch;

/// The switch, which is on at first.
pub struct Power(watch::Sender<bool>);

impl Default for Power {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Power {
    /// Whether the power is on.
    pub fn is_on(&self) -> bool {
        *self.0.borrow()
    }

    /// Switches the power on or off.
    pub fn switch(&self, on: bool) {
        self.0.send_replace(on);
    }

    /// Waits until the power is on.
    pub async fn on(&self) {
        // It can't fail: the sender belongs to `self`.
        let _ = self.0.subscribe().wait_for(|on| *on).await;
    }

    /// Waits until the power is off.
    pub async fn off(&self) {
        let _ = self.0.subscribe().wait_for(|on| !*on).await;
    }
}
