//! What each bucket tells functions about its objects.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::serve::moto::Moto;

/// One notification of a bucket: which events of which keys invoke which function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketNotification {
    /// The id of this configuration, which is in every event.
    pub id: String,
    /// The ARN of the function to invoke.
    pub function: String,
    /// Types of events, possibly with a wildcard at the end: `s3:ObjectCreated:*`.
    events: Vec<String>,
    prefix: String,
    suffix: String,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "CloudFunctionConfiguration", alias = "LambdaFunctionConfiguration", default)]
    functions: Vec<ListedNotification>,
    #[serde(rename = "QueueConfiguration", default)]
    queues: Vec<serde::de::IgnoredAny>,
    #[serde(rename = "TopicConfiguration", default)]
    topics: Vec<serde::de::IgnoredAny>,
    #[serde(rename = "EventBridgeConfiguration")]
    event_bridge: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct ListedNotification {
    #[serde(rename = "Id", default)]
    id: String,
    #[serde(rename = "CloudFunction", alias = "LambdaFunctionArn")]
    function: String,
    #[serde(rename = "Event")]
    events: Vec<String>,
    #[serde(rename = "Filter")]
    filter: Option<NotificationFilter>,
}

#[derive(Deserialize)]
struct NotificationFilter {
    #[serde(rename = "S3Key")]
    key: KeyFilter,
}

#[derive(Deserialize)]
struct KeyFilter {
    #[serde(rename = "FilterRule", default)]
    rules: Vec<FilterRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule {
    name: String,
    value: String,
}

impl BucketNotification {
    /// Reads the configurations of all buckets back.
    pub async fn load_all(moto: &Moto) -> Result<BTreeMap<String, Vec<Self>>> {
        let mut all = BTreeMap::new();
        for bucket in moto.bucket_names().await? {
            let xml = moto.get("s3", &format!("/{bucket}?notification")).await?.unwrap_or_default();
            let own = Self::parse(&String::from_utf8_lossy(&xml));
            all.insert(bucket.clone(), own.with_context(|| format!("of the bucket {bucket}"))?);
        }
        Ok(all)
    }

    fn parse(xml: &str) -> Result<Vec<Self>> {
        if xml.trim().is_empty() {
            return Ok(Vec::new());
        }
        let configuration: Configuration = quick_xml::de::from_str(xml).context("notifications can't be read")?;
        ensure!(
            configuration.queues.is_empty() && configuration.topics.is_empty() && configuration.event_bridge.is_none(),
            "a bucket notifies something else than a function, which this emulator does not support"
        );
        configuration.functions.into_iter().map(Self::read).collect()
    }

    fn read(listed: ListedNotification) -> Result<Self> {
        let (mut prefix, mut suffix) = (String::new(), String::new());
        for rule in listed.filter.into_iter().flat_map(|filter| filter.key.rules) {
            match rule.name.to_ascii_lowercase().as_str() {
                "prefix" => prefix = rule.value,
                "suffix" => suffix = rule.value,
                other => bail!("a filter by `{other}` is not supported by this emulator"),
            }
        }
        Ok(Self { id: listed.id, function: listed.function, events: listed.events, prefix, suffix })
    }

    /// Whether it covers an event (`ObjectCreated:Put`) of this key.
    pub fn covers(&self, event: &str, key: &str) -> bool {
        let named = |pattern: &String| {
            let pattern = pattern.trim_start_matches("s3:");
            pattern == event || pattern.strip_suffix('*').is_some_and(|start| event.starts_with(start))
        };
        self.events.iter().any(named) && key.starts_with(&self.prefix) && key.ends_with(&self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_covers_some_keys() {
        let xml = r#"<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>
            <Id>x</Id><CloudFunction>arn:f</CloudFunction><Event>s3:ObjectCreated:*</Event><Event>s3:Other</Event><Filter><S3Key>
            <FilterRule><Name>Suffix</Name><Value>.zip</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>
            </NotificationConfiguration>"#;
        let all = BucketNotification::parse(xml).unwrap();
        assert_eq!((all.len(), all[0].function.as_str()), (1, "arn:f"));
        assert!(all[0].covers("ObjectCreated:Put", "me/a.zip") && all[0].covers("Other", ".zip"));
        assert!(!all[0].covers("ObjectCreated:Put", "me/a.zi") && !all[0].covers("ObjectRemoved:Delete", "a.zip"));
        assert!(BucketNotification::parse("<NotificationConfiguration/>").unwrap().is_empty());
        let queue = "<NotificationConfiguration><QueueConfiguration><Id>q</Id></QueueConfiguration></NotificationConfiguration>";
        assert!(BucketNotification::parse(queue).is_err());
    }
}
