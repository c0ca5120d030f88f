//! Terraform's variable `devices`. The list is kept in Terraform's state and nowhere else: what is deployed is what there
//! is, wherever the next one is added from.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use protocol::Owner;
use serde_json::{Value, json};

use crate::deployment::Deployment;

/// The devices there are, with one more or one less.
pub fn changed(deployment: &Deployment, add: Option<&str>, owner: &str, remove: Option<&str>) -> Result<Value> {
    let mut devices: BTreeMap<&str, &Owner> =
        deployment.devices().into_iter().map(|(name, device)| (name, &device.owner)).collect();
    let owner: Owner = owner.parse()?;
    if let Some(name) = add {
        // Same rule as Terraform's variable has.
        ensure!(
            name.parse::<Owner>().is_ok(),
            "`{name}` can't be a device's name: 1 to 32 lower-case letters, digits, hyphens and underscores, beginning with \
             a letter or digit"
        );
        let old = devices.insert(name, &owner);
        ensure!(
            old.is_none_or(|old| *old == owner),
            "the device `{name}` belongs to the owner `{}`: take it back first (make device NAME={name} REVOKE=1)",
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
    fn one_more_and_one_less() {
        let there = Deployment::from_outputs(OUTPUTS).unwrap();
        let with = changed(&there, Some("tablet"), "her", None).unwrap();
        assert_eq!(with, json!({"laptop": {"owner": "me"}, "tablet": {"owner": "her"}}));
        assert_eq!(changed(&there, None, "me", Some("laptop")).unwrap(), json!({}));
        assert_eq!(changed(&there, Some("laptop"), "me", None).unwrap(), json!({"laptop": {"owner": "me"}}));
    }

    #[test]
    fn what_can_not_be_is_told() {
        let there = Deployment::from_outputs(OUTPUTS).unwrap();
        let wrong = |add, owner, remove| changed(&there, add, owner, remove).unwrap_err().to_string();
        assert!(wrong(Some("My Tablet"), "me", None).contains("lower-case"));
        assert!(wrong(Some("laptop"), "her", None).contains("belongs to the owner `me`"));
        assert!(wrong(None, "me", Some("tablet")).contains("there is: laptop"));
        assert!(!wrong(Some("tablet"), "*", None).is_empty());
    }
}
