//! `PutEvents`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Event, publish};
use crate::serve::call::Call;
use crate::serve::emulator::Emulator;
use crate::serve::front::{Reply, Signed, json_error, json_reply};
use crate::serve::keys::random_uuid;

/// All entries of one call (docs.aws.amazon.com/eventbridge, eb-quota: 256 KB).
const MAX_CALL_BYTES: usize = 256 * 1024;

/// Entries of one call.
const MAX_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
}

impl Entry {
    fn bus_arn(&self, emulator: &Emulator) -> String {
        let name = self.event_bus_name.as_deref().unwrap_or("default");
        match name.starts_with("arn:") {
            true => name.to_owned(),
            false => {
                let platform = &emulator.platform;
                format!("arn:aws:events:{}:{}:event-bus/{name}", platform.region, platform.account)
            }
        }
    }

    /// As EventBridge counts it (eb-putevents, "Calculating PutEvents event entry size"): 14 for the time, which is
    /// never given here.
    fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        length(&self.source)
            + length(&self.detail_type)
            + length(&self.detail)
            + self.resources.iter().map(String::len).sum::<usize>()
    }

    /// Why it is no event, as EventBridge says it.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        if is_empty(&self.source) {
            return Some(("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."));
        }
        if is_empty(&self.detail_type) {
            let text = "Parameter DetailType is not valid. Reason: DetailType is a required argument.";
            return Some(("InvalidArgument", text));
        }
        let detail = self.detail.as_deref().map(serde_json::from_str::<Value>);
        match detail {
            Some(Ok(Value::Object(_))) => None,
            Some(_) => Some(("MalformedDetail", "Detail is malformed.")),
            None => Some(("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument.")),
        }
    }
}

fn parse(signed: &Signed) -> Result<Request, Reply> {
    let target = signed.header("x-amz-target").unwrap_or_default();
    if target != "AWSEvents.PutEvents" {
        return Err(json_error(501, "UnknownOperationException", &format!("this emulator doesn't know {target}")));
    }
    let request = serde_json::from_slice::<Request>(&signed.body);
    let request = request.map_err(|error| json_error(400, "SerializationException", &error.to_string()))?;
    if request.entries.is_empty() || request.entries.len() > MAX_ENTRIES {
        return Err(json_error(400, "ValidationException", "1 to 10 entries are a call"));
    }
    Ok(request)
}

/// What the caller has to be allowed.
pub fn calls(emulator: &Emulator, signed: &Signed) -> Result<Vec<Call>, Reply> {
    let call = |entry: &Entry| {
        let mut context = emulator.request_context(signed.plain);
        for (key, value) in [("events:source", &entry.source), ("events:detail-type", &entry.detail_type)] {
            if let Some(value) = value {
                context.set(key, value);
            }
        }
        Call {
            principal: signed.principal.clone(),
            action: "events:PutEvents".to_owned(),
            resource: entry.bus_arn(emulator),
            context,
        }
    };
    Ok(parse(signed)?.entries.iter().map(call).collect())
}

/// Does it. `refuse`: the bus takes the call and no entry of it.
pub fn put(emulator: &Arc<Emulator>, signed: &Signed, refuse: bool) -> Reply {
    let request = match parse(signed) {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    if request.entries.iter().map(Entry::size).sum::<usize>() > MAX_CALL_BYTES {
        let text = "Total size of the entries in the request is over the limit.";
        return json_error(400, "ValidationException", text);
    }
    let mut failed = 0;
    let mut results = Vec::new();
    for entry in &request.entries {
        let fault = if refuse { Some(("InternalFailure", "The bus is busy.")) } else { entry.fault() };
        if let Some((code, text)) = fault {
            failed += 1;
            results.push(json!({ "ErrorCode": code, "ErrorMessage": text }));
            continue;
        }
        let detail = entry.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let (source, kind) =
            (entry.source.as_deref().unwrap_or_default(), entry.detail_type.as_deref().unwrap_or_default());
        let event = Event::new(emulator, &entry.bus_arn(emulator), source, kind, json!(entry.resources), detail);
        results.push(json!({ "EventId": event.body["id"].as_str().map_or_else(random_uuid, str::to_owned) }));
        publish(emulator, event);
    }
    json_reply(200, &json!({ "FailedEntryCount": failed, "Entries": results }))
}
