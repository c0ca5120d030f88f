//! What Terraform has applied, read back.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::events::Rule;
use super::functions::FunctionConfig;
use super::iam::Policies;
use super::moto::Moto;
use super::s3::Notification;
use super::socket::Apis;
use crate::platform_file::PlatformFile;

/// All of it.
pub struct Wiring {
    /// Who may do what.
    pub policies: Policies,
    /// Functions by name.
    pub functions: BTreeMap<String, FunctionConfig>,
    /// What each bucket tells of its objects.
    pub notifications: BTreeMap<String, Vec<Notification>>,
    /// The rules of all buses.
    pub rules: Vec<Rule>,
    /// WebSocket APIs.
    pub apis: Apis,
}

impl Wiring {
    /// Reads it.
    pub async fn load(moto: &Moto, platform: &PlatformFile) -> Result<Self> {
        Ok(Self {
            policies: Policies::load(moto).await.context("the policies can't be read back")?,
            functions: FunctionConfig::load_all(moto).await.context("the functions can't be read back")?,
            notifications: Notification::load_all(moto).await.context("the notifications can't be read back")?,
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
