//! The `compile` Lambda: builds the sources that are uploaded to the input bucket.

mod attempt;
mod bus;
mod cache;
mod clock;
mod compiler;
mod events;
mod handler;
mod opening;
mod outputs;
mod settings;
mod source;
mod storage;

use std::process::ExitCode;

use anyhow::{Context, Result};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::compiler::Compiler;
use crate::settings::FunctionSettings;

fn main() -> ExitCode {
    // This must come before any thread starts: the supervisor of a build is this program, started again.
    builder::supervisor_main_if_asked();
    builder::harden_process();
    common::logs::init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let settings = FunctionSettings::from_env()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(serve(settings))
}

async fn serve(settings: FunctionSettings) -> Result<()> {
    let compiler = Compiler::new(settings, &common::aws::config().await)?;
    let compiler = &compiler;
    let handler = service_fn(async |event: LambdaEvent<serde_json::Value>| handler::handle(compiler, event).await);
    lambda_runtime::run(handler).await.map_err(|error| anyhow::anyhow!("the runtime ended: {error}"))
}
