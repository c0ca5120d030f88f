use serde_json::{Value, json};

use super::*;
use crate::serve::iam::RequestContext;

const ROLE: &str = "arn:aws:iam::123456789012:role/compile";

fn role() -> Principal {
    Principal::Role {
        arn: ROLE.to_owned(),
        name: "compile".to_owned(),
        session_arn: "arn:aws:sts::123456789012:assumed-role/compile/compile".to_owned(),
        id: "AROA:compile".to_owned(),
        function: "compile".to_owned(),
    }
}

fn call(principal: Principal, action: &str, resource: &str) -> ActionCall {
    let (action, resource) = (action.to_owned(), resource.to_owned());
    ActionCall { principal, action, resource, context: RequestContext::new().with("aws:SecureTransport", "true") }
}

fn policy(name: &str, statements: Value) -> Policy {
    Policy::parse(name, &json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

#[track_caller]
fn by(decision: &AccessDecision) -> String {
    let reason = decision.reason().expect("a statement decided");
    format!("{} {} {} {}", reason.policy, reason.statement, reason.action, reason.resource)
}

#[test]
fn nothing_is_allowed_but_what_is_granted_and_the_grant_is_named() {
    let own = policy(
        "own",
        json!([
            {"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/me/*"]},
            {"Effect": "Allow", "Action": "s3:getobject", "Resource": "*"}
        ]),
    );
    let decide = |action, resource| decide(&call(role(), action, resource), [&own], []);
    let granted = decide("s3:GetObject", "arn:aws:s3:::b/me/x");
    assert!(granted.allowed());
    assert_eq!(by(&granted), "own Read s3:Get* arn:aws:s3:::b/me/*");
    assert_eq!(by(&decide("s3:GetObject", "arn:aws:s3:::c/x")), "own #2 s3:getobject *");
    assert_eq!(decide("s3:PutObject", "arn:aws:s3:::b/you/x"), AccessDecision::NotGranted);
    assert_eq!(decide("s3:DeleteObject", "arn:aws:s3:::b/me/x"), AccessDecision::NotGranted);
}

#[test]
fn a_deny_wins_wherever_it_stands() {
    let allow = policy("own", json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}));
    let deny = policy(
        "bucket",
        json!([{
            "Sid": "WriteOnce", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::out/*",
            "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
        }]),
    );
    let mut put = call(role(), "s3:PutObject", "arn:aws:s3:::out/x");
    put.context.set("s3:ObjectCreationOperation", "true");
    let denied = decide(&put, [&allow], [&deny]);
    assert!(matches!(denied, AccessDecision::Denied(_)), "{denied:?}");
    assert_eq!(by(&denied), "bucket WriteOnce s3:PutObject arn:aws:s3:::out/*");
    put.context.set("s3:if-none-match", "*");
    assert!(decide(&put, [&allow], [&deny]).allowed());
    let mut part = call(role(), "s3:PutObject", "arn:aws:s3:::out/x");
    part.context.set("s3:ObjectCreationOperation", "false");
    assert!(decide(&part, [&allow], [&deny]).allowed(), "all conditions have to hold");
}

#[test]
fn a_resource_names_who_may() {
    let service = |source: &str| {
        let principal = Principal::Service { name: "s3.amazonaws.com".to_owned() };
        let mut call = call(principal, "lambda:InvokeFunction", "arn:aws:lambda:r:1:function:f");
        call.context.set("aws:SourceArn", source);
        call
    };
    let permission = policy(
        "function",
        json!({
            "Sid": "S3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:r:1:function:f", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::in"}}
        }),
    );
    assert!(decide(&service("arn:aws:s3:::in"), [], [&permission]).allowed());
    assert!(!decide(&service("arn:aws:s3:::other"), [], [&permission]).allowed());
    let invoke = call(role(), "lambda:InvokeFunction", "arn:aws:lambda:r:1:function:f");
    assert!(!decide(&invoke, [], [&permission]).allowed());
    let mut wrong = permission.clone();
    wrong.statements[0].principals = None;
    assert!(!decide(&service("arn:aws:s3:::in"), [], [&wrong]).allowed(), "a resource's policy names principals");
}

#[test]
fn principals_are_users_roles_their_sessions_and_accounts() {
    let of = |effect: &str, principal: &str| {
        policy("b", json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": "*", "Resource": "*"}))
    };
    let own = policy("own", json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let call = call(role(), "s3:GetObject", "arn:aws:s3:::a/x");
    for principal in [ROLE, "arn:aws:sts::123456789012:assumed-role/compile/compile", "*"] {
        assert!(decide(&call, [], [&of("Allow", principal)]).allowed(), "{principal}");
        assert!(!decide(&call, [&own], [&of("Deny", principal)]).allowed(), "{principal}");
    }
    let other = "arn:aws:iam::123456789012:role/other";
    assert!(!decide(&call, [], [&of("Allow", other)]).allowed());
    assert!(decide(&call, [&own], [&of("Deny", other)]).allowed());
    let account = "arn:aws:iam::123456789012:root";
    assert!(!decide(&call, [], [&of("Allow", account)]).allowed(), "an account grants nothing by itself");
    assert!(!decide(&call, [&own], [&of("Deny", account)]).allowed());
    assert!(decide(&call, [&own], [&of("Deny", "999999999999")]).allowed());
}

#[test]
fn exceptions_are_all_but() {
    let own =
        policy("own", json!([{"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": ["arn:aws:s3:::secret/*"]}]));
    let decide = |action, resource| decide(&call(role(), action, resource), [&own], []);
    assert_eq!(by(&decide("s3:GetObject", "arn:aws:s3:::a/x")), "own #1 NotAction NotResource");
    assert!(!decide("iam:ListUsers", "*").allowed());
    assert!(!decide("s3:GetObject", "arn:aws:s3:::secret/x").allowed());
}

#[test]
fn a_variable_without_a_value_grants_nothing() {
    let own = policy(
        "own",
        json!({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a/${aws:PrincipalTag/owner}/*"}),
    );
    let mut call = call(role(), "s3:GetObject", "arn:aws:s3:::a//x");
    assert!(!decide(&call, [&own], []).allowed());
    call.context.set("aws:PrincipalTag/owner", "");
    assert!(decide(&call, [&own], []).allowed());
}
