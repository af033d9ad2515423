//! Policy documents, read strictly.
//!
//! Source: IAM User Guide, "Grammar of the IAM JSON policy language".

use super::condition::{self, Condition, Context};
use super::pattern::{matches, matches_arn};
use super::{Principal, actions};
use serde_json::Value;
use std::collections::BTreeSet;

/// What kind of policy a document is: it decides which elements a statement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a role, a user or a managed policy: resources, no principal.
    Identity,
    /// Of a resource: resources and principals.
    Resource,
    /// Of a role, who may assume it: principals, no resource.
    Trust,
}

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whose policy it is, as failures name it: a role's or queue policy's logical id.
    pub owner: String,
    /// Its statements.
    pub statements: Vec<Statement>,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// `Sid`, or the position in the document: `#2`.
    pub sid: String,
    /// `Effect`.
    pub effect: Effect,
    /// `Action`, patterns.
    pub actions: Vec<String>,
    /// `Resource`, patterns; empty in a trust policy.
    pub resources: Vec<String>,
    principals: Principals,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
enum Principals {
    /// Not named: whoever has the policy.
    Holder,
    Everybody,
    Named {
        arns: Vec<String>,
        services: Vec<String>,
    },
}

/// A request as statements see it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `sqs:SendMessage`.
    pub(super) action: String,
    /// An ARN, or `*` for an action that knows no resources.
    pub(super) resource: String,
    /// Its condition keys.
    pub(super) context: Context,
}

impl Policy {
    /// Reads a document (resolved, where it comes from a template).
    ///
    /// # Errors
    /// Says what is wrong, or not known to the region.
    pub fn parse(owner: &str, kind: Kind, document: &Value) -> Result<Self, String> {
        let object = document
            .as_object()
            .ok_or("a policy document is an object")?;
        let known = ["Version", "Id", "Statement"];
        if let Some(unknown) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("{unknown} is no element of a policy document"));
        }
        if object.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
            return Err("Version: 2012-10-17 is expected".to_owned());
        }
        let statements = match object.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            // An empty list in YAML: nothing is allowed.
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err("Statement: a list is expected".to_owned()),
        };
        let statements = statements
            .into_iter()
            .enumerate()
            .map(|(index, statement)| {
                Statement::parse(index, kind, statement)
                    .map_err(|problem| format!("Statement[{index}]: {problem}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut sids = BTreeSet::new();
        for statement in &statements {
            if !sids.insert(&statement.sid) {
                return Err(format!(
                    "Statement IDs (SID) in a single policy must be unique: {}",
                    statement.sid
                ));
            }
        }
        Ok(Self {
            owner: owner.to_owned(),
            statements,
        })
    }
}

impl Statement {
    fn parse(index: usize, kind: Kind, statement: &Value) -> Result<Self, String> {
        let object = statement.as_object().ok_or("an object is expected")?;
        for key in object.keys() {
            let fits = match key.as_str() {
                "Sid" | "Effect" | "Action" | "Condition" => true,
                "Resource" => kind != Kind::Trust,
                "Principal" => kind != Kind::Identity,
                _ => false,
            };
            if !fits {
                return Err(format!(
                    "{key} is not known to the simulated region in a policy of this kind"
                ));
            }
        }
        let list = |name: &str| -> Result<Vec<String>, String> {
            let value = object
                .get(name)
                .ok_or_else(|| format!("{name} is missing"))?;
            strings(value).map_err(|problem| format!("{name}: {problem}"))
        };
        let actions = list("Action")?;
        for action in &actions {
            actions::check(action)?;
        }
        let resources = if kind == Kind::Trust {
            Vec::new()
        } else {
            list("Resource")?
        };
        if resources.iter().any(|resource| resource.contains("${")) {
            return Err("Resource: policy variables are not known to the simulated region".into());
        }
        Ok(Self {
            sid: object
                .get("Sid")
                .and_then(Value::as_str)
                .map_or_else(|| format!("#{}", index + 1), str::to_owned),
            effect: match object.get("Effect").and_then(Value::as_str) {
                Some("Allow") => Effect::Allow,
                Some("Deny") => Effect::Deny,
                _ => return Err("Effect: Allow or Deny is expected".to_owned()),
            },
            principals: principals(kind, object.get("Principal"))?,
            conditions: match object.get("Condition") {
                None => Vec::new(),
                Some(block) => condition::parse(block, &actions)?,
            },
            actions,
            resources,
        })
    }

    /// The action and resource patterns by which the statement applies to a request; `None` when
    /// it does not.
    pub(super) fn applies(&self, principal: &Principal, request: &Request) -> Option<Grounds<'_>> {
        let action = self
            .actions
            .iter()
            .find(|pattern| is_action(pattern, &request.action))?;
        let resource = match self.resources.as_slice() {
            [] => "",
            resources => resources
                .iter()
                .find(|pattern| matches_arn(pattern, &request.resource))?,
        };
        let applies = self.names(principal)
            && self
                .conditions
                .iter()
                .all(|condition| condition.holds(&request.context));
        applies.then_some(Grounds { action, resource })
    }

    fn names(&self, principal: &Principal) -> bool {
        match &self.principals {
            Principals::Holder | Principals::Everybody => true,
            Principals::Named { arns, services } => match principal {
                Principal::Service { name, .. } => services.contains(name),
                Principal::Administrator => arns.contains(&principal.arn()),
                Principal::User { .. } | Principal::Session { .. } => {
                    arns.contains(&principal.arn()) || arns.contains(&principal.identity_arn())
                }
            },
        }
    }
}

/// Actions are compared without their case.
fn is_action(pattern: &str, action: &str) -> bool {
    if pattern.contains(['*', '?']) {
        matches(&pattern.to_lowercase(), &action.to_lowercase())
    } else {
        pattern.eq_ignore_ascii_case(action)
    }
}

/// The parts of a statement that applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grounds<'statement> {
    pub(super) action: &'statement str,
    pub(super) resource: &'statement str,
}

fn principals(kind: Kind, value: Option<&Value>) -> Result<Principals, String> {
    let value = match (kind, value) {
        (Kind::Identity, _) => return Ok(Principals::Holder),
        (_, None) => return Err("Principal is missing".to_owned()),
        (_, Some(value)) => value,
    };
    if value == "*" {
        return Ok(Principals::Everybody);
    }
    let object = value
        .as_object()
        .ok_or("Principal: \"*\" or an object is expected")?;
    let (mut arns, mut services) = (Vec::new(), Vec::new());
    for (key, value) in object {
        let list = strings(value).map_err(|problem| format!("Principal.{key}: {problem}"))?;
        match key.as_str() {
            "AWS" if list == ["*"] => return Ok(Principals::Everybody),
            "AWS" => arns.extend(list),
            "Service" => services.extend(list),
            _ => {
                return Err(format!(
                    "Principal.{key} is not known to the simulated region"
                ));
            }
        }
    }
    // An account as a principal hands the decision to its identities' policies.
    if let Some(account) = arns
        .iter()
        .find(|arn| !arn.starts_with("arn:") || arn.ends_with(":root") || arn.contains('*'))
    {
        return Err(format!(
            "Principal.AWS: {account} is not known to the simulated region, which wants the ARN \
             of a role or a user"
        ));
    }
    Ok(Principals::Named { arns, services })
}

/// A text, or a list of texts. CloudFormation writes booleans as texts.
pub(super) fn strings(value: &Value) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(on) => Ok(on.to_string()),
        _ => Err("a text or a list of texts is expected".to_owned()),
    };
    match value {
        Value::Array(items) if items.is_empty() => Err("the list is empty".to_owned()),
        Value::Array(items) => items.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}
