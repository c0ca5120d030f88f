//! What the WebSocket API needs from the rest of the emulator, and its open connections.

use std::sync::Arc;

use super::connections::OpenConnections;
use crate::serve::account::EmulatedAccount;
use crate::serve::faults::FaultPlan;
use crate::serve::functions::Functions;
use crate::serve::keys::KeyStore;
use crate::serve::power::Power;

/// API Gateway of an account.
pub struct Gateway {
    /// The account that the APIs belong to.
    pub account: Arc<EmulatedAccount>,
    /// The keys that handshakes are signed with.
    pub keys: Arc<KeyStore>,
    /// The faults that a scenario asks for.
    pub faults: Arc<FaultPlan>,
    /// Connections break when the power goes off.
    pub power: Arc<Power>,
    /// The functions behind the routes.
    pub functions: Arc<Functions>,
    /// The connections that are open now.
    pub connections: OpenConnections,
}
