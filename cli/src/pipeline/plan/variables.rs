//! The environment variables that a build gets from the device.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::environment::forwarded;

/// The device's variables for cargo and the compiler, and then the values of `--env KEY[=VALUE]` and `--platform LEVEL`,
/// which override them. Messages never contain values: they may be secrets.
///
/// # Errors
/// If `--env` has a malformed name, one that only the builder sets, or one without a value that isn't set here.
pub fn build_variables(flags: &[String], platform: Option<u32>) -> anyhow::Result<BTreeMap<String, String>> {
    let here =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut env = forwarded(here);
    for text in flags {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("`--env` takes KEY=VALUE or KEY, and `{}` is not the name of a variable", name.escape_debug());
        }
        if protocol::is_builders_own(name) {
            bail!("`--env {name}` can't be set: the builder needs its own");
        }
        let value = match value {
            Some(value) => value,
            None => match std::env::var(name) {
                Ok(value) => value,
                Err(_) => bail!(
                    "`--env {name}` names a variable that is not set here (or is not UTF-8); write `--env {name}=VALUE`"
                ),
            },
        };
        env.insert(name.to_owned(), value);
    }
    if let Some(level) = platform {
        env.insert("CARGO_NDK_PLATFORM".to_owned(), level.to_string());
    }
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_override_forwarded_variables() {
        let flags = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let variables = |texts: &[&str]| build_variables(&flags(texts), None);
        let env = variables(&["A=b=c", "RUSTFLAGS=-g", "EMPTY="]).unwrap();
        assert_eq!((env["A"].as_str(), env["RUSTFLAGS"].as_str(), env["EMPTY"].as_str()), ("b=c", "-g", ""));
        for (text, word) in
            [("=x", "not the name"), ("a b=c", "not the name"), ("PATH=/x", "builder"), ("NOT_SET_HERE_", "not set")]
        {
            let error = variables(&[text]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        // The message about a refused variable doesn't quote its value.
        assert!(!variables(&["HOME=secret"]).unwrap_err().to_string().contains("secret"));
    }
}
