//! The state of a deployment, for the person.

use anyhow::Result;

use crate::aws::{self, refused};
use crate::deployment::Deployment;
use crate::{keys, usage};

/// Prints the region, targets, image, functions, usage, running builds and devices.
pub async fn print(deployment: &Deployment) -> Result<()> {
    let client = deployment.client()?;
    let config = aws::config().await;
    println!("region      {}", client.region);
    println!("builds for  {}", client.targets.join(", "));
    if let Some(image) = deployment.image() {
        println!("image       {image}");
    }
    let lambda = aws_sdk_lambda::Client::new(&config);
    for (what, name) in deployment.functions() {
        let got = lambda.get_function_configuration().function_name(name).send().await;
        let got = got.map_err(refused("the state of a function can't be read"))?;
        let state = got.state().map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_lowercase());
        // Lambda deactivates the function of an image after weeks without use, and then refuses the first build once.
        let hint = if state == "inactive" {
            " (not used for weeks: the first build activates it again; repeat that build)"
        } else {
            ""
        };
        println!("function    {what}: {state}, {} MB{hint}", got.memory_size().unwrap_or_default());
    }
    let spent = usage::this_month(deployment).await?.unwrap_or_default();
    let cap = deployment.monthly_gb_seconds().unwrap_or_default();
    println!("this month  {spent:.0} of {cap} GB-seconds");
    let running = usage::running(deployment).await?;
    if running.is_empty() {
        println!("running     none");
    }
    for build in running {
        println!("running     {build}");
    }
    let iam = aws_sdk_iam::Client::new(&config);
    for (name, device) in deployment.devices() {
        let used = match keys::last_used(&iam, &device.user).await? {
            Some(day) => format!("last used {day}"),
            None => "not used yet".to_owned(),
        };
        println!("device      {name} of {}: {used}", device.owner);
    }
    Ok(())
}
