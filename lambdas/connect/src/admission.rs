//! Checks that a device follows only builds of its own owner.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use protocol::{BuildId, InvalidName, Owner};
use thiserror::Error;

/// Why a connection is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ConnectDenied {
    #[error("the query must have `{0}` exactly once")]
    Parameter(&'static str),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("`{0}` is not the identity of a device: an IAM user below `{1}<owner>/`")]
    Identity(String, String),
    #[error("the device belongs to `{device}`, but the build belongs to `{build}`")]
    Owner { device: Owner, build: Owner },
}

/// The build that a connection asks to follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConnectRequest {
    pub owner: Owner,
    pub build: BuildId,
}

/// Checks the query's owner and build, and that the caller belongs to this owner. API Gateway has authenticated the
/// caller's identity.
pub(crate) fn admit(
    request: &ApiGatewayWebsocketProxyRequest,
    user_path: &str,
) -> Result<ConnectRequest, ConnectDenied> {
    let wanted =
        ConnectRequest { owner: parameter(request, "owner")?.parse()?, build: parameter(request, "build")?.parse()? };
    let arn = request.request_context.identity.user_arn.as_deref().unwrap_or_default();
    let device =
        owner_of(arn, user_path).ok_or_else(|| ConnectDenied::Identity(arn.to_owned(), user_path.to_owned()))?;
    if device != wanted.owner {
        return Err(ConnectDenied::Owner { device, build: wanted.owner });
    }
    Ok(wanted)
}

fn parameter<'a>(request: &'a ApiGatewayWebsocketProxyRequest, name: &'static str) -> Result<&'a str, ConnectDenied> {
    let every = request.multi_value_query_string_parameters.all(name).unwrap_or_default();
    match (request.query_string_parameters.first(name), every.len()) {
        (Some(value), 0 | 1) => Ok(value),
        _ => Err(ConnectDenied::Parameter(name)),
    }
}

/// The owner of a device, from the ARN of its IAM user: `arn:aws:iam::<account>:user<user path><owner>/<name>`.
fn owner_of(arn: &str, user_path: &str) -> Option<Owner> {
    let mut parts = arn.splitn(6, ':');
    let named = parts.next() == Some("arn") && parts.next()?.starts_with("aws") && parts.next() == Some("iam");
    let user = parts.nth(2).filter(|_| named)?.strip_prefix("user")?;
    let (owner, name) = user.strip_prefix(user_path)?.split_once('/')?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    owner.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/cargo-cloud/";
    const BUILD: &str = "01936f2e-5f6c-7abc-8def-0123456789ab";

    fn request(query: serde_json::Value, arn: &str) -> ApiGatewayWebsocketProxyRequest {
        let all: serde_json::Map<String, serde_json::Value> = query
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| {
                (name.clone(), if value.is_array() { value.clone() } else { serde_json::json!([value]) })
            })
            .collect();
        let last: serde_json::Map<String, serde_json::Value> = all
            .iter()
            .map(|(name, values)| (name.clone(), values.as_array().unwrap().last().unwrap().clone()))
            .collect();
        serde_json::from_value(serde_json::json!({
            "headers": {"Host": "x.execute-api.eu-central-1.amazonaws.com"},
            "multiValueHeaders": {"Host": ["x.execute-api.eu-central-1.amazonaws.com"]},
            "queryStringParameters": last,
            "multiValueQueryStringParameters": all,
            "requestContext": {
                "routeKey": "$connect", "eventType": "CONNECT", "extendedRequestId": "e", "requestTime": "t",
                "messageDirection": "IN", "stage": "live", "connectedAt": 1, "requestTimeEpoch": 1,
                "identity": {"userArn": arn, "sourceIp": "192.0.2.1", "accountId": "111122223333"},
                "requestId": "r", "domainName": "d", "connectionId": "L0SM9cOFvHcCIhw=", "apiId": "x"
            },
            "isBase64Encoded": false
        }))
        .unwrap()
    }

    fn user(path: &str) -> String {
        format!("arn:aws:iam::111122223333:user{path}")
    }

    #[test]
    fn a_device_follows_its_owners_builds_and_no_others() {
        let query = serde_json::json!({"owner": "me", "build": BUILD, "X-Amz-Signature": "00"});
        let wanted = admit(&request(query.clone(), &user("/cargo-cloud/me/tablet")), PATH).unwrap();
        assert_eq!((wanted.owner.as_str(), wanted.build.as_str()), ("me", BUILD));
        let denied = admit(&request(query.clone(), &user("/cargo-cloud/other/tablet")), PATH).unwrap_err();
        assert!(denied.to_string().contains("`other`"), "{denied}");
        let denied = admit(&request(query, "arn:aws:iam::111122223333:root"), PATH).unwrap_err();
        assert!(matches!(denied, ConnectDenied::Identity(..)));
    }

    #[test]
    fn a_query_that_names_no_build_is_refused() {
        let me = user("/cargo-cloud/me/tablet");
        for query in [
            serde_json::json!({"owner": "me"}),
            serde_json::json!({"build": BUILD}),
            serde_json::json!({"owner": "me", "build": "x"}),
            serde_json::json!({"owner": "../me", "build": BUILD}),
            serde_json::json!({"owner": ["me", "me"], "build": BUILD}),
            serde_json::json!({"owner": "me", "build": BUILD.to_uppercase()}),
        ] {
            assert!(admit(&request(query.clone(), &me), PATH).is_err(), "{query}");
        }
    }

    #[test]
    fn only_a_user_of_this_deployment_has_an_owner() {
        let owner = |arn: &str| owner_of(arn, PATH).map(String::from);
        assert_eq!(owner(&user("/cargo-cloud/me/tablet")).as_deref(), Some("me"));
        assert_eq!(owner("arn:aws-cn:iam::1:user/cargo-cloud/me/tablet").as_deref(), Some("me"));
        for arn in [
            "",
            "me",
            "arn:aws:iam::1:root",
            "arn:aws:iam::1:user/tablet",
            "arn:aws:iam::1:user/cargo-cloud/me",
            "arn:aws:iam::1:user/cargo-cloud/me/",
            "arn:aws:iam::1:user/cargo-cloud//tablet",
            "arn:aws:iam::1:user/cargo-cloud/me/deep/tablet",
            "arn:aws:iam::1:user/other-cloud/me/tablet",
            "arn:aws:iam::1:role/cargo-cloud/me/tablet",
            "arn:aws:sts::1:assumed-role/cargo-cloud/me/tablet",
            "arn:aws:sts::1:user/cargo-cloud/me/tablet",
        ] {
            assert_eq!(owner(arn), None, "{arn}");
        }
    }
}
