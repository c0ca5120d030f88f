//! `/emulator/…`: how a scenario disturbs the account and looks into it. Requests are not signed.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::EmulatedAccount;
use super::delivery::{DeliverySettings, Disorder};
use super::faults::{FaultPlan, InjectedFault, is_function};
use super::functions::Functions;
use super::http::signature::parse_query;
use super::http::{AwsReply, json_reply};
use super::power::Power;
use super::socket::Gateway;

/// The start of every path of this interface.
pub const ROOT: &str = "/emulator/";

/// The interface with which scenarios disturb the account.
pub struct ScenarioControl {
    /// The account that scenarios look into.
    pub account: Arc<EmulatedAccount>,
    /// The faults that scenarios set.
    pub faults: Arc<FaultPlan>,
    /// The disorder of deliveries that scenarios set.
    pub delivery: Arc<DeliverySettings>,
    /// The power that scenarios switch.
    pub power: Arc<Power>,
    /// The functions that scenarios invoke and stop.
    pub functions: Arc<Functions>,
    /// The connections that scenarios break.
    pub gateway: Arc<Gateway>,
    /// The address of this emulator.
    pub address: SocketAddr,
    /// Its address for requests that count as sent without TLS.
    pub plain: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PowerRequest {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropRequest {
    /// Whether `$disconnect` is not invoked; AWS doesn't promise that it always is.
    #[serde(default)]
    untold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalRequest {
    /// One function or several that may be refused; without it none may be.
    principal: Option<FunctionNames>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FunctionNames {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvokeRequest {
    function: String,
    payload: Value,
    /// Whether to wait for the function's answer.
    #[serde(default)]
    wait: bool,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).context("the body is not what was expected")
}

impl ScenarioControl {
    /// Answers a request of a scenario.
    pub async fn answer(&self, request: Request<Incoming>) -> AwsReply {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return json_reply(400, &json!({ "error": "the connection broke before the whole body arrived" }));
        };
        let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
        let query = parse_query(head.uri.query().unwrap_or_default());
        match self.perform(&head.method, path, &query, &body.to_bytes()).await {
            Ok(answer) => json_reply(200, &answer),
            Err(error) => json_reply(400, &json!({ "error": format!("{error:#}") })),
        }
    }

    async fn perform(&self, method: &Method, path: &str, query: &[(String, String)], body: &[u8]) -> Result<Value> {
        match (method, path) {
            (&Method::POST, "faults") => self.faults.set(read::<Vec<InjectedFault>>(body)?),
            (&Method::POST, "delivery") => self.delivery.set(read::<Disorder>(body)?),
            (&Method::POST, "power") => self.switch_power(read::<PowerRequest>(body)?.on).await?,
            (&Method::POST, "cold") => self.functions.cool().await,
            (&Method::POST, "drop-connections") => {
                self.gateway.connections.drop_all(!read::<DropRequest>(body)?.untold)
            }
            (&Method::POST, "expect-refusals") => {
                self.account.expect_refusals(match read::<RefusalRequest>(body)?.principal {
                    Some(FunctionNames::One(name)) => vec![name],
                    Some(FunctionNames::Many(names)) => names,
                    None => Vec::new(),
                });
            }
            (&Method::POST, "invoke") => return self.invoke(read(body)?).await,
            (&Method::POST, "reload") => self.account.reload().await?,
            (&Method::GET, "calls") => return Ok(serde_json::to_value(self.account.calls())?),
            (&Method::GET, "processes") => return Ok(self.functions.live().processes()),
            (&Method::GET, "problems") => return Ok(json!(self.account.problems.all())),
            (&Method::GET, "objects") => {
                let bucket = query.iter().find(|(name, _)| name == "bucket").map(|(_, value)| value.as_str());
                return self.objects(bucket.context("name a bucket: ?bucket=output")?).await;
            }
            (&Method::GET, "table") => return self.table().await,
            (&Method::GET, "addresses") => {
                let (plain, moto) = (self.plain.to_string(), self.account.moto.port());
                return Ok(json!({ "address": self.address.to_string(), "plain": plain, "moto_port": moto }));
            }
            (&Method::GET, "sandboxes") => return Ok(self.functions.live().list()),
            _ => bail!("there is no {method} {ROOT}{path}"),
        }
        Ok(json!({}))
    }

    /// Switches the power. Off: everything that runs is killed, and connections break. On: everything continues from what
    /// was stored.
    async fn switch_power(&self, on: bool) -> Result<()> {
        self.power.switch(on);
        if on {
            return Ok(());
        }
        self.gateway.connections.drop_all(true);
        self.functions.end_all().await;
        ensure!(self.functions.live().is_empty(), "a sandbox does not end");
        Ok(())
    }

    async fn invoke(&self, invoke: InvokeRequest) -> Result<Value> {
        let applied = self.account.applied();
        let name = applied.functions.keys().find(|name| is_function(&invoke.function, name));
        let name = name.with_context(|| format!("there is no function {}", invoke.function))?;
        let payload = Bytes::from(invoke.payload.to_string());
        if !invoke.wait {
            self.functions.enqueue(name, payload);
            return Ok(json!({}));
        }
        match self.functions.invoke(name, payload).await {
            Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap_or_default()),
            Err(error) => bail!("{name} did not answer: {error:?}"),
        }
    }

    /// The keys in a bucket, whose name is given in full or by the part that tells it apart: `output`.
    async fn objects(&self, bucket: &str) -> Result<Value> {
        #[derive(Deserialize)]
        struct ObjectListing {
            #[serde(rename = "Contents", default)]
            contents: Vec<ListedObject>,
            #[serde(rename = "NextContinuationToken")]
            next: Option<String>,
        }
        #[derive(Deserialize)]
        struct ListedObject {
            #[serde(rename = "Key")]
            key: String,
        }
        let applied = self.account.applied();
        let part = format!("-{bucket}-");
        let name = applied.notifications.keys().find(|name| *name == bucket || name.contains(&part));
        let name = name.with_context(|| format!("there is no bucket {bucket}"))?;
        let mut keys = Vec::new();
        let mut path = format!("/{name}?list-type=2");
        loop {
            let xml =
                self.account.moto.get("s3", &path).await?.with_context(|| format!("there is no bucket {name}"))?;
            let listing: ObjectListing = quick_xml::de::from_reader(&*xml).context("a listing can't be read")?;
            keys.extend(listing.contents.into_iter().map(|content| content.key));
            let Some(token) = listing.next else { return Ok(json!(keys)) };
            let token = percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC);
            path = format!("/{name}?list-type=2&continuation-token={token}");
        }
    }

    /// All rows of the table, from attribute to value, without DynamoDB's types.
    async fn table(&self) -> Result<Value> {
        let tables = self.account.moto.json("dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await?;
        let mut rows = Vec::new();
        for table in tables["TableNames"].as_array().into_iter().flatten() {
            let mut request = json!({ "TableName": table });
            loop {
                let page = self.account.moto.json("dynamodb", "DynamoDB_20120810.Scan", &request).await?;
                rows.extend(page["Items"].as_array().into_iter().flatten().map(untyped));
                match page.get("LastEvaluatedKey") {
                    Some(key) => request["ExclusiveStartKey"] = key.clone(),
                    None => break,
                }
            }
        }
        Ok(json!(rows))
    }
}

/// A row without DynamoDB's types.
fn untyped(item: &Value) -> Value {
    let attributes = item.as_object().into_iter().flatten().map(|(name, value)| {
        let typed = value.as_object().and_then(|value| value.iter().next());
        let value = match typed {
            Some((kind, Value::String(number))) if kind == "N" => {
                number.parse::<serde_json::Number>().map_or_else(|_| json!(number), Value::Number)
            }
            Some((_, value)) => value.clone(),
            None => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(attributes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shown_without_types() {
        let row = json!({"pk": {"S": "usage"}, "spent": {"N": "12"}, "on": {"BOOL": true}});
        assert_eq!(untyped(&row), json!({"pk": "usage", "spent": 12, "on": true}));
    }
}
