//! Starting a region with its stack, its functions and its endpoint; and stopping all of it.

use crate::build;
use crate::claims::TENANTS_TEMPLATE;
use crate::cli::Common;
use crate::failure::Failure;
use crate::first_fill;
use crate::functions::Functions;
use crate::page::Page;
use crate::{family, names};
use region::api::{Call, Service};
use region::autoscaling::Lifecycle;
use region::commands::RealScripts;
use region::compute;
use region::endpoint::Endpoint;
use region::region::{Builder, Region, StartError, TemplateSource};
use region::settings::Settings;
use region::template::{self, Stack};
use region::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use names::{Names, queue_name};

/// Who makes the calls that a person asks for, by this command line or on its page.
pub(crate) const CALLER: &str = "you";

/// A region that answers on its endpoint.
pub(crate) struct Running {
    /// The region.
    pub(crate) region: Region,
    /// What this command line works with.
    pub(crate) names: Names,
    /// How it was asked to behave; its first fill may be quicker.
    pub(crate) settings: Settings,
    /// The factor on its latencies during the first fill.
    pub(crate) first_time_scale: f64,
    /// When the region began.
    pub(crate) started: OffsetDateTime,
    /// Who does the functions' work.
    pub(crate) functions: Arc<Functions>,
    endpoint: Endpoint,
    first_fill: JoinHandle<()>,
}

/// Who makes calls of this command line's own.
#[derive(Clone)]
pub(crate) struct Client {
    /// The region.
    pub(crate) region: Region,
    /// The stack in it.
    pub(crate) names: Names,
}

impl Client {
    /// One API call, as any client of the region makes it.
    pub(crate) async fn call(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, Failure> {
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            caller: CALLER.to_owned(),
        };
        self.region
            .call(call)
            .await
            .map_err(|error| Failure::Refused { operation, error })
    }

    /// The pool's subnets, with commas between them.
    pub(crate) fn subnets(&self) -> String {
        self.region.read(|world| {
            let pool = world.autoscaling.groups.get(&self.names.pool);
            let subnets = pool.into_iter().flat_map(|pool| &pool.subnets);
            subnets
                .map(|(subnet, _)| subnet.as_str())
                .collect::<Vec<_>>()
                .join(",")
        })
    }

    /// The functions that read queues.
    pub(crate) fn polling_functions(&self) -> BTreeSet<String> {
        self.region.read(|world| {
            let mappings = world.lambda.mappings.iter();
            mappings.map(|mapping| mapping.function.clone()).collect()
        })
    }
}

impl Running {
    /// Builds the functions and starts everything, for this command. When this returns, the endpoint answers.
    pub(crate) async fn start(
        options: &Common,
        command: &str,
        time_scale: f64,
        host: IpAddr,
        is_family: bool,
    ) -> Result<Self, Failure> {
        let template = template_of(options)?;
        let stack = template.stack()?;
        let functions = Arc::new(Functions::prepare(options, &stack, build::build).await?);
        let listener = listen(SocketAddr::new(host, options.port)).await?;
        let mut settings = Settings {
            seed: options.seed,
            time_scale,
            endpoint: format!("http://{}", reachable(&listener)?),
            ..Settings::default()
        };
        for timing in &options.timings {
            timing.apply(&mut settings);
        }
        let commands = RealScripts::new(own_directories).map_err(|error| Failure::System {
            what: "cannot make a directory for the instances",
            error,
        })?;
        let started = OffsetDateTime::now_utc();
        let first = first_fill::settings(&settings, !options.timings.is_empty());
        let first_time_scale = first.time_scale;
        let family = is_family.then_some(options.stack_name.as_str());
        let sources = match family {
            Some(_) => family::stacks(&template.source, &settings),
            None => vec![template.source],
        };
        let mut region = Region::builder(first, started)
            .prepare(|world| compute::know_launch_template(world, TENANTS_TEMPLATE))
            .commands(Arc::new(commands))
            .functions({
                let functions = Arc::clone(&functions);
                move |region, config| functions.code(region, config)
            });
        if let Some(family) = family.map(str::to_owned) {
            region = region.prepare(move |world| family::make_outcome_queue(world, &family));
        }
        let region = (sources.iter().cloned())
            .fold(region, Builder::template)
            .start()
            .map_err(|error| explained(error, template.path, options.function_dir.as_deref()))?;
        let names = Names::of(&region, family)?;
        for (names, source) in names.all().zip(&sources) {
            let size = source.parameters.get("PoolSize");
            let size = size.and_then(|size| size.parse().ok());
            grow_pool(&region, command, names, size.unwrap_or(options.pool_size))?;
        }
        let page = Page::of(Client {
            region: region.clone(),
            names: names.clone(),
        });
        let endpoint =
            Endpoint::start_with(region.clone(), listener, page.routes()).map_err(|error| {
                Failure::System {
                    what: "cannot serve the endpoint",
                    error,
                }
            })?;
        let first_fill = first_fill::end(region.clone(), names.clone(), settings.clone());
        let first_fill = tokio::spawn(first_fill);
        Ok(Self {
            region,
            names,
            settings,
            first_time_scale,
            started,
            functions,
            endpoint,
            first_fill,
        })
    }

    /// A client of the stack.
    pub(crate) fn client(&self) -> Client {
        Client {
            region: self.region.clone(),
            names: self.names.clone(),
        }
    }

    /// Where a browser finds the page.
    pub(crate) fn page(&self) -> String {
        format!("{}/", self.settings.endpoint)
    }

    /// What the operator's command line is called with, to work on this region.
    pub(crate) fn operator(&self) -> String {
        let endpoint = &self.settings.endpoint;
        let stack = match (&self.names.family, self.names.stack.as_str()) {
            (Some(family), _) => format!(" --family {family}"),
            (None, "ready-pool") => String::new(),
            (None, other) => format!(" --stack {other}"),
        };
        format!("cargo ready-pool --endpoint-url {endpoint}{stack}")
    }

    /// How fast the region is, in words.
    pub(crate) fn latencies(&self) -> String {
        at_latencies(self.settings.time_scale)
    }

    /// A sentence on the first fill, where that is quicker.
    pub(crate) fn first_latencies(&self) -> String {
        if self.first_time_scale < self.settings.time_scale {
            let scale = self.first_time_scale;
            format!(
                " The pool is filled first, at {scale} of them, so that nobody need wait for it."
            )
        } else {
            String::new()
        }
    }

    /// How to measure at all of AWS's latencies, where these were not.
    pub(crate) fn how_to_see_full_latencies(&self, command: &str) -> String {
        if (self.settings.time_scale - 1.0).abs() < f64::EPSILON {
            String::new()
        } else {
            format!("; `{command} --time-scale 1` measures it at all of them")
        }
    }

    /// Whether each pool is as large as it should be, all in service.
    pub(crate) fn pool_is_full(&self) -> bool {
        (self.region).with(|world| self.names.all().all(|names| pool_is_full(world, names)))
    }

    /// How many instances the first pool should have.
    pub(crate) fn pool_size(&self) -> u32 {
        self.region.read(|world| {
            let pool = world.autoscaling.groups.get(&self.names.pool);
            pool.map_or(0, |pool| pool.desired)
        })
    }

    /// How many instances a group has.
    pub(crate) fn members(&self, group: &str) -> usize {
        self.region.with(|world| {
            let group = world.autoscaling.groups.get(group);
            group.map_or(0, |group| group.members.len())
        })
    }

    /// Ends everything: functions, scripts, endpoint.
    pub(crate) async fn stop(self) {
        self.first_fill.abort();
        self.region.stop().await;
        self.endpoint.stop().await;
    }
}

/// Nobody here waits for the minute after which replenish-pool does it.
fn grow_pool(region: &Region, command: &str, names: &Names, size: u32) -> Result<(), Failure> {
    let operation = "SetDesiredCapacity";
    let call = Call {
        service: Service::AutoScaling,
        operation: operation.to_owned(),
        input: serde_json::json!({
            "AutoScalingGroupName": names.pool,
            "DesiredCapacity": size.to_string(),
        }),
        caller: command.to_owned(),
    };
    region
        .with(|world| world.answer(&call))
        .map(|_| ())
        .map_err(|error| {
            if error.message.contains("is above max value") {
                Failure::PoolTooLarge(size)
            } else {
                Failure::Refused { operation, error }
            }
        })
}

/// The same in words, for this factor.
pub(crate) fn at_latencies(time_scale: f64) -> String {
    if (time_scale - 1.0).abs() < f64::EPSILON {
        "at the latencies observed on AWS".to_owned()
    } else {
        format!("at {time_scale} of the latencies observed on AWS")
    }
}

/// Whether the pool is as large as it should be, all in service.
pub(crate) fn pool_is_full(world: &World, names: &Names) -> bool {
    let Some(pool) = world.autoscaling.groups.get(&names.pool) else {
        return false;
    };
    let ready = pool
        .members
        .values()
        .filter(|member| member.lifecycle == Lifecycle::InService)
        .count();
    u32::try_from(ready).is_ok_and(|ready| ready == pool.desired)
}

struct Template {
    path: PathBuf,
    source: TemplateSource,
}

impl Template {
    /// What is in the template, known before anything is built or started: loaded into a world
    /// that is thrown away.
    fn stack(&self) -> Result<Stack, Failure> {
        let mut scratch = World::new(Settings::default(), OffsetDateTime::UNIX_EPOCH);
        let TemplateSource {
            text,
            stack_name,
            parameters,
        } = &self.source;
        template::load(&mut scratch, text, stack_name, parameters).map_err(|error| {
            Failure::Template {
                path: self.path.clone(),
                error,
            }
        })
    }
}

fn template_of(options: &Common) -> Result<Template, Failure> {
    let path = match &options.template {
        Some(path) => path.clone(),
        None => build::workspace()?.join("template.yaml"),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::TemplateUnreadable {
        path: path.clone(),
        error,
    })?;
    // The region has these three subnets, one in each zone.
    let mut parameters = BTreeMap::from([
        ("PoolSize".to_owned(), options.pool_size.to_string()),
        (
            "Subnets".to_owned(),
            "subnet-1a,subnet-1b,subnet-1c".to_owned(),
        ),
        (
            "SecurityGroups".to_owned(),
            "sg-0123456789abcdef0".to_owned(),
        ),
    ]);
    parameters.extend(options.parameters.iter().cloned());
    Ok(Template {
        path,
        source: TemplateSource {
            text,
            stack_name: options.stack_name.clone(),
            parameters,
        },
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Listen { address, error })
}

/// The address under which functions and people on this machine reach the listener.
fn reachable(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    let mut address = listener.local_addr().map_err(|error| Failure::System {
        what: "cannot tell the endpoint's address",
        error,
    })?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(address)
}

/// What is root's on a real machine: where the init script keeps its marker, and its home.
fn own_directories(_instance: &str, home: &Path) -> Vec<(String, String)> {
    let own = |name: &str, directory: &Path| (name.to_owned(), directory.display().to_string());
    vec![
        own("READY_POOL_DIR", &home.join("ready-pool")),
        own("READY_POOL_HOME", home),
    ]
}

fn explained(error: StartError, path: PathBuf, function_dir: Option<&Path>) -> Failure {
    match (error, function_dir) {
        (StartError::NoCode(function), Some(directory)) => Failure::Build(format!(
            "{} has no program for {function}: it should have the name that the function's \
             CodeUri ends with",
            directory.display()
        )),
        (StartError::NoCode(function), None) => Failure::Build(format!(
            "the workspace has no program for {function}: it should have the name that the \
             function's CodeUri ends with"
        )),
        (StartError::Template(error), _) => Failure::Template { path, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_scale_is_said_in_words() {
        assert_eq!(at_latencies(1.0), "at the latencies observed on AWS");
        assert_eq!(at_latencies(0.2), "at 0.2 of the latencies observed on AWS");
    }
}
