//! The AWS account that the credentials belong to, and whether the platform can be deployed to it.

use anyhow::{Context, Result, bail, ensure};
use aws_config::SdkConfig;
use aws_sdk_ecr::operation::describe_repositories::DescribeRepositoriesError;
use aws_sdk_sts::config::ProvideCredentials;
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata};

use crate::aws::{self, refused};

/// Prints `ACCOUNT REGION ARN`. With `new`, the name of a new deployment, a deployment of that name is an error.
pub async fn check(new: Option<&str>) -> Result<()> {
    let config = aws::config().await;
    let region = region(&config)?;
    credentials(&config).await?;
    let sts = aws_sdk_sts::Client::new(&config);
    let identity = match sts.get_caller_identity().send().await {
        Ok(identity) => identity,
        Err(error) => match error.code() {
            Some(code) => bail!("{}", refusal(code, error.message().unwrap_or_default(), &region)),
            None => bail!(
                "AWS can't be reached in the region `{region}`. Check the name of the region and this machine's network connection, \
                 then type the command again.\n{}",
                DisplayErrorContext(error)
            ),
        },
    };
    let account = identity.account.context("AWS named no account for these credentials")?;
    if let Some(name) = new {
        vacant(&config, name, &account, &region).await?;
    }
    println!("{account} {region} {}", identity.arn.unwrap_or_default());
    Ok(())
}

fn region(config: &SdkConfig) -> Result<String> {
    let region = config.region().map(ToString::to_string).context(
        "no region is chosen: add one to the command, for example `make deploy REGION=eu-central-1`. Choose the nearest of \
         those in docs.aws.amazon.com/general/latest/gr/lambda-service.html",
    )?;
    ensure!(
        is_code(&region),
        "`{region}` is not the code of a region. A code looks like this: `make deploy REGION=eu-central-1`"
    );
    Ok(region)
}

/// Whether this has the form of a region's code, such as `eu-central-1` or `us-gov-west-1`.
fn is_code(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, names)) => {
            number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && names.len() >= 2
                && names[0].len() == 2
                && names.iter().all(letters)
        }
        None => false,
    }
}

async fn credentials(config: &SdkConfig) -> Result<()> {
    let provider = config.credentials_provider().context("the AWS SDK has no way to find credentials")?;
    provider.provide_credentials().await.map(drop).map_err(|error| {
        anyhow::anyhow!(
            "no AWS credentials are found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, if they \
             are temporary), or write them to ~/.aws/credentials and choose a profile with AWS_PROFILE. \
             docs/deploying.md explains how to get credentials.\n({})",
            DisplayErrorContext(error)
        )
    })
}

/// The message for credentials that AWS refuses (docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
fn refusal(code: &str, message: &str, region: &str) -> String {
    let advice = match code {
        "ExpiredToken" | "ExpiredTokenException" => {
            "the AWS credentials have expired: get new ones with `aws sso login`, or copy them from the access portal again"
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" => {
            "AWS doesn't know these credentials: check them for a typing error, and check in the AWS console that they were \
             not deleted and that the account has enabled this region"
        }
        "SignatureDoesNotMatch" => {
            "the secret access key doesn't belong to this access key, or this machine's clock is wrong: check both"
        }
        "RequestExpired" => "this machine's clock differs from AWS's by more than five minutes: set the clock",
        _ => "AWS refuses these credentials",
    };
    format!("{advice} (region {region}; {code}: {message})")
}

/// Fails if the account has a deployment of this name, which Terraform's state here doesn't know.
async fn vacant(config: &SdkConfig, name: &str, account: &str, region: &str) -> Result<()> {
    let repository = format!("{name}-compile");
    let ecr = aws_sdk_ecr::Client::new(config);
    match ecr.describe_repositories().repository_names(&repository).send().await {
        Ok(_) => bail!(
            "the account {account} has a deployment `{name}` in {region} already, and its Terraform state is not here. Deploy \
             from the clone that has the state (in deployments/{name}, or with the same STATE_BUCKET), or make a second \
             deployment: make deploy DEPLOYMENT=another-name"
        ),
        Err(error)
            if matches!(error.as_service_error(), Some(DescribeRepositoriesError::RepositoryNotFoundException(_))) =>
        {
            Ok(())
        }
        Err(error) => Err(refused("ECR can't say whether the deployment's repository exists")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_given_by_its_code() {
        for right in ["eu-central-1", "us-gov-west-1", "ap-southeast-7"] {
            assert!(is_code(right), "{right}");
        }
        for wrong in ["", "Frankfurt", "eu-central", "eu_central_1", "central-1", "eu-central-1a", "eu--1"] {
            assert!(!is_code(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let text = refusal("ExpiredToken", "The security token included in the request is expired", "eu-central-1");
        assert!(
            text.contains("have expired") && text.contains("aws sso login") && text.contains("is expired"),
            "{text}"
        );
        assert!(refusal("Strange", "why", "r").contains("Strange: why"));
    }
}
