//! Structured logs. Format and level come from the function's logging configuration
//! (`AWS_LAMBDA_LOG_FORMAT`, `AWS_LAMBDA_LOG_LEVEL`).

/// Starts logging to standard output, where Lambda collects it.
pub fn start() {
    lambda_runtime::tracing::init_default_subscriber();
}
