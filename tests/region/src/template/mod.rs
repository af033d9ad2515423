//! Reads a SAM or CloudFormation template and makes what it declares, through the same API calls
//! that any client would use where there is an API for it.
//!
//! Nothing is passed over silently: a resource type, property or function that the region does
//! not know is an error that names it. Types without behaviour in the region are listed in
//! [`passive`].

mod documents;
mod error;
mod functions;
mod groups;
mod identities;
mod order;
mod parameters;
mod passive;
mod queues;
mod resolve;
mod rules;
mod rules_section;
mod targets;
mod yaml;

pub use error::Error;
pub use resolve::Attributes;

use crate::api::{Call, Service};
use crate::lambda::FunctionConfig;
use crate::wire::input;
use crate::world::World;
use parameters::text_of;
use resolve::Scope;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a template became.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// The stack's name.
    pub name: String,
    /// Resources by logical id.
    pub resources: BTreeMap<String, Resource>,
    /// The template's outputs, resolved.
    pub outputs: BTreeMap<String, String>,
    /// Functions by logical id.
    pub functions: BTreeMap<String, FunctionConfig>,
}

/// A resource of a stack.
#[derive(Clone, Debug)]
pub struct Resource {
    /// `AWS::SQS::Queue`.
    pub kind: String,
    /// What `Ref` and `GetAtt` give.
    pub attributes: Attributes,
    /// Its properties, resolved.
    pub properties: Value,
}

impl Stack {
    /// What `Ref` gives for a resource: a queue's URL, a group's name.
    ///
    /// # Panics
    /// When the template has no such resource.
    pub fn reference(&self, logical_id: &str) -> &str {
        match self.resources.get(logical_id) {
            Some(resource) => &resource.attributes.reference,
            None => panic!("the template has no resource {logical_id}"),
        }
    }
}

/// Who makes the calls that load a template.
const CALLER: &str = "cloudformation";

/// Loads a template into the world. `parameters` go over the defaults of the template.
pub fn load(
    world: &mut World,
    text: &str,
    stack_name: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<Stack, Error> {
    let template = yaml::parse(text)?;
    let template = template
        .as_object()
        .ok_or_else(|| Error::new("", "a template is an object"))?;
    check_sections(template)?;
    let section = |name: &str| template.get(name).cloned().unwrap_or(Value::Null);
    let object = |value: Value| match value {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let parameters = parameters::values(&section("Parameters"), parameters)?;
    let conditions = object(section("Conditions"));
    let mut loader = Loader {
        scope: Scope::new(parameters, conditions, stack_name, &world.settings),
        globals: object(
            object(section("Globals"))
                .remove("Function")
                .unwrap_or_default(),
        ),
        stack: Stack {
            name: stack_name.to_owned(),
            ..Stack::default()
        },
        world,
    };
    rules_section::check(&loader.scope, &section("Rules"))?;
    let mut resources = object(section("Resources"));
    resources.retain(|name, resource| {
        let condition = resource.get("Condition").and_then(Value::as_str);
        condition.is_none_or(|condition| loader.scope.condition(condition, name) != Ok(false))
    });
    for name in order::of(&resources)? {
        loader.make(&name, &resources[&name])?;
    }
    for (name, output) in object(section("Outputs")) {
        loader.output(&name, &output)?;
    }
    Ok(loader.stack)
}

/// `Metadata` is for whoever deploys; the region does without it.
fn check_sections(template: &Map<String, Value>) -> Result<(), Error> {
    const KNOWN: [&str; 10] = [
        "AWSTemplateFormatVersion",
        "Transform",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Conditions",
        "Globals",
        "Resources",
        "Outputs",
    ];
    match template.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        Some(name) => Err(Error::new(name, "is not known to the simulated region")),
        None => Ok(()),
    }
}

struct Loader<'world> {
    world: &'world mut World,
    scope: Scope,
    /// `Globals.Function`.
    globals: Map<String, Value>,
    stack: Stack,
}

/// A resource about to be made.
struct Declaration<'template> {
    name: &'template str,
    /// `Resources.Name.Properties`.
    place: String,
    /// Resolved.
    properties: Value,
}

impl Loader<'_> {
    fn make(&mut self, name: &str, resource: &Value) -> Result<(), Error> {
        let place = format!("Resources.{name}");
        let kind = resource["Type"]
            .as_str()
            .ok_or_else(|| Error::new(&place, "has no Type"))?
            .to_owned();
        let place = format!("{place}.Properties");
        let mut declared = resource
            .get("Properties")
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        if kind == "AWS::Serverless::Function" {
            declared = functions::with_globals(&self.globals, declared);
        }
        let properties = self
            .scope
            .resolve(&declared, &place)?
            .unwrap_or_else(|| Value::Object(Map::new()));
        let declaration = Declaration {
            name,
            place,
            properties: properties.clone(),
        };
        let attributes = match kind.as_str() {
            "AWS::SQS::Queue" => queues::make(self, &declaration)?,
            "AWS::SQS::QueuePolicy" => identities::make_queue_policy(self, &declaration)?,
            "AWS::IAM::Role" => identities::make_role(self, &declaration)?,
            "AWS::IAM::Policy" => identities::make_policy(self, &declaration, false)?,
            "AWS::IAM::ManagedPolicy" => identities::make_policy(self, &declaration, true)?,
            "AWS::IAM::InstanceProfile" => identities::make_instance_profile(self, &declaration)?,
            "AWS::Lambda::Permission" => identities::make_permission(self, &declaration)?,
            "AWS::Serverless::Function" => functions::make(self, &declaration)?,
            "AWS::Events::Rule" => rules::make_rule(self, &declaration)?,
            "AWS::Scheduler::Schedule" => rules::make_schedule(self, &declaration)?,
            "AWS::AutoScaling::AutoScalingGroup" => groups::make_group(self, &declaration)?,
            "AWS::AutoScaling::LifecycleHook" => groups::make_hook(self, &declaration)?,
            "AWS::SSM::Document" => documents::make(self, &declaration)?,
            "AWS::EC2::LaunchTemplate" => groups::make_launch_template(self, &declaration)?,
            _ => passive::make(self, &kind, &declaration).ok_or_else(|| {
                Error::new(
                    format!("Resources.{name}"),
                    format!("the simulated region does not know the type {kind}"),
                )
            })?,
        };
        let resources = &mut self.scope.resources;
        resources.insert(name.to_owned(), attributes.clone());
        let resource = Resource {
            kind,
            attributes,
            properties,
        };
        self.stack.resources.insert(name.to_owned(), resource);
        Ok(())
    }

    fn output(&mut self, name: &str, output: &Value) -> Result<(), Error> {
        let place = format!("Outputs.{name}");
        if let Some(condition) = output.get("Condition").and_then(Value::as_str)
            && !self.scope.condition(condition, &place)?
        {
            return Ok(());
        }
        let value = self
            .scope
            .resolve(&output["Value"], &format!("{place}.Value"))?
            .as_ref()
            .and_then(text_of)
            .ok_or_else(|| Error::new(&place, "has no text as its Value"))?;
        self.stack.outputs.insert(name.to_owned(), value);
        Ok(())
    }

    /// The name of a resource that the template does not name. AWS adds a random suffix.
    fn physical_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.stack.name)
    }

    /// Makes an API call as a client would.
    fn call(
        &mut self,
        service: Service,
        operation: &str,
        input: Value,
        place: &str,
    ) -> Result<Value, Error> {
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            caller: CALLER.to_owned(),
        };
        self.world
            .answer(&call)
            .map_err(|error| Error::new(place, format!("{operation}: {error}")))
    }
}

impl Declaration<'_> {
    /// The properties as a structure that lists all known ones.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        read(&self.properties, &self.place)
    }
}

fn read<T: DeserializeOwned>(value: &Value, place: &str) -> Result<T, Error> {
    input::read(value, "").map_err(|error| Error::new(place, error.message))
}

/// The same value with every scalar as text, which is how CloudFormation treats them.
fn texts(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), texts(value)))
            .collect(),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Null => Value::Null,
        scalar => text_of(scalar).map_or(Value::Null, Value::String),
    }
}

#[cfg(test)]
mod tests;
