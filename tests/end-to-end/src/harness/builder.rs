//! What a harness is set up with, and how its region starts.

use super::{Harness, ORIGIN, STACK, TENANTS_TEMPLATE};
use crate::figures::Figures;
use crate::functions;
use ready_pool_core::Timestamp;
use region::api::{Call, Service};
use region::commands::{CommandRun, Pretence, Scripted};
use region::compute;
use region::region::{Region, StartError, TemplateSource};
use region::settings::Settings;
use region::world::World;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// What a harness is set up with.
pub struct HarnessBuilder {
    settings: Settings,
    stack: String,
    /// Further stacks of the template: their names, and what else they are given.
    beside: Vec<(String, BTreeMap<String, String>)>,
    parameters: BTreeMap<String, String>,
    scripts: Scripted,
    skew: time::Duration,
    origin: Timestamp,
    preparation: Box<dyn FnOnce(&mut World)>,
    template: String,
    starts_empty: bool,
}

impl Default for HarnessBuilder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            stack: STACK.to_owned(),
            beside: Vec::new(),
            parameters: BTreeMap::from([
                ("PoolSize".to_owned(), "2".to_owned()),
                (
                    "Subnets".to_owned(),
                    "subnet-1a,subnet-1b,subnet-1c".to_owned(),
                ),
                (
                    "SecurityGroups".to_owned(),
                    "sg-0123456789abcdef0".to_owned(),
                ),
            ]),
            starts_empty: false,
            scripts: Scripted::default(),
            skew: time::Duration::ZERO,
            origin: ORIGIN,
            preparation: Box::new(|_| ()),
            template: TEMPLATE.to_owned(),
        }
    }
}

impl HarnessBuilder {
    /// With a pool of this size.
    #[must_use]
    pub fn pool_size(mut self, size: usize) -> Self {
        self.parameters
            .insert("PoolSize".to_owned(), size.to_string());
        self
    }

    /// With a stack that makes targets of the tenants' launch template, with names that begin so.
    #[must_use]
    pub fn makes_targets(self, prefix: &str) -> Self {
        self.parameter(
            "TargetLaunchTemplate",
            &compute::known_template_id(TENANTS_TEMPLATE),
        )
        .parameter("TargetLaunchTemplateVersion", "1")
        .parameter("TargetNamePrefix", prefix)
    }

    /// With another value for a parameter of the template.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a stack of another name. It begins with `ready-pool`: by that our functions are known.
    #[must_use]
    pub fn stack(mut self, name: &str) -> Self {
        name.clone_into(&mut self.stack);
        self
    }

    /// With a further stack of the same template, whose parameters are those of the first but for these.
    #[must_use]
    pub fn beside(mut self, name: &str, parameters: &[(&str, &str)]) -> Self {
        let parameters = parameters.iter();
        let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.beside.push((name.to_owned(), parameters.collect()));
        self
    }

    /// With other settings of the region.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// With init scripts that end as `answer` says.
    #[must_use]
    pub fn scripts(mut self, answer: impl FnMut(&CommandRun) -> Pretence + Send + 'static) -> Self {
        self.scripts = Scripted::new(answer);
        self
    }

    /// With functions whose clocks are this much ahead of AWS's.
    #[must_use]
    pub fn skew(mut self, skew: time::Duration) -> Self {
        self.skew = skew;
        self
    }

    /// With a clock that shows this at the start: the present time, for programs that read their machine's own.
    #[must_use]
    pub fn origin(mut self, origin: Timestamp) -> Self {
        self.origin = origin;
        self
    }

    /// With something that is there before the stack.
    #[must_use]
    pub fn prepare(mut self, preparation: impl FnOnce(&mut World) + 'static) -> Self {
        self.preparation = Box::new(preparation);
        self
    }

    /// With a template that was changed.
    #[must_use]
    pub fn template(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.template = change(&self.template);
        self
    }

    /// With the pool as the deployment leaves it: empty, until replenish-pool runs for the first
    /// time.
    #[must_use]
    pub fn starts_empty(self) -> Self {
        Self {
            starts_empty: true,
            ..self
        }
    }

    /// Starts the region. The pool begins to boot.
    ///
    /// # Panics
    /// When the template cannot be started.
    pub fn start(self) -> Harness {
        self.try_start().expect("the template can be started")
    }

    /// Starts the region, if it takes the template.
    pub fn try_start(self) -> Result<Harness, StartError> {
        // The SDK draws its retry delays from the thread's generator.
        fastrand::seed(self.settings.seed);
        let skew = self.skew;
        let figures = Figures::default();
        let sink = figures.clone();
        let mut stacks = vec![(self.stack, self.parameters.clone())];
        for (name, parameters) in self.beside {
            let mut all = self.parameters.clone();
            all.extend(parameters);
            stacks.push((name, all));
        }
        let preparation = self.preparation;
        let mut builder = Region::builder(self.settings, self.origin)
            .commands(Arc::new(self.scripts))
            .prepare(move |world| {
                compute::know_launch_template(world, TENANTS_TEMPLATE);
                preparation(world);
            })
            .functions(move |region, config| functions::code(region, config, skew, &sink));
        for (stack_name, parameters) in &stacks {
            builder = builder.template(TemplateSource {
                text: self.template.clone(),
                stack_name: stack_name.clone(),
                parameters: parameters.clone(),
            });
        }
        let region = builder.start()?;
        for (stack, (_, parameters)) in region.stacks().iter().zip(&stacks) {
            let is_made = !parameters.contains_key("ExistingPoolGroup");
            if is_made && !self.starts_empty {
                grow(
                    &region,
                    &stack.outputs["PoolGroupName"],
                    &parameters["PoolSize"],
                );
            }
        }
        let outputs = &region.stack().outputs;
        let (pool, retirement) = (
            outputs["PoolGroupName"].clone(),
            outputs["RetirementGroupName"].clone(),
        );
        Ok(Harness {
            region,
            pool,
            retirement,
            figures,
            history: Mutex::default(),
        })
    }
}

/// What replenish-pool does to a new pool within the first minute: scenarios begin then.
fn grow(region: &Region, pool: &str, size: &str) {
    let call = Call {
        service: Service::AutoScaling,
        operation: "SetDesiredCapacity".to_owned(),
        input: json!({ "AutoScalingGroupName": pool, "DesiredCapacity": size }),
        caller: "operator".to_owned(),
    };
    let grown = region.with(|world| world.answer(&call));
    grown.expect("the pool's maximum allows its size");
}
