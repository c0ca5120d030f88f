//! A call of an AWS action, as IAM sees it.

use serde::Serialize;

use super::iam::Context;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Principal {
    /// An IAM user: a device.
    User {
        /// `arn:aws:iam::<account>:user/<path><name>`.
        arn: String,
        /// The name alone.
        name: String,
        /// `AIDA…`.
        id: String,
    },
    /// A session of a function's role.
    Role {
        /// `arn:aws:iam::<account>:role/<name>`: what policies are attached to.
        arn: String,
        /// The role's name alone.
        name: String,
        /// `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
        session_arn: String,
        /// `AROA…:<session>`.
        id: String,
        /// The function that runs with it.
        function: String,
    },
    /// A service that acts on its own, for which only the policies of resources count: `s3.amazonaws.com`.
    Service {
        /// Its name.
        name: String,
    },
    /// Nobody: the request was not signed.
    Anonymous,
}

impl Principal {
    /// The ARN that `aws:PrincipalArn` has: the user's, the role's.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::User { arn, .. } | Self::Role { arn, .. } => Some(arn),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The ARN error messages name: the user's, the session's.
    pub fn caller_arn(&self) -> &str {
        match self {
            Self::User { arn, .. } => arn,
            Self::Role { session_arn, .. } => session_arn,
            Self::Service { name } => name,
            Self::Anonymous => "anonymous",
        }
    }

    /// The function that calls, if it is one: `cargo-cloud-compile`.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Role { function, .. } => Some(function),
            _ => None,
        }
    }
}

/// One action on one resource. A request may need several (a transaction, for example): each has to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who.
    pub principal: Principal,
    /// For example `s3:PutObject`.
    pub action: String,
    /// The ARN of what is acted on; `*` for actions that know no resource.
    pub resource: String,
    /// Values of condition keys.
    pub context: Context,
}
