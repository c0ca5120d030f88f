//! Terraform's variable `devices`. The list is kept only in Terraform's state, so a device can be added from any machine
//! that has the state.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use protocol::Owner;
use serde_json::{Value, json};

use crate::deployment::Deployment;

/// The value of the variable with one device more or less. The owner counts only for a device that is added.
pub fn changed(deployment: &Deployment, add: Option<&str>, owner: &str, remove: Option<&str>) -> Result<Value> {
    let mut devices: BTreeMap<&str, &Owner> =
        deployment.devices().into_iter().map(|(name, device)| (name, &device.owner)).collect();
    let owner: Owner = owner.parse()?;
    if let Some(name) = add {
        // The rule of Terraform's variable.
        ensure!(
            name.parse::<Owner>().is_ok(),
            "`{name}` can't be a device's name: use 1 to 32 lower-case letters, digits, hyphens and underscores, and start with \
             a letter or a digit"
        );
        let old = devices.insert(name, &owner);
        ensure!(
            old.is_none_or(|old| *old == owner),
            "the device `{name}` belongs to the owner `{}`. Remove it first: make device NAME={name} REVOKE=1",
            old.map(Owner::as_str).unwrap_or_default()
        );
    }
    if let Some(name) = remove {
        deployment.device(name)?;
        devices.remove(name);
    }
    Ok(devices.into_iter().map(|(name, owner)| (name.to_owned(), json!({ "owner": owner }))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUTS: &str = r#"{"devices":{"value":{"laptop":{"owner":"me","user":"cargo-cloud-laptop"}}}}"#;

    #[test]
    fn a_device_is_added_or_removed() {
        let there = Deployment::from_outputs(OUTPUTS).unwrap();
        let with = changed(&there, Some("tablet"), "her", None).unwrap();
        assert_eq!(with, json!({"laptop": {"owner": "me"}, "tablet": {"owner": "her"}}));
        assert_eq!(changed(&there, None, "me", Some("laptop")).unwrap(), json!({}));
        assert_eq!(changed(&there, Some("laptop"), "me", None).unwrap(), json!({"laptop": {"owner": "me"}}));
    }

    #[test]
    fn an_impossible_change_is_refused_with_a_reason() {
        let there = Deployment::from_outputs(OUTPUTS).unwrap();
        let wrong = |add, owner, remove| changed(&there, add, owner, remove).unwrap_err().to_string();
        assert!(wrong(Some("My Tablet"), "me", None).contains("lower-case"));
        assert!(wrong(Some("laptop"), "her", None).contains("belongs to the owner `me`"));
        assert!(wrong(None, "me", Some("tablet")).contains("there is: laptop"));
        assert!(!wrong(Some("tablet"), "*", None).is_empty());
    }
}
