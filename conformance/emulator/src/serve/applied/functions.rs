//! The configuration of a function, as it was applied.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::serve::moto::Moto;

/// Lambda's own default (docs.aws.amazon.com/lambda, invocation-async-configuring).
const DEFAULT_RETRIES: u32 = 2;
const DEFAULT_EVENT_AGE: Duration = Duration::from_secs(6 * 3600);

/// The configuration of a function.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    /// The name of the function: `cargo-cloud-compile`.
    pub name: String,
    /// The ARN without a version.
    pub arn: String,
    /// The ARN of the role that the function runs with.
    pub role_arn: String,
    /// Whether it is a container image, not an archive with nothing but the program.
    pub is_image: bool,
    /// The memory of a sandbox in megabytes.
    pub memory: u32,
    /// The longest an invocation may take.
    pub timeout: Duration,
    /// The environment variables that Terraform sets.
    pub environment: BTreeMap<String, String>,
    /// The name of the log group for its output.
    pub log_group: String,
    /// Whether this log group exists.
    pub has_log_group: bool,
    /// How often a failed asynchronous invocation is retried.
    pub retries: u32,
    /// How long an asynchronous invocation may wait before Lambda gives up.
    pub event_age: Duration,
    /// The ARN that receives the records of failed asynchronous invocations.
    pub on_failure: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionPage {
    functions: Vec<ListedFunction>,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedFunction {
    function_name: String,
    function_arn: String,
    role: String,
    #[serde(default)]
    package_type: String,
    memory_size: u32,
    timeout: u64,
    #[serde(default)]
    environment: FunctionVariables,
    #[serde(default)]
    logging_config: Logging,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionVariables {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Logging {
    log_group: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EventInvoke {
    maximum_retry_attempts: Option<u32>,
    maximum_event_age_in_seconds: Option<u64>,
    #[serde(default)]
    destination_config: DestinationConfig,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DestinationConfig {
    #[serde(default)]
    on_failure: FailureDestination,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FailureDestination {
    destination: Option<String>,
}

impl FunctionConfig {
    /// Reads the configurations of all functions back.
    pub async fn load_all(moto: &Moto) -> Result<BTreeMap<String, Self>> {
        let groups = log_groups(moto).await?;
        let mut functions = BTreeMap::new();
        let mut path = "/2015-03-31/functions/".to_owned();
        loop {
            let page = moto.get_json("lambda", &path).await?.context("moto lists no functions")?;
            let page: FunctionPage = serde_json::from_value(page).context("a function can't be read")?;
            for listed in page.functions {
                let function = Self::read(moto, listed, &groups).await?;
                functions.insert(function.name.clone(), function);
            }
            match page.next_marker.filter(|marker| !marker.is_empty()) {
                Some(marker) => path = format!("/2015-03-31/functions/?Marker={marker}"),
                None => return Ok(functions),
            }
        }
    }

    async fn read(moto: &Moto, listed: ListedFunction, groups: &[String]) -> Result<Self> {
        let name = listed.function_name;
        let path = format!("/2019-09-25/functions/{name}/event-invoke-config");
        let invoke = match moto.get_json("lambda", &path).await? {
            Some(json) => {
                serde_json::from_value(json).with_context(|| format!("how {name} is invoked can't be read"))?
            }
            None => EventInvoke::default(),
        };
        let log_group = listed.logging_config.log_group.unwrap_or_else(|| format!("/aws/lambda/{name}"));
        Ok(Self {
            arn: listed.function_arn,
            role_arn: listed.role,
            is_image: listed.package_type == "Image",
            memory: listed.memory_size,
            timeout: Duration::from_secs(listed.timeout),
            environment: listed.environment.variables,
            has_log_group: groups.contains(&log_group),
            log_group,
            retries: invoke.maximum_retry_attempts.unwrap_or(DEFAULT_RETRIES),
            event_age: invoke.maximum_event_age_in_seconds.map_or(DEFAULT_EVENT_AGE, Duration::from_secs),
            on_failure: invoke.destination_config.on_failure.destination.filter(|arn| !arn.is_empty()),
            name,
        })
    }

    /// The ARN of the function's log group.
    pub fn log_group_arn(&self) -> String {
        let scope: Vec<&str> = self.arn.split(':').collect();
        let (region, account) = (scope.get(3).unwrap_or(&""), scope.get(4).unwrap_or(&""));
        format!("arn:aws:logs:{region}:{account}:log-group:{}", self.log_group)
    }
}

async fn log_groups(moto: &Moto) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut request = serde_json::json!({});
    loop {
        let page = moto.json("logs", "Logs_20140328.DescribeLogGroups", &request).await?;
        let groups = page["logGroups"].as_array().context("moto lists no log groups")?;
        names.extend(groups.iter().filter_map(|group| Some(group["logGroupName"].as_str()?.to_owned())));
        match page["nextToken"].as_str() {
            Some(token) => request = serde_json::json!({ "nextToken": token }),
            None => return Ok(names),
        }
    }
}
