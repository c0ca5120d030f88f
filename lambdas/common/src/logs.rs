//! Writes logs as JSON, one object per line, so that CloudWatch can search them. Spans carry the request id (added by
//! lambda_runtime) and the build.

use std::env;

use protocol::{BuildId, Owner};
use tracing::Span;
use tracing::level_filters::LevelFilter;

/// Starts logging to standard output, from the level in `AWS_LAMBDA_LOG_LEVEL` on. Lambda sets that variable if the
/// function's logging configuration has a level. The default is `INFO`.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_ansi(false)
        .with_max_level(level(env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref()))
        .init();
}

/// Makes a span for all work on one build.
pub fn build_span(owner: &Owner, build: &BuildId) -> Span {
    tracing::info_span!("build", %owner, %build)
}

fn level(name: Option<&str>) -> LevelFilter {
    match name {
        // The only level name of Lambda's that `tracing` doesn't know.
        Some("FATAL") => LevelFilter::ERROR,
        Some(name) => name.parse().unwrap_or(LevelFilter::INFO),
        None => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_own_level_names_are_read() {
        assert_eq!(level(Some("DEBUG")), LevelFilter::DEBUG);
        assert_eq!(level(Some("FATAL")), LevelFilter::ERROR);
        assert_eq!(level(Some("loud")), LevelFilter::INFO);
        assert_eq!(level(None), LevelFilter::INFO);
    }
}
