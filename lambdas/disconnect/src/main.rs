//! The `disconnect` Lambda: invoked by `$disconnect`, it removes a follower.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use common::{Table, socket};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    common::logs::init();
    let table = Table::from_env(&common::aws::config().await)?;
    lambda_runtime::run(service_fn(|event| disconnect(event, &table))).await
}

/// Removes the follower of a connection that has ended.
async fn disconnect(
    event: LambdaEvent<ApiGatewayWebsocketProxyRequest>,
    table: &Table,
) -> Result<ApiGatewayProxyResponse, Error> {
    let connection = socket::connection(&event.payload)?;
    match table.forget_connection(connection).await? {
        Some((owner, build)) => tracing::info!(%owner, %build, "a follower disconnected"),
        None => tracing::info!(connection, "a connection closed that was already removed"),
    }
    Ok(socket::accepted())
}
