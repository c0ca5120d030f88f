//! What every attempt in this process shares: clients, engine and settings.

use std::sync::Arc;

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use builder::{Engine, EngineConfig};
use common::Table;
use protocol::limits::FLUSH_INTERVAL;
use tokio::sync::OnceCell;

use crate::bus::Bus;
use crate::cache::Rate;
use crate::settings::FunctionSettings;
use crate::storage::S3Bucket;

/// Clients, engine and settings that the attempts of this process share.
pub struct Compiler {
    pub settings: FunctionSettings,
    pub input: S3Bucket,
    pub output: S3Bucket,
    pub cache: S3Bucket,
    pub bus: Bus,
    pub table: Table,
    /// Measured speed of saving projects, in bytes per second.
    pub rate: Rate,
    engine: Arc<StartedOnce>,
}

/// The engine, started at most once in this process. If the start fails, the next attempt that needs the engine tries
/// again.
struct StartedOnce {
    config: EngineConfig,
    engine: OnceCell<&'static Engine>,
}

impl StartedOnce {
    async fn get(&self) -> Result<&'static Engine> {
        let start =
            async || Ok::<_, builder::EngineError>(&*Box::leak(Box::new(Engine::new(self.config.clone()).await?)));
        self.engine.get_or_try_init(start).await.copied().context("the builder's image has no working Rust toolchain")
    }
}

impl Compiler {
    /// Makes the clients and starts the engine in the background, so that it checks the toolchain while the first event
    /// is fetched.
    pub fn new(settings: FunctionSettings, config: &SdkConfig) -> Result<Self> {
        let s3 = aws_sdk_s3::Client::new(config);
        let bucket = |name: &String| S3Bucket::new(s3.clone(), name.clone());
        let bus = Bus::new(aws_sdk_eventbridge::Client::new(config), settings.event_bus.clone());
        let mut engine = EngineConfig::new(&settings.work);
        engine.cargo_config.clone_from(&settings.cargo_config);
        engine.flush_interval = FLUSH_INTERVAL;
        let engine = Arc::new(StartedOnce { config: engine, engine: OnceCell::new() });
        let early = Arc::clone(&engine);
        tokio::spawn(async move { early.get().await.is_ok() });
        Ok(Self {
            input: bucket(&settings.input_bucket),
            output: bucket(&settings.output_bucket),
            cache: bucket(&settings.cache_bucket),
            bus,
            table: Table::from_env(config)?,
            rate: Rate::default(),
            engine,
            settings,
        })
    }

    /// Returns the engine, and waits for its start if necessary.
    ///
    /// # Errors
    /// If the toolchain doesn't answer, or the work folder can't be used.
    pub async fn engine(&self) -> Result<&'static Engine> {
        self.engine.get().await
    }
}
