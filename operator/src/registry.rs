//! The registry's password, for `docker login`.

use anyhow::{Context, Result};
use data_encoding::BASE64;

use crate::aws::{self, refused};

/// Prints the password of the user `AWS`, which is valid for twelve hours
/// (docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html).
pub async fn login() -> Result<()> {
    let ecr = aws_sdk_ecr::Client::new(&aws::config().await);
    let answer = ecr.get_authorization_token().send().await.map_err(refused("ECR did not return a password"))?;
    let token = answer.authorization_data().first().and_then(|data| data.authorization_token());
    println!("{}", password(token.context("ECR returned no password")?)?);
    Ok(())
}

/// The password in an authorization token, which is `AWS:<password>` in base64.
fn password(token: &str) -> Result<String> {
    let bytes = BASE64.decode(token.as_bytes()).context("ECR's token is not base64")?;
    let text = String::from_utf8(bytes).context("ECR's token is not text")?;
    let (_, password) = text.split_once(':').context("ECR's token has no password")?;
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_what_follows_the_user() {
        assert_eq!(password(&BASE64.encode(b"AWS:se:cret")).unwrap(), "se:cret");
        assert!(password("no base64!").is_err() && password(&BASE64.encode(b"AWS")).is_err());
    }
}
