//! How AWS is called, and how its refusals are told.

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Calls of one operation: administrators wait rather than begin again.
const ATTEMPTS: u32 = 5;

/// Credentials and region as AWS's own tools find them: environment, ~/.aws, single sign-on, a role of the machine.
pub async fn config() -> SdkConfig {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_config::defaults(BehaviorVersion::latest()).http_client(https).retry_config(retry).load().await
}

/// S3. With an address of its own, as emulators have, a bucket is part of the path.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let own = std::env::var_os("AWS_ENDPOINT_URL").is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(own).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Milliseconds since 1970 as `2026-11-26T11:25:32.5Z`.
pub fn time(millis: i64) -> String {
    DateTime::from_millis(millis).fmt(Format::DateTime).unwrap_or_default()
}

/// A call that failed: AWS's own words where it answered.
pub fn refused<E>(what: &'static str) -> impl FnOnce(SdkError<E>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    move |error| match (error.code(), error.message()) {
        (Some(code), message) => anyhow::anyhow!("{what}: {code}: {}", message.unwrap_or("no reason given")),
        (None, _) => anyhow::anyhow!("{what}: {}", DisplayErrorContext(error)),
    }
}
