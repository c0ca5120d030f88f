//! What `GetAccountAuthorizationDetails` tells: users, groups, roles and their policies, in one answer.

use anyhow::{Context as _, Result, anyhow, ensure};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::document::Policy;

/// The users, groups and roles of the account.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Identities {
    #[serde(rename = "UserDetailList")]
    users: List<User>,
    #[serde(rename = "GroupDetailList")]
    groups: List<Group>,
    #[serde(rename = "RoleDetailList")]
    roles: List<Role>,
    policies: List<ManagedPolicy>,
    is_truncated: bool,
}

/// A user or a role, with what it may.
pub struct Identity {
    /// The ARN, which contains the path.
    pub arn: String,
    /// The name without the path.
    pub name: String,
    /// The unique id: `AIDA…` for a user, `AROA…` for a role.
    pub id: String,
    /// The names and values of its tags.
    pub tags: Vec<(String, String)>,
    /// Inline, attached, and of its groups.
    pub policies: Vec<Policy>,
    /// Who may become it; a role's only.
    pub trust: Option<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuthorizationDetailsResponse {
    get_account_authorization_details_result: Identities,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    member: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    arn: String,
    user_name: String,
    user_id: String,
    #[serde(default)]
    user_policy_list: List<InlinePolicy>,
    #[serde(default)]
    group_list: List<String>,
    #[serde(default)]
    attached_managed_policies: List<Attachment>,
    #[serde(default)]
    tags: List<Tag>,
    permissions_boundary: Option<Boundary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_name: String,
    #[serde(default)]
    group_policy_list: List<InlinePolicy>,
    #[serde(default)]
    attached_managed_policies: List<Attachment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    arn: String,
    role_name: String,
    role_id: String,
    assume_role_policy_document: String,
    #[serde(default)]
    role_policy_list: List<InlinePolicy>,
    #[serde(default)]
    attached_managed_policies: List<Attachment>,
    #[serde(default)]
    tags: List<Tag>,
    permissions_boundary: Option<Boundary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ManagedPolicy {
    arn: String,
    default_version_id: String,
    policy_version_list: List<PolicyVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyVersion {
    document: String,
    version_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InlinePolicy {
    policy_name: String,
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attachment {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Boundary {}

impl Identities {
    /// Reads the answer of `GetAccountAuthorizationDetails`.
    pub fn parse(xml: &str) -> Result<Self> {
        let response: AuthorizationDetailsResponse =
            quick_xml::de::from_str(xml).context("the account's details can't be read")?;
        let account = response.get_account_authorization_details_result;
        ensure!(!account.is_truncated, "the account's details come in several pages, of which only one is read");
        Ok(account)
    }

    /// The users, with their groups' policies.
    pub fn users(&self) -> Result<Vec<Identity>> {
        let identity = |user: &User| {
            let whose = format!("user/{}", user.user_name);
            ensure!(user.permissions_boundary.is_none(), "{whose} has a permissions boundary, which can't be judged");
            let mut policies = self.policies_of(&whose, &user.user_policy_list, &user.attached_managed_policies)?;
            for name in &user.group_list.member {
                let group = self.groups.member.iter().find(|group| group.group_name == *name);
                let group = group.with_context(|| format!("{whose} is in the group {name}, which does not exist"))?;
                let whose = format!("group/{name}");
                policies.extend(self.policies_of(
                    &whose,
                    &group.group_policy_list,
                    &group.attached_managed_policies,
                )?);
            }
            Ok(Identity {
                arn: user.arn.clone(),
                name: user.user_name.clone(),
                id: user.user_id.clone(),
                tags: tags(&user.tags),
                policies,
                trust: None,
            })
        };
        self.users.member.iter().map(identity).collect()
    }

    /// The roles with their policies and trust policies.
    pub fn roles(&self) -> Result<Vec<Identity>> {
        let identity = |role: &Role| {
            let whose = format!("role/{}", role.role_name);
            ensure!(role.permissions_boundary.is_none(), "{whose} has a permissions boundary, which can't be judged");
            let trust = parse(&format!("{whose}/trust"), &role.assume_role_policy_document)?;
            Ok(Identity {
                arn: role.arn.clone(),
                name: role.role_name.clone(),
                id: role.role_id.clone(),
                tags: tags(&role.tags),
                policies: self.policies_of(&whose, &role.role_policy_list, &role.attached_managed_policies)?,
                trust: Some(trust),
            })
        };
        self.roles.member.iter().map(identity).collect()
    }

    fn policies_of(
        &self,
        whose: &str,
        inline: &List<InlinePolicy>,
        attached: &List<Attachment>,
    ) -> Result<Vec<Policy>> {
        let mut policies = Vec::new();
        for policy in &inline.member {
            policies.push(parse(&format!("{whose}/{}", policy.policy_name), &policy.policy_document)?);
        }
        for attachment in &attached.member {
            let arn = &attachment.policy_arn;
            let document = self
                .policies
                .member
                .iter()
                .find(|policy| policy.arn == *arn)
                .and_then(ManagedPolicy::document)
                .with_context(|| format!("{whose} has the policy {arn}, which is none of the account's own"))?;
            policies.push(parse(arn, document)?);
        }
        Ok(policies)
    }
}

impl ManagedPolicy {
    fn document(&self) -> Option<&str> {
        let is_default = |version: &&PolicyVersion| version.version_id == self.default_version_id;
        self.policy_version_list.member.iter().find(is_default).map(|version| version.document.as_str())
    }
}

/// Documents come percent-encoded (RFC 3986), though not from every emulator.
fn parse(name: &str, document: &str) -> Result<Policy> {
    let encoded = !document.trim_start().starts_with('{');
    let document = match encoded {
        true => percent_decode_str(document).decode_utf8().with_context(|| format!("{name} is not UTF-8"))?,
        false => document.into(),
    };
    Policy::parse(name, &document).map_err(|why| anyhow!(why))
}

fn tags(list: &List<Tag>) -> Vec<(String, String)> {
    list.member.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<GetAccountAuthorizationDetailsResult>
<UserDetailList><member><Path>/cc/me/</Path><UserName>tablet</UserName><UserId>AIDA1</UserId>
<Arn>arn:aws:iam::1:user/cc/me/tablet</Arn>
<UserPolicyList><member><PolicyName>own</PolicyName><PolicyDocument>INLINE</PolicyDocument></member></UserPolicyList>
<GroupList><member>devices</member></GroupList><AttachedManagedPolicies><member><PolicyName>m</PolicyName>
<PolicyArn>arn:aws:iam::1:policy/m</PolicyArn></member></AttachedManagedPolicies>
<Tags><member><Key>owner</Key><Value>me</Value></member></Tags></member></UserDetailList>
<GroupDetailList><member><GroupName>devices</GroupName><GroupPolicyList/><AttachedManagedPolicies/></member></GroupDetailList>
<RoleDetailList><member><RoleName>relay</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::1:role/relay</Arn>
<AssumeRolePolicyDocument>{"Version": "2012-10-17", "Statement": []}</AssumeRolePolicyDocument><RolePolicyList/></member></RoleDetailList>
<Policies><member><Arn>arn:aws:iam::1:policy/m</Arn><DefaultVersionId>v2</DefaultVersionId><PolicyVersionList>
<member><Document>nonsense</Document><VersionId>v1</VersionId></member>
<member><Document>%7B%22Statement%22%3A%5B%5D%7D</Document><VersionId>v2</VersionId></member></PolicyVersionList></member></Policies>
<IsTruncated>false</IsTruncated></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"#;

    #[test]
    fn everybody_is_there_with_their_policies() {
        let inline = r#"%7B%22Statement%22%3A%20%5B%5D%7D"#;
        let account = Identities::parse(&ANSWER.replace("INLINE", inline)).unwrap();
        let users = account.users().unwrap();
        assert_eq!((users[0].arn.as_str(), users[0].id.as_str()), ("arn:aws:iam::1:user/cc/me/tablet", "AIDA1"));
        assert_eq!(users[0].tags, [("owner".to_owned(), "me".to_owned())]);
        let names: Vec<_> = users[0].policies.iter().map(|policy| policy.name.as_str()).collect();
        assert_eq!(names, ["user/tablet/own", "arn:aws:iam::1:policy/m"]);
        let roles = account.roles().unwrap();
        assert_eq!(roles[0].name, "relay");
        assert!(roles[0].trust.is_some());
    }

    #[test]
    fn what_cannot_be_judged_is_an_error() {
        let inline = r#"%7B%22Statement%22%3A%20%5B%5D%7D"#;
        let whole = ANSWER.replace("INLINE", inline);
        for (from, to) in [
            ("<IsTruncated>false", "<IsTruncated>true"),
            ("<PolicyArn>arn:aws:iam::1:policy/m<", "<PolicyArn>arn:aws:iam::aws:policy/AdministratorAccess<"),
            ("<GroupName>devices", "<GroupName>others"),
            ("<UserName>tablet", "<PermissionsBoundary><A>x</A></PermissionsBoundary><UserName>tablet"),
            (inline, "%7B%22Statement%22%3A%20%5B%7B%7D%5D%7D"),
        ] {
            let text = whole.replace(from, to);
            assert_ne!(text, whole);
            assert!(Identities::parse(&text).and_then(|account| account.users().map(drop)).is_err(), "{to}");
        }
    }
}
