//! The WebSocket APIs that were applied: routes, the functions behind them, and the limits of the stages.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::platform_file::PlatformFile;
use crate::serve::moto::Moto;

/// All WebSocket APIs, by their ids.
#[derive(Debug, Clone, Default)]
pub struct Apis(BTreeMap<String, Api>);

/// A WebSocket API with its stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    /// The ARN that policies use: `arn:aws:execute-api:<region>:<account>:<id>`.
    pub arn: String,
    /// The routes, by their route keys.
    pub routes: BTreeMap<String, Route>,
    /// The stages, by their names.
    pub stages: BTreeMap<String, Stage>,
}

/// A route: who may use it, and the function that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whether the caller has to sign, which only `$connect` checks.
    pub iam: bool,
    /// The ARN of the function that answers.
    pub function: String,
}

/// A stage with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Requests a second over time; `None` without a limit of its own.
    pub rate: Option<f64>,
    /// Requests at once; `None` without a limit of its own.
    pub burst: Option<u32>,
}

#[derive(Deserialize)]
struct Items {
    items: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawApi {
    api_id: String,
    name: String,
    protocol_type: String,
    route_selection_expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRoute {
    route_key: String,
    authorization_type: Option<String>,
    target: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawIntegration {
    integration_id: String,
    integration_type: String,
    integration_uri: Option<String>,
    credentials_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStage {
    stage_name: String,
    auto_deploy: Option<bool>,
    default_route_settings: Option<RouteSettings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteSettings {
    throttling_rate_limit: Option<f64>,
    throttling_burst_limit: Option<u32>,
}

impl Apis {
    /// Reads all of them back. What the emulator can't do as AWS does is an error.
    pub async fn load(moto: &Moto, platform: &PlatformFile) -> Result<Self> {
        let mut apis = BTreeMap::new();
        for api in items(moto, "/v2/apis").await? {
            let api: RawApi = serde_json::from_value(api).context("an API can't be read")?;
            ensure!(
                api.protocol_type == "WEBSOCKET",
                "the API {} speaks {}, not WEBSOCKET",
                api.name,
                api.protocol_type
            );
            ensure!(
                api.route_selection_expression == "$request.body.action",
                "the API {} selects routes by `{}`; only `$request.body.action` is known here",
                api.name,
                api.route_selection_expression
            );
            let path = format!("/v2/apis/{}", api.api_id);
            let integrations = items(moto, &format!("{path}/integrations")).await?;
            let routes = items(moto, &format!("{path}/routes")).await?;
            let stages = items(moto, &format!("{path}/stages")).await?;
            let arn = format!("arn:aws:execute-api:{}:{}:{}", platform.region, platform.account, api.api_id);
            let made = Api { arn, routes: routes_of(routes, integrations)?, stages: stages_of(stages)? };
            apis.insert(api.api_id, made);
        }
        Ok(Self(apis))
    }

    /// The API with this id.
    pub fn get(&self, id: &str) -> Option<&Api> {
        self.0.get(id)
    }
}

async fn items(moto: &Moto, path: &str) -> Result<Vec<Value>> {
    let list = moto.get_json("apigateway", path).await?.with_context(|| format!("moto has no {path}"))?;
    let list: Items = serde_json::from_value(list).with_context(|| format!("{path} is not a list"))?;
    Ok(list.items)
}

fn routes_of(routes: Vec<Value>, integrations: Vec<Value>) -> Result<BTreeMap<String, Route>> {
    let mut functions = BTreeMap::new();
    for integration in integrations {
        let raw: RawIntegration = serde_json::from_value(integration).context("an integration can't be read")?;
        ensure!(
            raw.integration_type == "AWS_PROXY",
            "an integration of the type {} is not supported by this emulator",
            raw.integration_type
        );
        ensure!(raw.credentials_arn.is_none(), "an integration with credentials is not supported by this emulator");
        let uri = raw.integration_uri.context("an integration without a URI")?;
        functions.insert(format!("integrations/{}", raw.integration_id), function_of(&uri)?.to_owned());
    }
    let mut known = BTreeMap::new();
    for route in routes {
        let raw: RawRoute = serde_json::from_value(route).context("a route can't be read")?;
        let iam = match raw.authorization_type.as_deref() {
            Some("AWS_IAM") => true,
            Some("NONE") | None => false,
            Some(other) => bail!("the route {} asks for {other}, which this emulator does not support", raw.route_key),
        };
        // AWS takes such a route, and answers with an error whenever it is chosen.
        let Some(function) = raw.target.as_ref().and_then(|target| functions.get(target)) else {
            bail!("the route {} leads nowhere: {:?}", raw.route_key, raw.target);
        };
        known.insert(raw.route_key, Route { iam, function: function.clone() });
    }
    Ok(known)
}

/// The function in `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function's ARN>/invocations`.
fn function_of(uri: &str) -> Result<&str> {
    uri.split_once("/functions/")
        .and_then(|(_, rest)| rest.strip_suffix("/invocations"))
        .filter(|arn| arn.starts_with("arn:") && uri.contains(":lambda:path/"))
        .with_context(|| format!("the integration `{uri}` does not lead to a function"))
}

fn stages_of(stages: Vec<Value>) -> Result<BTreeMap<String, Stage>> {
    let mut known = BTreeMap::new();
    for stage in stages {
        let raw: RawStage = serde_json::from_value(stage).context("a stage can't be read")?;
        ensure!(raw.auto_deploy == Some(true), "the stage {} is not deployed by itself", raw.stage_name);
        let settings = raw.default_route_settings;
        let rate = settings.as_ref().and_then(|settings| settings.throttling_rate_limit);
        let burst = settings.as_ref().and_then(|settings| settings.throttling_burst_limit);
        known.insert(raw.stage_name, Stage { rate, burst });
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URI: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f/invocations";

    #[test]
    fn routes_lead_to_functions() {
        let integration = json!({"integrationId": "i", "integrationType": "AWS_PROXY", "integrationUri": URI, "credentialsArn": null});
        let connect = json!({"routeKey": "$connect", "authorizationType": "AWS_IAM", "target": "integrations/i"});
        let resume = json!({"routeKey": "resume", "authorizationType": "NONE", "target": "integrations/i"});
        let routes = routes_of(vec![connect.clone(), resume], vec![integration.clone()]).unwrap();
        let function = "arn:aws:lambda:eu-west-1:1:function:f".to_owned();
        assert_eq!(routes["$connect"], Route { iam: true, function: function.clone() });
        assert_eq!(routes["resume"], Route { iam: false, function });
        let mut other = integration.clone();
        other["integrationId"] = json!("j");
        assert!(routes_of(vec![connect.clone()], vec![other]).is_err());
        for (field, value) in
            [("integrationType", json!("HTTP")), ("credentialsArn", json!("x")), ("integrationUri", json!("http://x"))]
        {
            let mut wrong = integration.clone();
            wrong[field] = value;
            assert!(routes_of(vec![connect.clone()], vec![wrong]).is_err(), "{field}");
        }
        let mut custom = connect;
        custom["authorizationType"] = json!("CUSTOM");
        assert!(routes_of(vec![custom], vec![integration]).is_err());
    }

    #[test]
    fn stages_have_limits_or_none() {
        let limited = json!({"stageName": "v1", "autoDeploy": true, "defaultRouteSettings": {"throttlingBurstLimit": 2, "throttlingRateLimit": 1.5}});
        let stages = stages_of(vec![limited, json!({"stageName": "x", "autoDeploy": true})]).unwrap();
        assert_eq!(stages["v1"], Stage { rate: Some(1.5), burst: Some(2) });
        assert_eq!(stages["x"], Stage { rate: None, burst: None });
        assert!(stages_of(vec![json!({"stageName": "x", "autoDeploy": false})]).is_err());
    }
}
