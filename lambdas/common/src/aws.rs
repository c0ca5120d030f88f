//! Configures how the Lambdas call AWS: region, credentials, retries and time-outs.

use std::time::Duration;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The most calls for one operation, the first one included.
const ATTEMPTS: u32 = 4;

/// The first wait before a call is repeated. Each further wait is up to twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait before a call is repeated.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a call may take until its answer begins, including the time to send the request. After that the call is
/// repeated: one that hangs would last as long as the function.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// The configuration that every client is made from. Region, credentials and endpoints come from the environment, where
/// Lambda puts them. No other source is asked (no metadata service, no profile).
pub async fn config() -> SdkConfig {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .profile_files(EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build())
        .retry_config(retry(ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build())
        .load()
        .await
}

/// Allows up to `attempts` calls for one operation, with waits that suit a function that is billed by the millisecond.
pub fn retry(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(FIRST_WAIT).with_max_backoff(LONGEST_WAIT)
}

/// Gives up on one call after the time `attempt`, so that it can be repeated.
pub fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(attempt).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_needs_no_file() {
        let config = config().await;
        assert!(config.http_client().is_some() && config.credentials_provider().is_some());
        assert_eq!(config.retry_config().map(RetryConfig::max_attempts), Some(ATTEMPTS));
    }
}
