//! Structured logs. Format and level come from the function's logging configuration.

use crate::config::environment;
use lambda_runtime::tracing::subscriber::filter::{LevelFilter, Targets};
use lambda_runtime::tracing::subscriber::layer::SubscriberExt;
use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;
use lambda_runtime::tracing::subscriber::{fmt, registry};

/// Starts logging to standard output, where Lambda collects it.
///
/// - `AWS_LAMBDA_LOG_FORMAT`: `JSON`, or else text. `AWS_LAMBDA_LOG_LEVEL`: `TRACE` to `FATAL`. (Lambda developer guide,
///   "Configuring advanced logging controls".)
/// - `RUST_LOG`, where Lambda sets no level: a level, or `target=level,…`.
///
/// `lambda_runtime`'s own subscriber does the same, with a filter that also knows spans and regular expressions: 344 kB
/// of a function.
pub fn start() {
    let filter = filter(
        environment("AWS_LAMBDA_LOG_LEVEL").as_deref(),
        environment("RUST_LOG").as_deref(),
    );
    let lines = fmt::layer().with_target(false).without_time();
    let is_json = environment("AWS_LAMBDA_LOG_FORMAT")
        .is_some_and(|format| format.eq_ignore_ascii_case("json"));
    if is_json {
        registry().with(filter).with(lines.json()).init();
    } else {
        registry().with(filter).with(lines).init();
    }
}

fn filter(lambda_level: Option<&str>, rust_log: Option<&str>) -> Targets {
    if let Some(level) = lambda_level.and_then(level_of) {
        return Targets::new().with_default(level);
    }
    let targets: Targets = rust_log
        .and_then(|directives| directives.parse().ok())
        .unwrap_or_default();
    let level = targets.default_level().unwrap_or(LevelFilter::INFO);
    targets.with_default(level)
}

/// One of Lambda's levels.
fn level_of(text: &str) -> Option<LevelFilter> {
    if text.eq_ignore_ascii_case("fatal") {
        return Some(LevelFilter::ERROR);
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::tracing::Level;

    #[test]
    fn lambdas_level_is_followed_else_rust_log_else_info() {
        for (lambda_level, rust_log, expected) in [
            (None, None, LevelFilter::INFO),
            (Some("DEBUG"), None, LevelFilter::DEBUG),
            (Some("FATAL"), None, LevelFilter::ERROR),
            (Some("WARN"), Some("trace"), LevelFilter::WARN),
            (None, Some("debug"), LevelFilter::DEBUG),
            (Some("loud"), Some("claim=loud"), LevelFilter::INFO),
        ] {
            let filter = filter(lambda_level, rust_log);
            assert_eq!(
                filter.default_level(),
                Some(expected),
                "{lambda_level:?} {rust_log:?}"
            );
        }
    }

    #[test]
    fn rust_log_can_name_a_target_and_leaves_the_others_at_info() {
        let filter = filter(None, Some("aws_config=debug"));
        assert!(filter.would_enable("aws_config::profile", &Level::DEBUG));
        assert!(!filter.would_enable("claim_instance", &Level::DEBUG));
        assert!(filter.would_enable("claim_instance", &Level::INFO));
    }
}
