//! The three SDK clients, with the time-outs and retries that the protocol relies on.

use crate::config::{ConfigError, environment};
use crate::https;
use crate::metrics::{Detail, Metrics, StandardOutput};
use crate::sdk_config;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use std::sync::Arc;
use std::time::Duration;

/// No answer within this is a failure with unknown effect.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer to any attempt within this, likewise.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(12);
const ATTEMPTS: u32 = 3;

/// The SDK clients of a function, and where it writes its figures: among them, how many calls
/// these clients make. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(crate) auto_scaling: aws_sdk_autoscaling::Client,
    pub(crate) systems_manager: aws_sdk_ssm::Client,
    pub(crate) queues: aws_sdk_sqs::Client,
    metrics: Metrics,
}

impl Clients {
    /// Clients from the function's environment (role credentials, region, endpoints).
    pub fn from_environment() -> Result<Self, ConfigError> {
        let config = sdk_config::from_environment(&environment)?
            .into_builder()
            .http_client(https::client(environment))
            .build();
        Ok(Self::new(&config, Metrics::to(Arc::new(StandardOutput))))
    }

    /// Clients on a configuration of the caller's: credentials, HTTP client and clock are taken
    /// from it, time-outs and retries are ours.
    pub fn new(config: &SdkConfig, metrics: Metrics) -> Self {
        let config = config
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            .build();
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&config)
                        .interceptor(metrics.call_counter())
                        .build(),
                )
            };
        }
        Self {
            auto_scaling: client!(aws_sdk_autoscaling),
            systems_manager: client!(aws_sdk_ssm),
            queues: client!(aws_sdk_sqs),
            metrics,
        }
    }

    /// The same clients, whose function makes metrics in this detail.
    #[must_use]
    pub fn in_detail(&self, detail: Detail) -> Self {
        Self {
            metrics: self.metrics().in_detail(detail),
            ..self.clone()
        }
    }

    /// Where the function writes its figures.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }
}

/// For calls that are not repeatable: a lost answer must not become a second call.
pub(crate) fn single_attempt() -> RetryConfig {
    RetryConfig::disabled()
}
