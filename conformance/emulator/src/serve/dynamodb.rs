//! DynamoDB: moto keeps the table; which items a request works on is read here, for the conditions of the policies.

use serde_json::Value;

use super::account::EmulatedAccount;
use super::call::ActionCall;
use super::http::{AuthenticatedRequest, AwsReply, json_error, json_reply};

const VERSION: &str = "DynamoDB_20120810.";

fn parse(signed: &AuthenticatedRequest) -> Result<(&str, Value), AwsReply> {
    let target = signed.header("x-amz-target").unwrap_or_default();
    let Some(operation) = target.strip_prefix(VERSION) else {
        return Err(json_error(400, "UnknownOperationException", "there is no such operation"));
    };
    let body = serde_json::from_slice(&signed.body);
    let body = body.map_err(|error| json_error(400, "SerializationException", &error.to_string()))?;
    Ok((operation, body))
}

/// The calls that the sender has to be allowed (Service Authorization Reference, Amazon DynamoDB).
pub fn calls(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> Result<Vec<ActionCall>, AwsReply> {
    let (operation, body) = parse(signed)?;
    let mut calls = Vec::new();
    match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query" => {
            calls.push(call(account, signed, operation, &body, &[&body]));
        }
        // Every item is an action of its own.
        "TransactWriteItems" | "TransactGetItems" => {
            for item in body["TransactItems"].as_array().into_iter().flatten() {
                let Some((kind, item)) = item.as_object().and_then(|item| item.iter().next()) else { continue };
                // Put, Update, Delete, Get, ConditionCheck.
                calls.push(call(account, signed, &format!("{kind}Item"), item, &[item]));
            }
        }
        "BatchWriteItem" | "BatchGetItem" => {
            for (table, requests) in body["RequestItems"].as_object().into_iter().flatten() {
                let items: Vec<&Value> = match requests {
                    Value::Array(writes) => {
                        writes.iter().filter_map(|write| write.as_object()?.values().next()).collect()
                    }
                    _ => vec![],
                };
                let keys: Vec<Value> = requests["Keys"].as_array().into_iter().flatten().map(with_key).collect();
                let items: Vec<&Value> = items.into_iter().chain(&keys).collect();
                let named = serde_json::json!({ "TableName": table });
                calls.push(call(account, signed, operation, &named, &items));
            }
        }
        other => {
            return Err(json_error(501, "UnknownOperationException", &format!("this emulator doesn't know {other}")));
        }
    }
    if calls.is_empty() {
        return Err(json_error(400, "ValidationException", "the request is about no item"));
    }
    Ok(calls)
}

fn with_key(key: &Value) -> Value {
    serde_json::json!({ "Key": key })
}

fn call(
    account: &EmulatedAccount,
    signed: &AuthenticatedRequest,
    action: &str,
    request: &Value,
    items: &[&Value],
) -> ActionCall {
    let table = request["TableName"].as_str().unwrap_or_default();
    let platform = &account.platform;
    let resource = match table.starts_with("arn:") {
        true => table.to_owned(),
        false => format!("arn:aws:dynamodb:{}:{}:table/{table}", platform.region, platform.account),
    };
    let mut context = account.request_context(signed.plain);
    let keys: Vec<String> = items.iter().filter_map(|item| partition_key(item)).collect();
    context.set_all("dynamodb:LeadingKeys", keys);
    for (field, key) in [("ReturnValues", "dynamodb:ReturnValues"), ("Select", "dynamodb:Select")] {
        if let Some(value) = request[field].as_str() {
            context.set(key, value);
        }
    }
    ActionCall { principal: signed.principal.clone(), action: format!("dynamodb:{action}"), resource, context }
}

/// The partition key, `pk`, of the item that a request works on.
fn partition_key(request: &Value) -> Option<String> {
    let direct = request.get("Key").or_else(|| request.get("Item")).and_then(|item| text(item.get("pk")?));
    direct.or_else(|| queried_key(request))
}

fn text(value: &Value) -> Option<String> {
    value.get("S").or_else(|| value.get("N"))?.as_str().map(str::to_owned)
}

/// The partition key in `pk = :value AND …`, in any order; the attribute may stand under another name.
fn queried_key(request: &Value) -> Option<String> {
    let expression = request["KeyConditionExpression"].as_str()?.replace(['(', ')'], " ").replace('=', " = ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let value = words.windows(3).find_map(|words| {
        let [name, "=", value] = words else { return None };
        let name = request["ExpressionAttributeNames"][name].as_str().unwrap_or(name);
        (name == "pk").then_some(*value)
    })?;
    text(&request["ExpressionAttributeValues"][value])
}

/// Forwards a request that was allowed to moto.
pub async fn perform(account: &EmulatedAccount, signed: &AuthenticatedRequest) -> AwsReply {
    let (operation, body) = match parse(signed) {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    match account.moto.forward_json("dynamodb", &format!("{VERSION}{operation}"), &body).await {
        Ok((status, body)) => {
            let mut reply = json_reply(status.as_u16(), &Value::Null);
            *reply.body_mut() = body.into();
            reply
        }
        Err(error) => {
            account.problems.add(format!("moto fails: {error:#}"));
            json_error(500, "InternalServerError", "Internal server error")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_partition_key_is_found_in_every_form_of_request() {
        for request in [
            json!({"Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}),
            json!({"Item": {"pk": {"S": "a"}}}),
            json!({"KeyConditionExpression": "pk = :p AND sk > :s", "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "x"}}}),
            json!({"KeyConditionExpression": "(#s >= :s) and (#p=:p)", "ExpressionAttributeNames": {"#p": "pk", "#s": "sk"},
                   "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "x"}}}),
        ] {
            assert_eq!(partition_key(&request).as_deref(), Some("a"), "{request}");
        }
        let none = json!({"KeyConditionExpression": "sk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}});
        assert_eq!(partition_key(&none), None);
    }
}
