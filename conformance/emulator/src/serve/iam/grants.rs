//! What is granted, written down, so that what was never used can be named after all scenarios.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::document::{Actions, Policy, Resources};
use super::evaluate::Reason;

/// All grants of an account: the patterns of its Allow statements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Each action of each statement.
    pub actions: BTreeSet<Grant>,
    /// Each resource of each statement.
    pub resources: BTreeSet<Grant>,
}

/// One pattern of an Allow statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The name of the policy.
    pub policy: String,
    /// The statement's Sid, or `#2`.
    pub statement: String,
    /// The pattern, as in [`Reason`].
    pub pattern: String,
}

impl Grants {
    /// Collects the grants of these policies.
    pub fn of<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut grants = Self::default();
        for policy in policies {
            for statement in policy.statements.iter().filter(|statement| statement.allow) {
                let grant = |pattern: &str| Grant {
                    policy: policy.name.clone(),
                    statement: statement.name.clone(),
                    pattern: pattern.to_owned(),
                };
                match &statement.actions {
                    Actions::Only(patterns) => grants.actions.extend(patterns.iter().map(|pattern| grant(pattern))),
                    Actions::AllBut(_) => drop(grants.actions.insert(grant("NotAction"))),
                }
                match &statement.resources {
                    Some(Resources::Only(patterns)) => {
                        grants.resources.extend(patterns.iter().map(|pattern| grant(pattern)));
                    }
                    Some(Resources::AllBut(_)) => drop(grants.resources.insert(grant("NotResource"))),
                    None => drop(grants.resources.insert(grant(""))),
                }
            }
        }
        grants
    }

    /// Takes away what allowed a call: what is left at the end was never used.
    pub fn used(&mut self, reason: &Reason) {
        let grant = |pattern: &str| Grant {
            policy: reason.policy.clone(),
            statement: reason.statement.clone(),
            pattern: pattern.to_owned(),
        };
        self.actions.remove(&grant(&reason.action));
        self.resources.remove(&grant(&reason.resource));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_allowed_no_call_is_left() {
        let document = serde_json::json!({ "Version": "2012-10-17", "Statement": [
            {"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]},
            {"Sid": "D", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}
        ]});
        let policy = Policy::parse("p", &document.to_string()).unwrap();
        let mut grants = Grants::of([&policy]);
        assert_eq!((grants.actions.len(), grants.resources.len()), (2, 2));
        grants.used(&Reason {
            policy: "p".to_owned(),
            statement: "A".to_owned(),
            action: "s3:GetObject".to_owned(),
            resource: "arn:aws:s3:::b/*".to_owned(),
        });
        let left = |set: &BTreeSet<Grant>| set.iter().map(|grant| grant.pattern.clone()).collect::<Vec<_>>();
        assert_eq!(left(&grants.actions), ["s3:PutObject"]);
        assert_eq!(left(&grants.resources), ["arn:aws:s3:::a/*"]);
    }
}
