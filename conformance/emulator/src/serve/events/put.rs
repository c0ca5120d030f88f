//! `PutEvents`: how a caller sends events to a bus.

use serde::Deserialize;
use serde_json::{Value, json};

use super::bus::{EventBus, SentEvent};
use crate::serve::account::EmulatedAccount;
use crate::serve::call::ActionCall;
use crate::serve::http::{AuthenticatedRequest, AwsReply, json_error, json_reply};

/// The size of all entries of one call in bytes (docs.aws.amazon.com/eventbridge, eb-quota: 256 KB).
const MAX_CALL_BYTES: usize = 256 * 1024;

/// The number of entries that one call may have.
const MAX_ENTRIES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsRequest {
    #[serde(default)]
    entries: Vec<PutEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEntry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
}

impl PutEntry {
    fn bus_arn(&self, account: &EmulatedAccount) -> String {
        let name = self.event_bus_name.as_deref().unwrap_or("default");
        match name.starts_with("arn:") {
            true => name.to_owned(),
            false => {
                let platform = &account.platform;
                format!("arn:aws:events:{}:{}:event-bus/{name}", platform.region, platform.account)
            }
        }
    }

    /// The size in bytes as EventBridge counts it (eb-putevents, "Calculating PutEvents event entry size"), without the
    /// 14 bytes of the time, which is never given here.
    fn size(&self) -> usize {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        length(&self.source)
            + length(&self.detail_type)
            + length(&self.detail)
            + self.resources.iter().map(String::len).sum::<usize>()
    }

    /// Why the entry is invalid: the code and the text in EventBridge's own words.
    fn error(&self) -> Option<(&'static str, &'static str)> {
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

fn parse(signed: &AuthenticatedRequest) -> Result<PutEventsRequest, AwsReply> {
    let target = signed.header("x-amz-target").unwrap_or_default();
    if target != "AWSEvents.PutEvents" {
        return Err(json_error(501, "UnknownOperationException", &format!("this emulator doesn't know {target}")));
    }
    let request = serde_json::from_slice::<PutEventsRequest>(&signed.body);
    let request = request.map_err(|error| json_error(400, "SerializationException", &error.to_string()))?;
    if request.entries.is_empty() || request.entries.len() > MAX_ENTRIES {
        return Err(json_error(400, "ValidationException", "a call has 1 to 10 entries"));
    }
    Ok(request)
}

/// The calls that the sender has to be allowed.
pub fn calls(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> Result<Vec<ActionCall>, AwsReply> {
    let call = |entry: &PutEntry| {
        let mut context = account.request_context(signed.plain);
        for (key, value) in [("events:source", &entry.source), ("events:detail-type", &entry.detail_type)] {
            if let Some(value) = value {
                context.set(key, value);
            }
        }
        ActionCall {
            principal: signed.principal.clone(),
            action: "events:PutEvents".to_owned(),
            resource: entry.bus_arn(account),
            context,
        }
    };
    Ok(parse(signed)?.entries.iter().map(call).collect())
}

/// Publishes the entries of a call. `refuse`: the bus accepts the call but refuses each of its entries.
pub fn put(bus: &EventBus, signed: &AuthenticatedRequest, refuse: bool) -> AwsReply {
    let request = match parse(signed) {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    if request.entries.iter().map(PutEntry::size).sum::<usize>() > MAX_CALL_BYTES {
        let text = "Total size of the entries in the request is over the limit.";
        return json_error(400, "ValidationException", text);
    }
    let mut failed = 0;
    let mut results = Vec::new();
    for entry in &request.entries {
        let error = if refuse { Some(("InternalFailure", "The bus is busy.")) } else { entry.error() };
        if let Some((code, text)) = error {
            failed += 1;
            results.push(json!({ "ErrorCode": code, "ErrorMessage": text }));
            continue;
        }
        let detail = entry.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let id = bus.publish(&SentEvent {
            bus_arn: &entry.bus_arn(bus.account()),
            source: entry.source.as_deref().unwrap_or_default(),
            detail_type: entry.detail_type.as_deref().unwrap_or_default(),
            resources: json!(entry.resources),
            detail,
        });
        results.push(json!({ "EventId": id }));
    }
    json_reply(200, &json!({ "FailedEntryCount": failed, "Entries": results }))
}
