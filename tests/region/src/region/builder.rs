//! Starting a region that has something in it.

use super::{Region, lock};
use crate::commands::{CommandRunner, Scripted};
use crate::lambda::{Function, FunctionConfig};
use crate::settings::Settings;
use crate::template::{self, Stack};
use crate::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use time::OffsetDateTime;

/// A template and what it is deployed with.
#[derive(Clone, Debug)]
pub struct TemplateSource {
    /// The YAML text.
    pub text: String,
    /// The stack's name: the first part of generated names.
    pub stack_name: String,
    /// Values for the template's parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Gives a function its code; `None` for a function it does not know.
type Code = dyn Fn(&Region, &FunctionConfig) -> Option<Arc<dyn Function>>;

/// Makes something in a world.
type Preparation = dyn FnOnce(&mut World);

/// What a region starts with.
#[must_use]
pub struct Builder {
    settings: Settings,
    origin: OffsetDateTime,
    preparation: Box<Preparation>,
    templates: Vec<TemplateSource>,
    code: Box<Code>,
    commands: Arc<dyn CommandRunner>,
}

/// Why a region did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template cannot be loaded.
    #[error("template: {0}")]
    Template(#[from] template::Error),
    /// The template has a function for which no code was given.
    #[error("no code was given for function {0} of the template")]
    NoCode(String),
}

impl Builder {
    pub(super) fn new(settings: Settings, origin: OffsetDateTime) -> Self {
        Self {
            settings,
            origin,
            preparation: Box::new(|_| ()),
            templates: Vec::new(),
            code: Box::new(|_, _| None),
            commands: Arc::new(Scripted::default()),
        }
    }

    /// What runs the scripts of commands. By default every script succeeds without being run.
    pub fn commands(mut self, commands: Arc<dyn CommandRunner>) -> Self {
        self.commands = commands;
        self
    }

    /// What is there before the template.
    pub fn prepare(mut self, preparation: impl FnOnce(&mut World) + 'static) -> Self {
        let before = self.preparation;
        self.preparation = Box::new(|world| {
            before(world);
            preparation(world);
        });
        self
    }

    /// Loads a template. Several are loaded one after the other, each as a stack with a name of its own.
    pub fn template(mut self, template: TemplateSource) -> Self {
        self.templates.push(template);
        self
    }

    /// Where the functions of the templates get their code from: asked once for each, by logical
    /// id, when its stack stands but the region does not run yet.
    pub fn functions(
        mut self,
        code: impl Fn(&Region, &FunctionConfig) -> Option<Arc<dyn Function>> + 'static,
    ) -> Self {
        self.code = Box::new(code);
        self
    }

    /// Starts it. Must be called within a tokio runtime.
    pub fn start(self) -> Result<Region, StartError> {
        let region = Region::stopped(self.settings, self.origin, self.commands);
        region.with(self.preparation);
        let mut stacks = Vec::new();
        for source in &self.templates {
            let stack = region.with(|world| -> Result<Stack, template::Error> {
                template::load(world, &source.text, &source.stack_name, &source.parameters)
            })?;
            for config in stack.functions.values() {
                let code = (self.code)(&region, config)
                    .ok_or_else(|| StartError::NoCode(config.logical_id.clone()))?;
                lock(&region.shared.functions).insert(config.name.clone(), code);
            }
            stacks.push(stack);
        }
        if region.shared.stacks.set(stacks).is_err() {
            unreachable!("a region is started once");
        }
        region.spawn(region.clone().follow_the_clock());
        Ok(region)
    }
}
