//! `/emulator/…`: how a scenario disturbs the account, and looks into it. Unsigned.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::emulator::Emulator;
use super::events::Disorder;
use super::faults::{Fault, is_function};
use super::front::signature::parse_query;
use super::front::{Reply, json_reply};

/// Where all of it is.
pub const ROOT: &str = "/emulator/";

/// Answers a request.
pub async fn answer(emulator: &Arc<Emulator>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return json_reply(400, &json!({ "error": "the request broke off" })) };
    let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let query = parse_query(head.uri.query().unwrap_or_default());
    match perform(emulator, &head.method, path, &query, &body.to_bytes()).await {
        Ok(answer) => json_reply(200, &answer),
        Err(error) => json_reply(400, &json!({ "error": format!("{error:#}") })),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drops {
    /// `$disconnect` is not invoked, which is no more than AWS promises.
    #[serde(default)]
    untold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    /// A function, or several; none: from now on none is expected.
    principal: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invoke {
    function: String,
    payload: Value,
    /// Waits for the answer.
    #[serde(default)]
    wait: bool,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).context("the body is not what was expected")
}

async fn perform(
    emulator: &Arc<Emulator>,
    method: &Method,
    path: &str,
    query: &[(String, String)],
    body: &[u8],
) -> Result<Value> {
    match (method, path) {
        (&Method::POST, "faults") => emulator.faults.set(read::<Vec<Fault>>(body)?),
        (&Method::POST, "delivery") => emulator.delivery.set(read::<Disorder>(body)?),
        (&Method::POST, "power") => power(emulator, read::<Switch>(body)?.on).await?,
        (&Method::POST, "cold") => emulator.functions.cool().await,
        (&Method::POST, "drop-connections") => emulator.gateway.drop_all(!read::<Drops>(body)?.untold),
        (&Method::POST, "expect-refusals") => {
            emulator.expect_refusals(match read::<Refusals>(body)?.principal {
                Some(OneOrMany::One(name)) => vec![name],
                Some(OneOrMany::Many(names)) => names,
                None => Vec::new(),
            });
        }
        (&Method::POST, "invoke") => return invoke(emulator, read(body)?).await,
        (&Method::POST, "reload") => emulator.reload().await?,
        (&Method::GET, "calls") => return Ok(serde_json::to_value(emulator.calls())?),
        (&Method::GET, "processes") => return Ok(emulator.functions.processes()),
        (&Method::GET, "problems") => return Ok(json!(emulator.problems.all())),
        (&Method::GET, "objects") => {
            let bucket = query.iter().find(|(name, _)| name == "bucket").map(|(_, value)| value.as_str());
            return objects(emulator, bucket.context("name a bucket: ?bucket=output")?).await;
        }
        (&Method::GET, "table") => return table(emulator).await,
        (&Method::GET, "addresses") => {
            let (plain, moto) = (emulator.plain.to_string(), emulator.moto.port());
            return Ok(json!({ "address": emulator.address.to_string(), "plain": plain, "moto_port": moto }));
        }
        (&Method::GET, "sandboxes") => return Ok(emulator.functions.sandboxes()),
        _ => bail!("there is no {method} {ROOT}{path}"),
    }
    Ok(json!({}))
}

/// Off: what runs dies, connections break. On: all goes on with what was stored.
async fn power(emulator: &Arc<Emulator>, on: bool) -> Result<()> {
    emulator.power.switch(on);
    if on {
        return Ok(());
    }
    emulator.gateway.drop_all(true);
    emulator.functions.end_all().await;
    ensure!(!emulator.functions.has_sandboxes(), "a sandbox does not end");
    Ok(())
}

async fn invoke(emulator: &Arc<Emulator>, invoke: Invoke) -> Result<Value> {
    let wiring = emulator.wiring();
    let name = wiring.functions.keys().find(|name| is_function(&invoke.function, name));
    let name = name.with_context(|| format!("there is no function {}", invoke.function))?;
    let payload = Bytes::from(invoke.payload.to_string());
    if !invoke.wait {
        emulator.enqueue(name, payload);
        return Ok(json!({}));
    }
    match emulator.invoke(name, payload).await {
        Ok(answer) => Ok(serde_json::from_slice(&answer).unwrap_or_default()),
        Err(error) => bail!("{name} gives no answer: {error:?}"),
    }
}

/// The keys of a bucket, named in full or as the platform calls it: `output`.
async fn objects(emulator: &Emulator, bucket: &str) -> Result<Value> {
    #[derive(Deserialize)]
    struct Listing {
        #[serde(rename = "Contents", default)]
        contents: Vec<Content>,
        #[serde(rename = "NextContinuationToken")]
        next: Option<String>,
    }
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "Key")]
        key: String,
    }
    let wiring = emulator.wiring();
    let part = format!("-{bucket}-");
    let name = wiring.notifications.keys().find(|name| *name == bucket || name.contains(&part));
    let name = name.with_context(|| format!("there is no bucket {bucket}"))?;
    let mut keys = Vec::new();
    let mut path = format!("/{name}?list-type=2");
    loop {
        let xml = emulator.moto.get("s3", &path).await?.with_context(|| format!("there is no bucket {name}"))?;
        let listing: Listing = quick_xml::de::from_reader(&*xml).context("a listing can't be read")?;
        keys.extend(listing.contents.into_iter().map(|content| content.key));
        let Some(token) = listing.next else { return Ok(json!(keys)) };
        let token = percent_encoding::utf8_percent_encode(&token, percent_encoding::NON_ALPHANUMERIC);
        path = format!("/{name}?list-type=2&continuation-token={token}");
    }
}

/// All rows of the table: attribute to value, strings and numbers as they are.
async fn table(emulator: &Emulator) -> Result<Value> {
    let tables = emulator.moto.json("dynamodb", "DynamoDB_20120810.ListTables", &json!({})).await?;
    let mut rows = Vec::new();
    for table in tables["TableNames"].as_array().into_iter().flatten() {
        let mut request = json!({ "TableName": table });
        loop {
            let page = emulator.moto.json("dynamodb", "DynamoDB_20120810.Scan", &request).await?;
            rows.extend(page["Items"].as_array().into_iter().flatten().map(plain));
            match page.get("LastEvaluatedKey") {
                Some(key) => request["ExclusiveStartKey"] = key.clone(),
                None => break,
            }
        }
    }
    Ok(json!(rows))
}

/// Without DynamoDB's types.
fn plain(item: &Value) -> Value {
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
        assert_eq!(plain(&row), json!({"pk": "usage", "spent": 12, "on": true}));
    }
}
