//! The keys that requests are signed with.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::ini;

/// Keys of an AWS identity, or of an embedded backend's.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Public id of the key, which every request names.
    pub access_key_id: String,
    /// Secret that requests are signed with; never sent or shown.
    pub secret_access_key: String,
    /// Token that belongs to temporary keys; `None` for lasting ones.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

/// A variable of the environment that is set and not empty.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Credentials {
    /// Keys from the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    pub fn from_env(env: Env) -> anyhow::Result<Option<Self>> {
        let Some(access_key_id) = env("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let secret_access_key = env("AWS_SECRET_ACCESS_KEY")
            .context("`AWS_ACCESS_KEY_ID` is set but `AWS_SECRET_ACCESS_KEY` is not; set both or neither")?;
        Ok(Some(Self { access_key_id, secret_access_key, session_token: env("AWS_SESSION_TOKEN") }))
    }

    /// Keys of a profile of the shared credentials file.
    pub fn from_profile(profile: &str, env: Env) -> anyhow::Result<Self> {
        let path = match env("AWS_SHARED_CREDENTIALS_FILE") {
            Some(path) => PathBuf::from(path),
            None => PathBuf::from(env("HOME").context("`HOME` is not set")?).join(".aws/credentials"),
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read `{}` for the profile `{profile}`", path.display()))?;
        Self::parse(profile, &text, &path)
    }

    fn parse(profile: &str, text: &str, path: &Path) -> anyhow::Result<Self> {
        let entries: Vec<_> = ini::parse(text)
            .into_iter()
            .filter(|entry| {
                let name = entry.section.strip_prefix("profile ").unwrap_or(&entry.section);
                name.trim() == profile
            })
            .collect();
        if entries.is_empty() {
            bail!("`{}` has no profile `{profile}`", path.display());
        }
        let value = |key: &str| entries.iter().rev().find(|entry| entry.key == key).map(|entry| entry.value.clone());
        let needed = |key: &str| {
            value(key).with_context(|| {
                let path = path.display();
                format!("the profile `{profile}` in `{path}` has no `{key}`; cargo-cloud needs plain keys, and can't use single sign-on or roles")
            })
        };
        Ok(Self {
            access_key_id: needed("aws_access_key_id")?,
            secret_access_key: needed("aws_secret_access_key")?,
            session_token: value("aws_session_token"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_taken_whole_or_not_at_all() {
        let env = |name: &str| (name == "AWS_ACCESS_KEY_ID").then(|| "AK".to_owned());
        assert!(Credentials::from_env(&env).unwrap_err().to_string().contains("AWS_SECRET_ACCESS_KEY"));
        assert_eq!(Credentials::from_env(&|_| None).unwrap(), None);
    }

    #[test]
    fn a_profile_is_found_by_its_name() {
        let text = "[default]\naws_access_key_id=a\naws_secret_access_key=b\n[work]\naws_access_key_id = c\naws_secret_access_key = d\naws_session_token = e\n[sso]\nsso_session=x";
        let parse = |profile| Credentials::parse(profile, text, Path::new("/c"));
        assert_eq!(parse("default").unwrap().session_token, None);
        let work = parse("work").unwrap();
        assert_eq!((work.access_key_id.as_str(), work.session_token.as_deref()), ("c", Some("e")));
        assert!(parse("sso").unwrap_err().to_string().contains("plain keys"));
        assert!(parse("none").unwrap_err().to_string().contains("no profile `none`"));
    }
}
