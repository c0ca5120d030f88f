//! How a deployment is.

use anyhow::Result;

use crate::aws::{self, refused};
use crate::deployment::Deployment;
use crate::{keys, usage};

/// Prints it.
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
        let got = got.map_err(refused("a function can't be looked at"))?;
        let state = got.state().map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_lowercase());
        // Idle for weeks, a function of an image is put aside; the first build after that is refused once.
        let hint =
            if state == "inactive" { " (not used for long: the first build wakes it, try again then)" } else { "" };
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
