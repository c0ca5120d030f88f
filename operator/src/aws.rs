//! Calls to AWS, and the messages for calls that fail.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// How often one call is tried: waiting is better than starting the whole command again.
const ATTEMPTS: u32 = 5;

/// Credentials and region, found as AWS's own tools find them: environment, ~/.aws, single sign-on, a machine's role.
pub async fn config() -> SdkConfig {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest()).http_client(https).retry_config(retry).load().await
}

/// A client for S3. If an endpoint is set, as for an emulator, the bucket is part of the path.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let own = std::env::var_os("AWS_ENDPOINT_URL").is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A time, given in milliseconds since 1970, as text in UTC: `2026-11-26T11:25:32.5Z`.
pub fn time(millis: i64) -> String {
    DateTime::from_millis(millis).fmt(Format::DateTime).unwrap_or_default()
}

/// The error for a call that failed, with AWS's own message if it answered.
pub fn refused<E>(what: &'static str) -> impl FnOnce(SdkError<E>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    move |error| match (error.code(), error.message()) {
        (Some(code), message) => anyhow::anyhow!("{what}: {code}: {}", message.unwrap_or("no reason given")),
        (None, _) => anyhow::anyhow!("{what}: {}", DisplayErrorContext(error)),
    }
}
