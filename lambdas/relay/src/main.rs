//! The `relay` Lambda: stores the events of builds and posts them to their followers, answers followers that resume,
//! and ends builds whose function died.

mod compile_function;
mod conclusion;
mod connections;
mod failed_invocation;
mod next_attempt;
mod outputs;
mod publish;
mod relay_event;
mod resume;

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use common::{Table, socket};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use crate::compile_function::CompileFunction;
use crate::connections::Connections;
use crate::outputs::Outputs;
use crate::relay_event::RelayEvent;

/// Clients that the relay works with.
struct Relay {
    table: Table,
    connections: Connections,
    outputs: Outputs,
    compile: CompileFunction,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    common::logs::init();
    let config = common::aws::config().await;
    let relay = Relay {
        table: Table::from_env(&config)?,
        connections: Connections::from_env(&config)?,
        outputs: Outputs::from_env(&config)?,
        compile: CompileFunction::from_env(&config)?,
    };
    lambda_runtime::run(service_fn(|event| handle(event, &relay))).await
}

/// Handles an event. An event that can't be read is logged and dropped: a repeated invocation could not read it either.
async fn handle(event: LambdaEvent<Value>, relay: &Relay) -> Result<ApiGatewayProxyResponse, Error> {
    match relay_event::read(event.payload) {
        Ok(RelayEvent::Events { owner, frame }) => relay.publish(&owner, frame).await?,
        Ok(RelayEvent::Resume { connection, body }) => relay.resume(&connection, &body).await?,
        Ok(RelayEvent::Continue(next)) => relay.go_on(&next).await?,
        Ok(RelayEvent::InvocationFailed { record, ended }) => relay.died(&record, ended).await?,
        Err(misunderstood) => tracing::error!(%misunderstood, "ignored an event"),
    }
    Ok(socket::accepted())
}
