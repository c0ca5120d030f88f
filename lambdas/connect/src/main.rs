//! The `connect` Lambda: invoked by `$connect`, it stores which build a connection follows.

mod admission;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use common::{Table, socket, variable};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    common::logs::init();
    let table = Table::from_env(&common::aws::config().await)?;
    let user_path = variable("USER_PATH")?;
    lambda_runtime::run(service_fn(|event| connect(event, &table, &user_path))).await
}

/// Accepts a connection that follows a build of the caller's own owner, and refuses all others.
async fn connect(
    event: LambdaEvent<ApiGatewayWebsocketProxyRequest>,
    table: &Table,
    user_path: &str,
) -> Result<ApiGatewayProxyResponse, Error> {
    let connection = socket::connection(&event.payload)?;
    let wanted = match admission::admit(&event.payload, user_path) {
        Ok(wanted) => wanted,
        Err(denied) => {
            tracing::warn!(%denied, "refused a follower");
            return Ok(socket::refused(403, &denied.to_string()));
        }
    };
    table.follow(&wanted.owner, &wanted.build, connection).await?;
    tracing::info!(owner = %wanted.owner, build = %wanted.build, "a follower connected");
    Ok(socket::accepted())
}
