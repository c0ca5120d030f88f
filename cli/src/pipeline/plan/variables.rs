//! The environment that a build gets from the device.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::environment::forwarded;

/// What cargo is told about compiling, and over it what `--env KEY[=VALUE]` and `--platform LEVEL` say. Values are in no
/// message: they may be secrets.
///
/// # Errors
/// For names that are none, that only the builder can set, or that are asked for and not set here.
pub fn of_build(asked: &[String], platform: Option<u32>) -> anyhow::Result<BTreeMap<String, String>> {
    let here =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut env = forwarded(here);
    for text in asked {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("`--env` takes KEY=VALUE or KEY, and `{}` is no name of a variable", name.escape_debug());
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
    fn what_is_asked_for_comes_over_what_is_forwarded() {
        let given = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let asked = |texts: &[&str]| of_build(&given(texts), None);
        let env = asked(&["A=b=c", "RUSTFLAGS=-g", "EMPTY="]).unwrap();
        assert_eq!((env["A"].as_str(), env["RUSTFLAGS"].as_str(), env["EMPTY"].as_str()), ("b=c", "-g", ""));
        for (text, word) in
            [("=x", "no name"), ("a b=c", "no name"), ("PATH=/x", "builder"), ("NOT_SET_HERE_", "not set")]
        {
            let error = asked(&[text]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        // The value of a refused one is not quoted.
        assert!(!asked(&["HOME=secret"]).unwrap_err().to_string().contains("secret"));
    }
}
