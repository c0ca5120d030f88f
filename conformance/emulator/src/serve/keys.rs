//! Access keys: those of the devices, made by `platform`, and those of the functions' roles, made here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result};

use super::call::Principal;

/// What requests are signed with.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// `AKIA…` of a user, `ASIA…` of a role.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// Sent along by roles.
    pub token: Option<String>,
    /// Whose it is.
    pub principal: Principal,
    /// The sandbox it was made for.
    pub sandbox: Option<u64>,
}

/// All keys.
#[derive(Default)]
pub struct Keys(RwLock<HashMap<String, Arc<AccessKey>>>);

impl Keys {
    /// The key with this id.
    pub fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// From now on there is this one.
    pub fn add(&self, key: AccessKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key.id.clone(), Arc::new(key));
    }

    /// Temporary credentials of a role's session, for one sandbox.
    pub fn of_session(&self, principal: Principal, sandbox: u64) -> Result<AccessKey> {
        let key = AccessKey {
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

/// `len` characters out of 16, 32 or 64.
pub fn random_text(len: usize, alphabet: &[u8]) -> Result<String> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).context("no random numbers")?;
    Ok(bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect())
}

/// An id as AWS gives to requests and events: `0a1b2c3d-…`.
pub fn random_uuid() -> String {
    let text = random_text(32, b"0123456789abcdef").unwrap_or_else(|_| "0".repeat(32));
    format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
}
