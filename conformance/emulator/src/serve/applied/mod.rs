//! What Terraform has applied, read back from moto. Whatever the emulator can't do as AWS does is an error.

pub mod event_pattern;
pub mod functions;
pub mod notifications;
pub mod rules;
pub mod websocket;

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::iam::Policies;
use super::moto::Moto;
use crate::platform_file::PlatformFile;
use functions::FunctionConfig;
use notifications::BucketNotification;
use rules::Rule;
use websocket::Apis;

/// Everything that was applied and that the services obey.
pub struct AppliedPlatform {
    /// The policies of users, roles, buckets and functions.
    pub policies: Policies,
    /// The functions by their names.
    pub functions: BTreeMap<String, FunctionConfig>,
    /// The notifications of each bucket, by the bucket's name.
    pub notifications: BTreeMap<String, Vec<BucketNotification>>,
    /// The enabled rules of all event buses.
    pub rules: Vec<Rule>,
    /// The WebSocket APIs by their ids.
    pub apis: Apis,
}

impl AppliedPlatform {
    /// Reads everything back from moto.
    pub async fn load(moto: &Moto, platform: &PlatformFile) -> Result<Self> {
        Ok(Self {
            policies: Policies::load(moto).await.context("the policies can't be read back")?,
            functions: FunctionConfig::load_all(moto).await.context("the functions can't be read back")?,
            notifications: BucketNotification::load_all(moto).await.context("the notifications can't be read back")?,
            rules: Rule::load_all(moto).await.context("the rules can't be read back")?,
            apis: Apis::load(moto, platform).await.context("the WebSocket API can't be read back")?,
        })
    }

    /// The function with this ARN, with or without a version.
    pub fn function(&self, arn: &str) -> Option<&FunctionConfig> {
        self.functions.values().find(|function| {
            arn.strip_prefix(&function.arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    }
}
