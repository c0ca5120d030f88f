//! All policies of the account, and the decision about a call.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::Deserialize;

use super::account::{Identities, Identity};
use super::context::RequestContext;
use super::document::Policy;
use super::evaluate::{AccessDecision, decide};
use super::grants::Grants;
use crate::serve::call::{ActionCall, Principal};
use crate::serve::moto::Moto;

/// Everybody in the account, with all policies.
pub struct Policies {
    users: BTreeMap<String, Identity>,
    roles: BTreeMap<String, Identity>,
    /// By the ARN of bucket, function or role.
    resources: BTreeMap<String, Policy>,
}

impl Policies {
    /// Reads back what was applied: IAM's users, groups and roles, and the policies of buckets and functions. A policy
    /// with anything that can't be judged is an error.
    pub async fn load(moto: &Moto) -> Result<Self> {
        // Without Amazon's own policies, of which there are more than a thousand.
        let filter = ["User", "Group", "Role", "LocalManagedPolicy"];
        let names: Vec<String> = (1..=filter.len()).map(|n| format!("Filter.member.{n}")).collect();
        let fields: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(filter).collect();
        let account = moto.form("iam", "2010-05-08", "GetAccountAuthorizationDetails", &fields).await?;
        let account = Identities::parse(&account)?;
        let mut policies = Self::new(account.users()?, account.roles()?);
        policies.load_buckets(moto).await?;
        policies.load_functions(moto).await?;
        Ok(policies)
    }

    fn new(users: Vec<Identity>, mut roles: Vec<Identity>) -> Self {
        let trusts = roles.iter_mut().filter_map(|role| Some((role.arn.clone(), role.trust.take()?)));
        let resources = trusts.collect();
        let by_arn = |identities: Vec<Identity>| identities.into_iter().map(|one| (one.arn.clone(), one)).collect();
        Self { users: by_arn(users), roles: by_arn(roles), resources }
    }

    async fn load_buckets(&mut self, moto: &Moto) -> Result<()> {
        for bucket in moto.bucket_names().await? {
            if let Some(policy) = moto.get("s3", &format!("/{bucket}?policy")).await? {
                let name = format!("bucket/{bucket}");
                self.add(format!("arn:aws:s3:::{bucket}"), &name, &String::from_utf8_lossy(&policy))?;
            }
        }
        Ok(())
    }

    async fn load_functions(&mut self, moto: &Moto) -> Result<()> {
        // One page holds 50 functions (ListFunctions).
        let path = "/2015-03-31/functions/?MaxItems=50";
        let list = moto.get_json("lambda", path).await?.context("moto lists no functions")?;
        let list: FunctionList = serde_json::from_value(list).context("the list of functions can't be read")?;
        ensure!(list.next_marker.is_none_or(|marker| marker.is_empty()), "there are more than 50 functions");
        for function in list.functions {
            let path = format!("/2015-03-31/functions/{}/policy", function.function_name);
            if let Some(policy) = moto.get_json("lambda", &path).await? {
                let name = format!("function/{}", function.function_name);
                let document = policy["Policy"].as_str().with_context(|| format!("{name} has no policy document"))?;
                self.add(function.function_arn, &name, document)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, arn: String, name: &str, document: &str) -> Result<()> {
        let policy = Policy::parse(name, document).map_err(|why| anyhow!(why))?;
        self.resources.insert(arn, policy);
        Ok(())
    }

    /// The user of this name.
    pub fn user(&self, name: &str) -> Option<Principal> {
        let user = self.users.values().find(|user| user.name == name)?;
        Some(Principal::User { arn: user.arn.clone(), name: user.name.clone(), id: user.id.clone() })
    }

    /// A session of a role, as Lambda makes it for a function. Whether Lambda may is asked by a call of `sts:AssumeRole`
    /// on the role by the service `lambda.amazonaws.com`.
    pub fn session(&self, role_arn: &str, function: &str) -> Option<Principal> {
        let role = self.roles.get(role_arn)?;
        let account = role_arn.split(':').nth(4)?;
        Some(Principal::Role {
            arn: role.arn.clone(),
            name: role.name.clone(),
            session_arn: format!("arn:aws:sts::{account}:assumed-role/{}/{function}", role.name),
            id: format!("{}:{function}", role.id),
            function: function.to_owned(),
        })
    }

    /// Decides about a call. What IAM itself knows of the caller (`aws:PrincipalArn`, `aws:username`, tags and so on)
    /// is added to the call's context; what the request says is the caller's to fill in.
    pub fn authorize(&self, call: &ActionCall) -> AccessDecision {
        let identity = match &call.principal {
            Principal::User { arn, .. } => self.users.get(arn),
            Principal::Role { arn, .. } => self.roles.get(arn),
            Principal::Service { .. } | Principal::Anonymous => None,
        };
        let mut call = call.clone();
        describe(&call.principal, identity, &mut call.context);
        let own = identity.map(|identity| identity.policies.as_slice()).unwrap_or_default();
        decide(&call, own, self.resources.get(&owner_of(&call.resource)))
    }

    /// All grants of the account's policies.
    pub fn grants(&self) -> Grants {
        let own = self.users.values().chain(self.roles.values()).flat_map(|identity| &identity.policies);
        Grants::of(own.chain(self.resources.values()))
    }
}

/// The condition keys about the caller (User Guide, "AWS global condition context keys: Properties of the principal").
fn describe(principal: &Principal, identity: Option<&Identity>, context: &mut RequestContext) {
    let is_service = matches!(principal, Principal::Service { .. });
    context.set("aws:PrincipalIsAWSService", is_service.to_string());
    match principal {
        Principal::User { name, id, .. } => {
            context.set("aws:PrincipalType", "User");
            context.set("aws:username", name);
            context.set("aws:userid", id);
        }
        Principal::Role { id, .. } => {
            context.set("aws:PrincipalType", "AssumedRole");
            context.set("aws:userid", id);
        }
        Principal::Service { name } => context.set("aws:PrincipalServiceName", name),
        Principal::Anonymous => context.set("aws:PrincipalType", "Anonymous"),
    }
    if let Some(arn) = principal.arn() {
        context.set("aws:PrincipalArn", arn);
        context.set("aws:PrincipalAccount", arn.split(':').nth(4).unwrap_or_default());
    }
    for (key, value) in identity.iter().flat_map(|identity| &identity.tags) {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
}

/// The ARN of what has a policy of its own: an object's bucket, a version's function.
fn owner_of(resource: &str) -> String {
    match resource.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "s3", ..] => resource.split('/').next().unwrap_or_default().to_owned(),
        ["arn", _, "lambda", ..] => resource.split(':').take(7).collect::<Vec<_>>().join(":"),
        _ => resource.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionList {
    functions: Vec<Function>,
    next_marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    function_name: String,
    function_arn: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, statement: serde_json::Value) -> Policy {
        let document = serde_json::json!({ "Version": "2012-10-17", "Statement": statement });
        Policy::parse(name, &document.to_string()).unwrap()
    }

    fn account() -> Policies {
        let identity = |arn: &str, name: &str, id: &str, own: Policy, trust| Identity {
            arn: arn.to_owned(),
            name: name.to_owned(),
            id: id.to_owned(),
            tags: vec![("owner".to_owned(), "me".to_owned())],
            policies: vec![own],
            trust,
        };
        let home = serde_json::json!({
            "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::in/${aws:PrincipalTag/owner}/*",
            "Condition": {"StringEquals": {"aws:username": "tablet"}, "Bool": {"aws:PrincipalIsAWSService": false}}
        });
        let trust = serde_json::json!({
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"
        });
        let invoke = serde_json::json!({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"});
        Policies::new(
            vec![identity("arn:aws:iam::1:user/cc/me/tablet", "tablet", "AIDA", policy("user", home), None)],
            vec![identity(
                "arn:aws:iam::1:role/relay",
                "relay",
                "AROA",
                policy("role", invoke),
                Some(policy("trust", trust)),
            )],
        )
    }

    fn call(principal: Principal, action: &str, resource: &str) -> ActionCall {
        ActionCall {
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: RequestContext::new(),
        }
    }

    #[test]
    fn a_caller_is_known_by_name_and_tags() {
        let policies = account();
        let tablet = policies.user("tablet").unwrap();
        assert!(policies.authorize(&call(tablet.clone(), "s3:PutObject", "arn:aws:s3:::in/me/x")).allowed());
        assert!(!policies.authorize(&call(tablet, "s3:PutObject", "arn:aws:s3:::in/other/x")).allowed());
        assert!(!policies.authorize(&call(Principal::Anonymous, "s3:PutObject", "arn:aws:s3:::in/me/x")).allowed());
        assert_eq!(policies.user("phone"), None);
    }

    #[test]
    fn a_role_trusts_lambda_alone() {
        let policies = account();
        let role = "arn:aws:iam::1:role/relay";
        let service = |name: &str| Principal::Service { name: name.to_owned() };
        assert!(policies.authorize(&call(service("lambda.amazonaws.com"), "sts:AssumeRole", role)).allowed());
        assert!(!policies.authorize(&call(service("events.amazonaws.com"), "sts:AssumeRole", role)).allowed());
        let session = policies.session(role, "cc-relay").unwrap();
        assert_eq!(session.caller_arn(), "arn:aws:sts::1:assumed-role/relay/cc-relay");
        assert!(!policies.authorize(&call(session, "sts:AssumeRole", role)).allowed());
    }

    #[test]
    fn the_policies_of_a_bucket_and_a_function_are_found_by_what_is_inside() {
        let mut policies = account();
        let statement = serde_json::json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
        for arn in ["arn:aws:s3:::in", "arn:aws:lambda:r:1:function:relay"] {
            policies.resources.insert(arn.to_owned(), policy(arn, statement.clone()));
        }
        for resource in ["arn:aws:s3:::in/me/x", "arn:aws:s3:::in", "arn:aws:lambda:r:1:function:relay:$LATEST"] {
            let decision = policies.authorize(&call(policies.user("tablet").unwrap(), "x:Y", resource));
            assert!(matches!(decision, AccessDecision::Denied(_)), "{resource}");
        }
    }
}
