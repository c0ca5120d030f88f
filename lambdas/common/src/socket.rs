//! Reads the events of API Gateway's WebSocket API, and makes the answers to them.

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use thiserror::Error;

/// The event has no connection id, so it is not from API Gateway's WebSocket API.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the event names no connection")]
pub struct NoConnection;

/// The id of the connection that an event is about.
pub fn connection(request: &ApiGatewayWebsocketProxyRequest) -> Result<&str, NoConnection> {
    request.request_context.connection_id.as_deref().filter(|id| !id.is_empty()).ok_or(NoConnection)
}

/// An answer without a body. As the answer to `$connect` it opens the connection.
pub fn accepted() -> ApiGatewayProxyResponse {
    status(200)
}

/// An answer with a reason, in API Gateway's own form. As the answer to `$connect` it refuses the connection.
pub fn refused(code: i64, why: &str) -> ApiGatewayProxyResponse {
    let mut response = status(code);
    response.body = Some(serde_json::json!({ "message": why }).to_string().into());
    response
}

fn status(code: i64) -> ApiGatewayProxyResponse {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_form_that_api_gateway_expects() {
        let json = serde_json::to_value(refused(403, "no")).unwrap();
        assert_eq!((json["statusCode"].as_i64(), json["body"].as_str()), (Some(403), Some(r#"{"message":"no"}"#)));
        assert_eq!(json["isBase64Encoded"], false);
    }

    #[test]
    fn an_event_without_a_connection_is_refused() {
        assert_eq!(connection(&ApiGatewayWebsocketProxyRequest::default()), Err(NoConnection));
    }
}
