//! Logs as JSON, one object a line, as CloudWatch searches them. Spans carry the request id (lambda_runtime's own) and
//! the build.

use std::env;

use protocol::{BuildId, Owner};
use tracing::Span;
use tracing::level_filters::LevelFilter;

/// Writes what is traced to standard output, from the level of `AWS_LAMBDA_LOG_LEVEL` on, which Lambda sets where the
/// function's logging configuration has one.
pub fn init() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_ansi(false)
        .with_max_level(level(env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref()))
        .init();
}

/// A span for everything that is done for one build.
pub fn build_span(owner: &Owner, build: &BuildId) -> Span {
    tracing::info_span!("build", %owner, %build)
}

fn level(name: Option<&str>) -> LevelFilter {
    match name {
        // The one name that differs.
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
