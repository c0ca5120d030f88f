//! Terraform with the project's own configuration, against an emulated account.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use super::account::{MotoAccount, REGION};
use super::{PROJECT, binaries, output_of};

/// Settings that only an emulated account needs. Terraform merges them into the provider block of the configuration.
const OVERRIDE: &str = r#"provider "aws" {
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"#;

/// The name of the image. It is never pulled: `serve` runs the program that would be in it.
const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cargo-cloud-compile@sha256:";

/// A copy of the configuration, which Terraform works on.
pub struct Terraform {
    folder: PathBuf,
    environment: BTreeMap<&'static str, String>,
}

impl Terraform {
    /// Copies the configuration to a folder and adds the values of its variables.
    pub fn prepare(dir: &Path, account: &MotoAccount) -> Result<Self> {
        let folder = dir.join("terraform");
        copy(&Path::new(PROJECT).join("terraform"), &folder)?;
        let variables = json!({
            "region": REGION,
            "image_uri": format!("{IMAGE}{}", "0".repeat(64)),
            "lambda_zips": binaries::zips(dir),
            "devices": { "me": { "owner": "me" }, "other": { "owner": "other" } },
            "targets": targets()?,
        });
        for (name, text) in
            [("emulator_override.tf", OVERRIDE.to_owned()), ("emulator.auto.tfvars.json", variables.to_string())]
        {
            fs::write(folder.join(name), text).with_context(|| format!("{name} can't be written"))?;
        }
        let mut environment: BTreeMap<_, _> = account.environment().into_iter().collect();
        environment.insert("TF_IN_AUTOMATION", "1".to_owned());
        Ok(Self { folder, environment })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(&self.folder).envs(&self.environment).kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        output_of(&mut self.command(arguments)).await.with_context(|| format!("terraform {}", arguments.join(" ")))
    }

    /// Runs `terraform init`, which fetches the provider.
    pub async fn init(&self) -> Result<()> {
        self.run(&["init", "-no-color", "-input=false"]).await.map(drop)
    }

    /// Checks the configuration without an account.
    pub async fn validate(&self) -> Result<()> {
        self.run(&["validate", "-no-color"]).await.map(drop)
    }

    /// Creates all resources of the configuration.
    pub async fn apply(&self) -> Result<()> {
        self.run(&["apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=20"]).await.map(drop)
    }

    /// The number of resources in the state.
    pub async fn resources(&self) -> Result<usize> {
        let state = self.run(&["state", "list"]).await?;
        Ok(state.lines().filter(|address| !address.split('.').any(|part| part == "data")).count())
    }

    /// The outputs of the configuration by their names.
    pub async fn outputs(&self) -> Result<BTreeMap<String, Value>> {
        let text = self.run(&["output", "-json"]).await?;
        let outputs: BTreeMap<String, Value> = serde_json::from_str(&text).context("terraform printed no JSON")?;
        Ok(outputs.into_iter().map(|(name, mut output)| (name, output["value"].take())).collect())
    }

    /// The changes in a plan with these arguments.
    async fn plan(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        self.run(&[&["plan", "-no-color", "-input=false", "-out=planned"], arguments].concat()).await?;
        let mut plan: Value =
            serde_json::from_str(&self.run(&["show", "-json", "planned"]).await?).context("the plan is not JSON")?;
        match plan["resource_changes"].take() {
            Value::Array(changes) => Ok(changes),
            _ => bail!("the plan has no list of changes"),
        }
    }

    /// The changes that another apply would make.
    pub async fn changes(&self) -> Result<Vec<String>> {
        let changes = self.plan(&[]).await?;
        let changes = changes.iter().filter_map(|change| {
            let (actions, change_of) = (&change["change"]["actions"], &change["change"]);
            let same = *actions == json!(["no-op"]) || *actions == json!(["read"]);
            let attributes = differences(&change_of["before"], &change_of["after"]);
            let attributes = attributes.into_iter().collect::<Vec<_>>().join(", ");
            (!same).then(|| format!("{} {actions}: {attributes}", change["address"]))
        });
        Ok(changes.collect())
    }

    /// The names that a deployment with another prefix would share with this one, for resources whose names have to be
    /// unique in an account.
    pub async fn shared_names(&self) -> Result<Vec<String>> {
        let ours = names(&self.plan(&["-refresh=false"]).await?, "before");
        let others = names(&self.plan(&["-state=another.tfstate", "-var=prefix=another"]).await?, "after");
        ensure!(ours.len() > 15 && ours.len() == others.len(), "names are missing: {ours:?} {others:?}");
        Ok(ours.intersection(&others).cloned().collect())
    }

    /// Destroys all resources of the configuration.
    pub async fn destroy(&self) -> Result<()> {
        self.run(&["destroy", "-no-color", "-input=false", "-auto-approve", "-parallelism=20"]).await.map(drop)
    }
}

/// Resources whose names have to be unique in an account, and the attribute that holds the name.
const NAMED: [(&str, &str); 9] = [
    ("aws_s3_bucket", "bucket"),
    ("aws_lambda_function", "function_name"),
    ("aws_iam_role", "name"),
    ("aws_iam_user", "name"),
    ("aws_iam_group", "name"),
    ("aws_dynamodb_table", "name"),
    ("aws_cloudwatch_event_bus", "name"),
    ("aws_cloudwatch_log_group", "name"),
    ("aws_ecr_repository", "name"),
];

fn names(changes: &[Value], side: &str) -> BTreeSet<String> {
    let name = |change: &Value| {
        let (kind, attribute) = NAMED.into_iter().find(|(kind, _)| change["type"] == *kind)?;
        Some(format!("{kind} {}", change["change"][side][attribute].as_str()?))
    };
    changes.iter().filter_map(name).collect()
}

/// The names of the attributes that differ.
fn differences(before: &Value, after: &Value) -> BTreeSet<String> {
    let names = |value: &Value| value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect::<Vec<_>>();
    let all = names(before).into_iter().chain(names(after));
    all.filter(|name| before.get(name) != after.get(name)).collect()
}

/// The targets that this machine's Rust has a standard library for.
fn targets() -> Result<Vec<String>> {
    let output = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().context("no rustc")?;
    let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let libraries = Path::new(&sysroot).join("lib/rustlib");
    let entries = fs::read_dir(&libraries).with_context(|| format!("{} can't be read", libraries.display()))?;
    let names = entries.flatten().filter(|entry| entry.path().join("lib").is_dir());
    let mut names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Copies the `.tf` files of a folder and its subfolders, without what Terraform has left there earlier.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} can't be made", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("{} can't be read", from.display()))? {
        let entry = entry.with_context(|| format!("{} can't be read", from.display()))?;
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && !name.to_string_lossy().starts_with('.') && name != "tests" {
            copy(&path, &to.join(name))?;
        } else if path.extension().is_some_and(|extension| extension == "tf") {
            fs::copy(&path, to.join(name)).with_context(|| format!("{} can't be copied", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_attributes_are_named() {
        let (before, after) = (json!({"a": 1, "b": [1], "c": null}), json!({"a": 1, "b": [2], "d": 4}));
        assert_eq!(differences(&before, &after), BTreeSet::from(["b".to_owned(), "c".to_owned(), "d".to_owned()]));
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn resources_that_need_unique_names_are_found() {
        let change =
            |kind: &str, name: &str| json!({ "type": kind, "change": { "before": null, "after": { "name": name } } });
        let plan = [change("aws_iam_role", "a"), change("aws_iam_role_policy", "a"), change("aws_iam_user", "a")];
        let expected = BTreeSet::from(["aws_iam_role a".to_owned(), "aws_iam_user a".to_owned()]);
        assert_eq!(names(&plan, "after"), expected);
        assert!(names(&plan, "before").is_empty());
    }
}
