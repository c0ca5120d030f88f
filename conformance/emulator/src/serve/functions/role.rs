//! What Lambda does with a function's role: it assumes the role to run the function, and writes the function's log.

use anyhow::{Context, Result, anyhow};

use crate::serve::account::EmulatedAccount;
use crate::serve::applied::functions::FunctionConfig;
use crate::serve::call::{ActionCall, Principal};

/// Assumes the function's role; an error when its trust policy doesn't let Lambda do that.
pub fn assume(account: &EmulatedAccount, config: &FunctionConfig) -> Result<Principal> {
    let applied = account.applied();
    let principal = applied.policies.session(&config.role_arn, &config.name);
    let principal =
        principal.with_context(|| format!("the role {} of {} does not exist", config.role_arn, config.name))?;
    let call = ActionCall {
        principal: Principal::Service { name: "lambda.amazonaws.com".to_owned() },
        action: "sts:AssumeRole".to_owned(),
        resource: config.role_arn.clone(),
        context: account.request_context(false),
    };
    let assumed = account.authorize(&[call]);
    assumed.map_err(|refused| anyhow!(refused.message())).context("Lambda may not assume the function's role")?;
    Ok(principal)
}

/// Checks that the role may write the function's log. Lambda runs a function whose log it can't write; here it is a
/// problem of the platform.
pub fn check_log_access(account: &EmulatedAccount, config: &FunctionConfig, principal: &Principal, stream: &str) {
    let group = config.log_group_arn();
    let call = |action: &str, resource: String| ActionCall {
        principal: principal.clone(),
        action: action.to_owned(),
        resource,
        context: account.request_context(false),
    };
    let stream = format!("{group}:log-stream:{stream}");
    let mut calls = vec![call("logs:CreateLogStream", stream.clone()), call("logs:PutLogEvents", stream)];
    if !config.has_log_group {
        calls.insert(0, call("logs:CreateLogGroup", format!("{group}:*")));
    }
    if account.authorize(&calls).is_err() {
        account.problems.add(format!("the log of {} is lost: its role may not write it", config.name));
    }
}
