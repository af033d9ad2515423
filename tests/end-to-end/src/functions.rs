//! The real handlers, as the region's functions.

use crate::figures::Figures;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;
use claim_instance::ClaimInstance;
use futures::FutureExt;
use futures::future::BoxFuture;
use init_instance::InitInstance;
use ready_pool_aws::clock::Invocation;
use ready_pool_aws::metrics::Metrics;
use ready_pool_aws::{Clients, Clock, SharedClock};
use ready_pool_core::Timestamp;
use region::connector::Connector;
use region::lambda::{self, Function, FunctionConfig, FunctionError};
use region::region::Region;
use replenish_pool::ReplenishPool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// The clock of a function's machine, as the function and the SDK read it.
#[derive(Clone, Debug)]
struct MachineClock {
    region: region::clock::Clock,
    /// How far it is ahead of AWS's.
    skew: time::Duration,
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        self.region.now() + self.skew
    }
}

impl TimeSource for MachineClock {
    fn now(&self) -> SystemTime {
        Clock::now(self).into()
    }
}

/// One of the three functions, in process.
#[derive(Clone)]
enum InProcess {
    Claim(ClaimInstance),
    Init(InitInstance),
    Replenish(ReplenishPool),
}

struct Hosted {
    function: InProcess,
    clock: SharedClock,
    skew: time::Duration,
}

/// The code for a function of the template, on a machine whose clock is ahead by `skew`, with its
/// figures written to `figures`.
pub(crate) fn code(
    region: &Region,
    config: &FunctionConfig,
    skew: time::Duration,
    figures: &Figures,
) -> Option<Arc<dyn Function>> {
    let clock = MachineClock {
        region: region.clock(),
        skew,
    };
    let clients = Clients::new(
        &sdk_config(region, &config.name, clock.clone()),
        Metrics::to(Arc::new(figures.clone())),
    );
    let environment = config.environment.clone();
    let source = move |name: &str| environment.get(name).cloned();
    let shared: SharedClock = Arc::new(clock);
    let function = match config.logical_id.as_str() {
        "ClaimInstanceFunction" => InProcess::Claim(ClaimInstance::new(
            claim_instance::Config::read(&source).expect("the template configures claim-instance"),
            &clients,
            shared.clone(),
        )),
        "InitInstanceFunction" => InProcess::Init(InitInstance::new(
            init_instance::Config::read(&source).expect("the template configures init-instance"),
            &clients,
        )),
        "ReplenishPoolFunction" => InProcess::Replenish(ReplenishPool::new(
            replenish_pool::Config::read(&source).expect("the template configures replenish-pool"),
            &clients,
        )),
        _ => return None,
    };
    Some(Arc::new(Hosted {
        function,
        clock: shared,
        skew,
    }))
}

/// Clients of somebody who calls with this access key id, and the region's clock.
pub(crate) fn clients(region: &Region, caller: &str) -> (Clients, SharedClock) {
    let clock = MachineClock {
        region: region.clock(),
        skew: time::Duration::ZERO,
    };
    let figures = Metrics::to(Arc::new(Figures::default()));
    let clients = Clients::new(&sdk_config(region, caller, clock.clone()), figures);
    (clients, Arc::new(clock))
}

impl Function for Hosted {
    fn invoke(
        &self,
        invoked: lambda::Invocation,
    ) -> BoxFuture<'static, Result<Value, FunctionError>> {
        let function = self.function.clone();
        // Lambda writes the deadline by the clock of the function's machine.
        let invocation = Invocation::new(self.clock.clone(), invoked.deadline + self.skew)
            .traced(invoked.trace_header().parse().ok());
        let payload = invoked.payload;
        async move {
            match function {
                InProcess::Claim(function) => {
                    answer(&function.handle(read(payload)?, &invocation).await)
                }
                InProcess::Init(function) => {
                    answer(&function.handle(read(payload)?, &invocation).await)
                }
                InProcess::Replenish(function) => {
                    let result = function.handle(&read(payload)?, &invocation).await;
                    answer(&result.map_err(|error| failed(&error))?)
                }
            }
        }
        .boxed()
    }
}

fn read<T: DeserializeOwned>(payload: Value) -> Result<T, FunctionError> {
    serde_json::from_value(payload).map_err(|error| failed(&error))
}

fn answer(value: &impl Serialize) -> Result<Value, FunctionError> {
    serde_json::to_value(value).map_err(|error| failed(&error))
}

fn failed(error: &impl std::fmt::Display) -> FunctionError {
    FunctionError::new("Error", error.to_string())
}

/// Configuration of unmodified SDK clients that talk to the region in process.
fn sdk_config(region: &Region, caller: &str, clock: MachineClock) -> SdkConfig {
    // The SDK's retry quota is shared by service and region over the whole process: a region name
    // of its own keeps each test's quota to itself.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("region-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let credentials = Credentials::new(caller, "secret", None, None, "region");
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(name))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Connector::to(region.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(clock)
        .build()
}
