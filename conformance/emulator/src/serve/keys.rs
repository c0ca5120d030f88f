//! Access keys: those of the devices, made by `platform`, and those of the functions' roles, made here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Result;

use super::call::Principal;
use super::ids::random_text;

/// An access key: what a caller signs requests with.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The key's id: `AKIA…` for a user, `ASIA…` for a role.
    pub id: String,
    /// The secret half of the key.
    pub secret: String,
    /// The session token that a role sends with each request; a user has none.
    pub token: Option<String>,
    /// The user or role that the key belongs to.
    pub principal: Principal,
    /// The sandbox that the key was made for; a user's key has none.
    pub sandbox: Option<u64>,
}

/// All access keys of the account, by their ids.
#[derive(Default)]
pub struct KeyStore(RwLock<HashMap<String, Arc<SigningKey>>>);

impl KeyStore {
    /// The key with this id, if there is one.
    pub fn find(&self, id: &str) -> Option<Arc<SigningKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Adds a key, which can sign requests from now on.
    pub fn add(&self, key: SigningKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), Arc::new(key));
    }

    /// Makes and adds temporary credentials of a role's session, for one sandbox.
    pub fn add_session(&self, principal: Principal, sandbox: u64) -> Result<SigningKey> {
        let key = SigningKey {
            id: format!("ASIA{}", random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")?),
            secret: random_text(40, BASE_64)?,
            token: Some(random_text(200, BASE_64)?),
            principal,
            sandbox: Some(sandbox),
        };
        self.add(key.clone());
        Ok(key)
    }
}

const BASE_64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
