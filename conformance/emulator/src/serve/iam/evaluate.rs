//! The decision: an explicit Deny, else an Allow, else no (IAM User Guide, "Policy evaluation logic", within one account).

use serde::{Deserialize, Serialize};

use super::document::{Actions, Policy, PrincipalPattern, Resources, Statement};
use super::pattern::{fill, like};
use crate::serve::call::{ActionCall, Principal};

/// Which part of which policy decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// The name of the policy: `role/cargo-cloud-relay/inline/table`.
    pub policy: String,
    /// The statement's Sid, or `#2`.
    pub statement: String,
    /// The pattern of its actions that fits; `NotAction` when none is named.
    pub action: String,
    /// The pattern of its resources that fits; empty in a trust policy, `NotResource` when none is named.
    pub resource: String,
}

/// What policies say about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessDecision {
    /// A statement allows it, and none denies it.
    Allowed(Reason),
    /// A statement denies the call.
    Denied(Reason),
    /// No statement allows the call.
    NotGranted,
}

impl AccessDecision {
    /// Whether the call may be made.
    pub fn allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The statement that decided, if one did.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Allowed(reason) | Self::Denied(reason) => Some(reason),
            Self::NotGranted => None,
        }
    }
}

/// Decides about a call by the caller's own policies and the resource's.
pub fn decide<'a>(
    call: &ActionCall,
    own: impl IntoIterator<Item = &'a Policy>,
    of_resource: impl IntoIterator<Item = &'a Policy>,
) -> AccessDecision {
    let own = own.into_iter().map(|policy| (policy, false));
    let of_resource = of_resource.into_iter().map(|policy| (policy, true));
    let mut allowed = None;
    for (policy, is_of_resource) in own.chain(of_resource) {
        for statement in &policy.statements {
            // The first Allow is the one that counts as used: a second one for the same call is superfluous.
            if statement.allow && allowed.is_some() {
                continue;
            }
            let Some((action, resource)) = applies(statement, call, is_of_resource) else { continue };
            let (policy, statement_name) = (policy.name.clone(), statement.name.clone());
            let reason = Reason { policy, statement: statement_name, action, resource };
            if !statement.allow {
                return AccessDecision::Denied(reason);
            }
            allowed = Some(reason);
        }
    }
    allowed.map_or(AccessDecision::NotGranted, AccessDecision::Allowed)
}

/// The patterns of action and resource by which a statement is about a call.
fn applies(statement: &Statement, call: &ActionCall, is_of_resource: bool) -> Option<(String, String)> {
    match &statement.principals {
        Some(patterns) => {
            let named = |pattern| is_named(pattern, &call.principal, statement.allow);
            if !is_of_resource || !patterns.iter().any(named) {
                return None;
            }
        }
        None if is_of_resource => return None,
        None => {}
    }
    let is_action = |pattern: &&String| like(&pattern.to_ascii_lowercase(), &call.action.to_ascii_lowercase());
    let action = match &statement.actions {
        Actions::Only(patterns) => patterns.iter().find(is_action)?.clone(),
        Actions::AllBut(patterns) if patterns.iter().any(|pattern| is_action(&pattern)) => return None,
        Actions::AllBut(_) => "NotAction".to_owned(),
    };
    let is_resource =
        |pattern: &&String| fill(pattern, &call.context).is_some_and(|filled| filled.matches_arn(&call.resource));
    let resource = match &statement.resources {
        Some(Resources::Only(patterns)) => patterns.iter().find(is_resource)?.clone(),
        Some(Resources::AllBut(patterns)) if patterns.iter().any(|pattern| is_resource(&pattern)) => return None,
        Some(Resources::AllBut(_)) => "NotResource".to_owned(),
        None => String::new(),
    };
    statement.conditions.iter().all(|condition| condition.holds(&call.context)).then_some((action, resource))
}

fn is_named(pattern: &PrincipalPattern, principal: &Principal, allow: bool) -> bool {
    match (pattern, principal) {
        (PrincipalPattern::Anyone, _) => true,
        (PrincipalPattern::Account(account), _) => {
            let of_account = principal.arn().and_then(|arn| arn.split(':').nth(4)) == Some(account);
            of_account && !allow
        }
        (PrincipalPattern::Arn(wanted), Principal::User { arn, .. }) => wanted == arn,
        (PrincipalPattern::Arn(wanted), Principal::Role { arn, session_arn, .. }) => {
            wanted == arn || wanted == session_arn
        }
        (PrincipalPattern::Service(wanted), Principal::Service { name }) => wanted == name,
        (PrincipalPattern::Arn(_) | PrincipalPattern::Service(_), _) => false,
    }
}

#[cfg(test)]
#[path = "evaluate/tests.rs"]
mod tests;
