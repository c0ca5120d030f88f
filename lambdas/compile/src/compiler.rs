//! What lives as long as the process: clients, the engine, the settings.

use std::future::Future;
use std::pin::Pin;

use anyhow::{Result, anyhow};
use aws_config::SdkConfig;
use builder::{Engine, EngineConfig};
use common::Table;
use futures_util::FutureExt;
use futures_util::future::Shared;
use protocol::limits::FLUSH_INTERVAL;

use crate::bus::Bus;
use crate::cache::Rate;
use crate::settings::Settings;
use crate::storage::Bucket;

/// The engine, or why there is none.
type Started = Result<&'static Engine, String>;

/// Everything attempts work with.
pub struct Compiler {
    pub settings: Settings,
    pub input: Bucket,
    pub output: Bucket,
    pub cache: Bucket,
    pub bus: Bus,
    pub table: Table,
    /// How fast projects are saved.
    pub rate: Rate,
    engine: Shared<Pin<Box<dyn Future<Output = Started> + Send>>>,
}

impl Compiler {
    /// Makes the clients, and begins to look at the toolchain: that goes on while the first event is fetched.
    pub fn new(settings: Settings, config: &SdkConfig) -> Result<Self> {
        let s3 = aws_sdk_s3::Client::new(config);
        let bucket = |name: &String| Bucket::new(s3.clone(), name.clone());
        let bus = Bus::new(aws_sdk_eventbridge::Client::new(config), settings.event_bus.clone());
        let mut engine = EngineConfig::new(&settings.work);
        engine.cargo_config.clone_from(&settings.cargo_config);
        engine.flush_interval = FLUSH_INTERVAL;
        let starting = tokio::spawn(Engine::new(engine));
        let engine = async move {
            let engine = starting.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            // One for the life of the process.
            Ok(&*Box::leak(Box::new(engine)))
        };
        Ok(Self {
            input: bucket(&settings.input_bucket),
            output: bucket(&settings.output_bucket),
            cache: bucket(&settings.cache_bucket),
            bus,
            table: Table::from_env(config)?,
            rate: Rate::default(),
            engine: engine.boxed().shared(),
            settings,
        })
    }

    /// The engine.
    pub async fn engine(&self) -> Result<&'static Engine> {
        self.engine.clone().await.map_err(|why| anyhow!("the image has no usable Rust: {why}"))
    }
}
