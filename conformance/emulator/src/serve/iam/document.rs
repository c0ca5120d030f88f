//! Policy documents, read strictly: what is not understood is an error, never ignored.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::condition::Condition;
use super::keys;
use super::pattern::variables;

/// A policy that was attached to something.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Where it was found, for people: `role/cargo-cloud-relay/inline/table`.
    pub name: String,
    /// The statements in their order in the document.
    pub statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its Sid, or `#2` for the second without one.
    pub name: String,
    /// Whether its effect is Allow; otherwise it is Deny.
    pub allow: bool,
    /// Whom it is about; `None` in policies of users and roles.
    pub principals: Option<Vec<PrincipalPattern>>,
    /// The actions that it applies to.
    pub actions: Actions,
    /// Which resources; `None` in trust policies, which are about the role they stand in.
    pub resources: Option<Resources>,
    /// Under which conditions: all of them.
    pub conditions: Vec<Condition>,
}

/// The actions of a statement, as patterns.
#[derive(Debug, Clone)]
pub enum Actions {
    /// The actions in the element `Action`.
    Only(Vec<String>),
    /// All actions except those in the element `NotAction`.
    AllBut(Vec<String>),
}

/// The resources of a statement, as patterns.
#[derive(Debug, Clone)]
pub enum Resources {
    /// The resources in the element `Resource`.
    Only(Vec<String>),
    /// All resources except those in the element `NotResource`.
    AllBut(Vec<String>),
}

/// Whom a statement of a resource's policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// Anyone, signed in or not.
    Anyone,
    /// Every user and role of this account. Such an Allow grants nothing by itself: it leaves the matter to the
    /// account's own policies.
    Account(String),
    /// A user, a role (then all its sessions), or a session.
    Arn(String),
    /// A service of AWS: `lambda.amazonaws.com`.
    Service(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawPolicy {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawStatement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<Value>,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    condition: Option<Map<String, Value>>,
}

#[derive(Deserialize, PartialEq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
        }
    }
}

impl Policy {
    /// Reads a document; an error for anything that this emulator can't judge.
    pub fn parse(name: &str, document: &str) -> Result<Self, String> {
        let problem = |why: String| format!("the policy {name} can't be judged: {why}");
        let raw: RawPolicy = serde_json::from_str(document).map_err(|error| problem(error.to_string()))?;
        let variables_allowed = raw.version.as_deref() == Some("2012-10-17");
        let mut statements = Vec::new();
        for (index, raw) in raw.statement.into_vec().into_iter().enumerate() {
            let name = raw.sid.clone().filter(|sid| !sid.is_empty()).unwrap_or_else(|| format!("#{}", index + 1));
            let statement = Statement::new(name.clone(), raw).map_err(|why| problem(format!("{name}: {why}")))?;
            if !variables_allowed && statement.uses_variables() {
                return Err(problem(format!("{name}: variables are text in policies older than version 2012-10-17")));
            }
            statements.push(statement);
        }
        Ok(Self { name: name.to_owned(), statements })
    }
}

impl Statement {
    fn new(name: String, raw: RawStatement) -> Result<Self, String> {
        let actions = match (raw.action, raw.not_action) {
            (Some(actions), None) => Actions::Only(actions.into_vec()),
            (None, Some(actions)) => Actions::AllBut(actions.into_vec()),
            _ => return Err("it needs one of Action and NotAction".to_owned()),
        };
        let resources = match (raw.resource, raw.not_resource) {
            (Some(resources), None) => Some(Resources::Only(resources.into_vec())),
            (None, Some(resources)) => Some(Resources::AllBut(resources.into_vec())),
            (None, None) => None,
            _ => return Err("it has both Resource and NotResource".to_owned()),
        };
        for action in actions.patterns() {
            if action != "*" && !action.contains(':') {
                return Err(format!("`{action}` is not an action"));
            }
        }
        for pattern in resources.iter().flat_map(Resources::patterns) {
            check_resource(pattern)?;
        }
        let principals = raw.principal.map(principals).transpose()?;
        let conditions = conditions(raw.condition.unwrap_or_default())?;
        Ok(Self { name, allow: raw.effect == Effect::Allow, principals, actions, resources, conditions })
    }

    fn uses_variables(&self) -> bool {
        let resources = self.resources.iter().flat_map(Resources::patterns);
        resources.chain(self.conditions.iter().flat_map(Condition::values)).any(|text| text.contains("${"))
    }
}

impl Actions {
    /// The patterns as the policy writes them.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

impl Resources {
    /// The patterns as the policy writes them.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

/// Incomplete ARNs are refused, though IAM completes some of them: nobody means them.
fn check_resource(pattern: &str) -> Result<(), String> {
    if pattern != "*" && !(pattern.starts_with("arn:") && pattern.splitn(6, ':').count() == 6) {
        return Err(format!("`{pattern}` is not an ARN"));
    }
    match variables(pattern).into_iter().find(|key| keys::is_multivalued(key) != Some(false)) {
        Some(key) => Err(format!("the policy variable `{key}` is not known, or has several values")),
        None => Ok(()),
    }
}

fn principals(raw: Value) -> Result<Vec<PrincipalPattern>, String> {
    let kinds = match raw {
        Value::String(text) if text == "*" => return Ok(vec![PrincipalPattern::Anyone]),
        Value::Object(kinds) => kinds,
        other => return Err(format!("the principal {other} is not understood")),
    };
    let mut patterns = Vec::new();
    for (kind, names) in kinds {
        for name in strings(names)? {
            patterns.push(match kind.as_str() {
                "AWS" if name == "*" => PrincipalPattern::Anyone,
                "AWS" => aws_principal(&name)?,
                "Service" => PrincipalPattern::Service(name),
                _ => return Err(format!("principals of the kind `{kind}` are not known to this emulator")),
            });
        }
    }
    Ok(patterns)
}

fn aws_principal(name: &str) -> Result<PrincipalPattern, String> {
    if name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(PrincipalPattern::Account(name.to_owned()));
    }
    let fields: Vec<&str> = name.splitn(6, ':').collect();
    match fields[..] {
        ["arn", _, "iam", "", account, "root"] => Ok(PrincipalPattern::Account(account.to_owned())),
        ["arn", _, "iam" | "sts", "", _, resource] if !resource.contains(['*', '?']) => {
            Ok(PrincipalPattern::Arn(name.to_owned()))
        }
        _ => Err(format!("the principal `{name}` is not understood")),
    }
}

fn conditions(raw: Map<String, Value>) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (operator, keys) in raw {
        let Value::Object(keys) = keys else { return Err(format!("`{operator}` needs keys")) };
        for (key, values) in keys {
            conditions.push(Condition::new(&operator, &key, strings(values)?)?);
        }
    }
    Ok(conditions)
}

fn strings(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Bool(truth) => Ok(vec![truth.to_string()]),
        Value::Number(number) => Ok(vec![number.to_string()]),
        Value::Array(values) => {
            let nested: Result<Vec<_>, _> = values.into_iter().map(strings).collect();
            Ok(nested?.into_iter().flatten().collect())
        }
        other => Err(format!("{other} is not a value")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(statement: Value) -> Result<Policy, String> {
        Policy::parse("p", &json!({"Version": "2012-10-17", "Statement": statement}).to_string())
    }

    #[test]
    fn one_statement_or_several_with_or_without_a_name() {
        let one = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
        let two = json!({"Sid": "Two", "Effect": "Deny", "NotAction": ["s3:*"], "NotResource": "*"});
        let policy = parse(json!([one, two])).unwrap();
        assert_eq!(
            policy.statements.iter().map(|s| (s.name.as_str(), s.allow)).collect::<Vec<_>>(),
            [("#1", true), ("Two", false)]
        );
        assert_eq!(parse(one).unwrap().statements.len(), 1);
    }

    #[test]
    fn principals_are_told_apart() {
        let of = |principal: Value| {
            let statement = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": principal});
            parse(statement).map(|policy| policy.statements[0].principals.clone().unwrap())
        };
        assert_eq!(of(json!("*")), Ok(vec![PrincipalPattern::Anyone]));
        assert_eq!(of(json!({"AWS": ["*"]})), Ok(vec![PrincipalPattern::Anyone]));
        assert_eq!(
            of(json!({"AWS": ["123456789012", "arn:aws:iam::1:role/r"], "Service": "s3.amazonaws.com"})),
            Ok(vec![
                PrincipalPattern::Account("123456789012".to_owned()),
                PrincipalPattern::Arn("arn:aws:iam::1:role/r".to_owned()),
                PrincipalPattern::Service("s3.amazonaws.com".to_owned())
            ])
        );
        for wrong in [json!({"AWS": "arn:aws:iam::1:user/*"}), json!({"Federated": "x"}), json!("me"), json!(1)] {
            assert!(of(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_the_statement() {
        let base = json!({"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        for (field, value) in [
            ("Effect", json!("allow")),
            ("NotPrincipal", json!("*")),
            ("NotAction", json!("s3:*")),
            ("NotResource", json!("*")),
            ("Action", json!("GetObject")),
            ("Resource", json!("arn:aws:s3")),
            ("Resource", json!("arn:aws:s3:::${aws:Nobody}/*")),
            ("Condition", json!({"StringEquals": {"s3:unheard-of": "x"}})),
            ("Condition", json!({"StringEquals": "x"})),
        ] {
            let mut statement = base.clone();
            statement[field] = value.clone();
            assert!(parse(statement).is_err(), "{field} {value}");
        }
        let mut statement = base.clone();
        statement["Condition"] = json!({"Strings": {"s3:prefix": "x"}});
        let error = parse(statement).unwrap_err();
        assert!(error.contains("the policy p ") && error.contains("S: ") && error.contains("`Strings`"), "{error}");
        let mut old = base;
        old["Resource"] = json!("arn:aws:s3:::b/${aws:username}");
        let old = json!({"Version": "2008-10-17", "Statement": old}).to_string();
        assert!(Policy::parse("p", &old).is_err());
    }
}
