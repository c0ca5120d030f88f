//! A call of an AWS action, as IAM judges it.

use serde::Serialize;

use super::iam::RequestContext;

/// The caller of an action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Principal {
    /// An IAM user: a device.
    User {
        /// The ARN of the user: `arn:aws:iam::<account>:user/<path><name>`.
        arn: String,
        /// The name without the path.
        name: String,
        /// The unique id of the user: `AIDA…`.
        id: String,
    },
    /// A session of a function's role.
    Role {
        /// The ARN of the role, which policies are attached to: `arn:aws:iam::<account>:role/<name>`.
        arn: String,
        /// The name of the role.
        name: String,
        /// The ARN of the session: `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
        session_arn: String,
        /// The unique id of the session: `AROA…:<session>`.
        id: String,
        /// The function that runs with the role.
        function: String,
    },
    /// A service that acts by itself, for which only the policies of resources count.
    Service {
        /// The name of the service: `s3.amazonaws.com`.
        name: String,
    },
    /// Nobody: the request was not signed.
    Anonymous,
}

impl Principal {
    /// The value of `aws:PrincipalArn`: the ARN of the user or of the role.
    pub fn arn(&self) -> Option<&str> {
        match self {
            Self::User { arn, .. } | Self::Role { arn, .. } => Some(arn),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The ARN in error messages: that of the user or of the session.
    pub fn caller_arn(&self) -> &str {
        match self {
            Self::User { arn, .. } => arn,
            Self::Role { session_arn, .. } => session_arn,
            Self::Service { name } => name,
            Self::Anonymous => "anonymous",
        }
    }

    /// The function that calls, if one does: `cargo-cloud-compile`.
    pub fn function(&self) -> Option<&str> {
        match self {
            Self::Role { function, .. } => Some(function),
            _ => None,
        }
    }
}

/// One action on one resource. A request may need several calls, for example a transaction: each has to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCall {
    /// The caller of the action.
    pub principal: Principal,
    /// The action, for example `s3:PutObject`.
    pub action: String,
    /// The ARN that is acted on; `*` for actions without a resource.
    pub resource: String,
    /// The values of condition keys.
    pub context: RequestContext,
}
