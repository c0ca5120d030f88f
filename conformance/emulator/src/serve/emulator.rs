//! Puts the emulator together: makes the services and connects each with those that it uses.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::mpsc;

use super::account::EmulatedAccount;
use super::control::ScenarioControl;
use super::delivery::DeliverySettings;
use super::events::EventBus;
use super::faults::FaultPlan;
use super::front::{Front, Router};
use super::functions::{FunctionHandles, Functions, RunnerSettings};
use super::keys::{KeyStore, SigningKey};
use super::moto::Moto;
use super::power::Power;
use super::s3::S3;
use super::socket::Gateway;
use crate::platform_file::PlatformFile;

/// The emulator of one account, ready to answer requests.
pub struct Emulator {
    /// Answers all requests that arrive over HTTP.
    pub front: Arc<Front>,
    /// The account that all services work on.
    pub account: Arc<EmulatedAccount>,
    /// The functions, whose sandboxes have to end before the emulator does.
    pub functions: Arc<Functions>,
    /// The power of everything but the control interface.
    pub power: Arc<Power>,
}

/// The addresses that an emulator answers at.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The address for clients and functions.
    pub address: SocketAddr,
    /// The address for requests that count as sent without TLS.
    pub plain: SocketAddr,
}

impl Emulator {
    /// The emulator of an account that was applied. Calls are recorded in the folder `calls`.
    pub async fn new(
        platform: PlatformFile,
        moto: Moto,
        calls: &Path,
        addresses: Addresses,
        settings: RunnerSettings,
    ) -> Result<Self> {
        let Addresses { address, plain } = addresses;
        let account = Arc::new(EmulatedAccount::load(platform, moto, calls).await?);
        let keys = Arc::new(device_keys(&account)?);
        let power = Arc::new(Power::default());
        let faults = Arc::new(FaultPlan::default());
        let delivery = Arc::new(DeliverySettings::default());
        let (failures, mut failed) = mpsc::unbounded_channel();
        let handles = FunctionHandles {
            account: account.clone(),
            keys: keys.clone(),
            power: power.clone(),
            delivery: delivery.clone(),
            endpoint: address,
            failures,
        };
        let functions = Arc::new(Functions::new(handles, settings));
        let bus = Arc::new(EventBus::new(account.clone(), functions.clone(), delivery.clone()));
        // The bus invokes functions, and a function that fails publishes on the bus: this task closes the circle.
        let publisher = bus.clone();
        tokio::spawn(async move {
            while let Some(failure) = failed.recv().await {
                publisher.publish_failure(failure);
            }
        });
        let gateway = Arc::new(Gateway {
            account: account.clone(),
            keys: keys.clone(),
            faults: faults.clone(),
            power: power.clone(),
            functions: functions.clone(),
            connections: Default::default(),
        });
        let router = Router {
            account: account.clone(),
            keys,
            faults: faults.clone(),
            functions: functions.clone(),
            bus,
            s3: S3::new(account.clone(), functions.clone()),
            gateway: gateway.clone(),
        };
        let control = ScenarioControl {
            account: account.clone(),
            faults,
            delivery,
            power: power.clone(),
            functions: functions.clone(),
            gateway,
            address,
            plain,
        };
        let front = Arc::new(Front { router, control, power: power.clone() });
        Ok(Self { front, account, functions, power })
    }
}

/// The keys of the devices, which `platform` has made.
fn device_keys(account: &EmulatedAccount) -> Result<KeyStore> {
    let (keys, applied) = (KeyStore::default(), account.applied());
    for device in account.platform.devices.values() {
        let principal = applied.policies.user(&device.user);
        let principal =
            principal.with_context(|| format!("platform.json names the user {}, who does not exist", device.user))?;
        keys.add(SigningKey {
            id: device.access_key_id.clone(),
            secret: device.secret_access_key.clone(),
            token: None,
            principal,
            sandbox: None,
        });
    }
    Ok(keys)
}
