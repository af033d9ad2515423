//! Identity and Access Management: who calls, and whether policies allow it.
//!
//! Every API call is checked: an access key id belongs to a function's role, to a user, or, where
//! the region has never heard of it, to the account's administrator. What AWS services do by
//! themselves (event-source mappings, rules, schedules, agents, logs) is checked with the
//! identity that they use. Evaluation follows the IAM User Guide, "Policy evaluation logic", for
//! one account without boundaries, session policies and organisations: an explicit deny wins,
//! else one allow suffices, in the identity's policies or in the resource's.
//!
//! Own code, because the one crate that evaluates (`awsim-iam-policy`) never matches a service
//! principal, which queue policies are about, and passes over keys that it does not know.

mod actions;
mod condition;
mod document;
mod launch;
mod pattern;
mod refusal;
mod request;

pub use actions::knows_resources;
pub use document::{Effect, Kind, Policy, Statement};
pub(crate) use request::instance_arn;

use crate::api::{Call, CallError, Service};
use crate::journal::Happening;
use crate::settings::Settings;
use crate::world::World;
use document::Request;
use refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet};

/// All identities and policies.
#[derive(Debug, Default)]
pub struct Iam {
    /// By ARN.
    pub roles: BTreeMap<String, Role>,
    /// Policies of queues and functions, by the resource's ARN.
    pub resource_policies: BTreeMap<String, Vec<Policy>>,
    /// The ARNs of the roles that instance profiles give, by the profile's name.
    pub instance_profiles: BTreeMap<String, String>,
    /// Managed policies, by ARN.
    pub managed_policies: BTreeMap<String, Policy>,
    /// ARNs of the managed policies of users, by the user's ARN.
    users: BTreeMap<String, Vec<String>>,
    /// By access key id.
    keys: BTreeMap<String, Principal>,
    /// What allowed something.
    uses: BTreeSet<Use>,
    /// What was not allowed.
    refused: BTreeSet<Refused>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Name.
    pub name: String,
    /// Who may assume it.
    pub trust: Policy,
    /// What it may do.
    pub policies: Vec<Policy>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// May do everything that no resource's policy denies.
    Administrator,
    /// A user with policies.
    User {
        /// ARN.
        arn: String,
    },
    /// Somebody in a role.
    Session {
        /// The role's ARN.
        role: String,
        /// Name of the session: a function's name, an instance's id.
        name: String,
        /// ARN of the session.
        arn: String,
    },
    /// An AWS service by itself.
    Service {
        /// `events.amazonaws.com`.
        name: String,
        /// On whose behalf: `aws:SourceArn`.
        source: Option<String>,
    },
}

/// A part of a statement that allowed something: whatever was never used is not needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The policy's owner: a role's or queue policy's logical id.
    pub owner: String,
    /// The statement's `Sid`.
    pub sid: String,
    /// As the statement writes it.
    pub action: String,
    /// As the statement writes it; empty in a trust policy.
    pub resource: String,
}

/// Something that was not allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Who asked, as errors name it.
    pub principal: String,
    /// `sqs:SendMessage`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
}

impl Principal {
    /// The session of a role, as a service or a function uses it.
    pub fn session(settings: &Settings, role: &str, name: &str) -> Self {
        let role_name = role.rsplit('/').next().unwrap_or(role);
        let session = format!("assumed-role/{role_name}/{name}");
        Self::Session {
            role: role.to_owned(),
            name: name.to_owned(),
            arn: settings.global_arn("sts", &session),
        }
    }

    /// A service by itself.
    pub fn service(name: &str, source: Option<&str>) -> Self {
        Self::Service {
            name: name.to_owned(),
            source: source.map(str::to_owned),
        }
    }

    /// As errors name it.
    fn arn(&self) -> String {
        match self {
            Self::Administrator => "administrator".to_owned(),
            Self::User { arn } | Self::Session { arn, .. } => arn.clone(),
            Self::Service { name, .. } => name.clone(),
        }
    }

    /// `aws:PrincipalArn`: a session's is its role's.
    pub fn identity_arn(&self) -> String {
        match self {
            Self::Session { role, .. } => role.clone(),
            other => other.arn(),
        }
    }
}

impl Iam {
    /// Gives an access key id to a principal.
    pub fn add_key(&mut self, key: &str, principal: Principal) {
        self.keys.insert(key.to_owned(), principal);
    }

    /// Adds a user with managed policies (their ARNs). Its access key id is its name.
    pub fn add_user(&mut self, settings: &Settings, name: &str, policies: Vec<String>) {
        let arn = settings.global_arn("iam", &format!("user/{name}"));
        self.users.insert(arn.clone(), policies);
        self.add_key(name, Principal::User { arn });
    }

    /// Whose access key id it is.
    pub fn principal(&self, key: &str) -> Principal {
        let known = self.keys.get(key).cloned();
        known.unwrap_or(Principal::Administrator)
    }

    /// The role of this name.
    pub fn role_named(&self, name: &str) -> Option<(&String, &Role)> {
        self.roles.iter().find(|(_, role)| role.name == name)
    }

    /// What allowed something so far.
    pub fn uses(&self) -> &BTreeSet<Use> {
        &self.uses
    }

    /// What was not allowed so far.
    pub fn refused(&self) -> &BTreeSet<Refused> {
        &self.refused
    }

    /// Every part of every `Allow` statement there is: what [`Iam::uses`] may become.
    pub fn allowed(&self) -> BTreeSet<Use> {
        let of_roles = self
            .roles
            .values()
            .flat_map(|role| role.policies.iter().chain([&role.trust]));
        let policies = of_roles
            .chain(self.resource_policies.values().flatten())
            .chain(self.managed_policies.values());
        let mut allowed = BTreeSet::new();
        for policy in policies {
            for statement in &policy.statements {
                if statement.effect == Effect::Allow {
                    allowed.extend(uses_of(policy, statement));
                }
            }
        }
        allowed
    }

    fn identity_policies(&self, principal: &Principal) -> Vec<&Policy> {
        match principal {
            Principal::Administrator | Principal::Service { .. } => Vec::new(),
            Principal::User { arn } => {
                let attached = self.users.get(arn).into_iter().flatten();
                attached
                    .filter_map(|policy| self.managed_policies.get(policy))
                    .collect()
            }
            Principal::Session { role, .. } => {
                let role = self.roles.get(role).into_iter();
                role.flat_map(|role| &role.policies).collect()
            }
        }
    }

    /// Which statements allow the request; `Err` says why it is not allowed.
    fn decide(&self, principal: &Principal, request: &Request) -> Result<Vec<Use>, Refusal> {
        let identity = self.identity_policies(principal);
        let resource = self.resource_policies.get(&request.resource);
        let resource = resource.into_iter().flatten().collect();
        let mut allowing = Vec::new();
        for (policies, refusal) in [
            (identity, Refusal::DeniedByIdentity),
            (resource, Refusal::DeniedByResource),
        ] {
            for policy in policies {
                for statement in &policy.statements {
                    let Some(grounds) = statement.applies(principal, request) else {
                        continue;
                    };
                    if statement.effect == Effect::Deny {
                        return Err(refusal);
                    }
                    allowing.push(Use {
                        owner: policy.owner.clone(),
                        sid: statement.sid.clone(),
                        action: grounds.action.to_owned(),
                        resource: grounds.resource.to_owned(),
                    });
                }
            }
        }
        if allowing.is_empty() && *principal != Principal::Administrator {
            return Err(match principal {
                Principal::Service { .. } => Refusal::NotAllowedByResource,
                _ => Refusal::NotAllowedByIdentity,
            });
        }
        Ok(allowing)
    }

    fn check(&mut self, principal: &Principal, request: &Request) -> Result<(), Refusal> {
        let uses = self.decide(principal, request)?;
        self.uses.extend(uses);
        Ok(())
    }
}

fn uses_of(policy: &Policy, statement: &Statement) -> Vec<Use> {
    let nothing = [String::new()];
    let resources = match statement.resources.as_slice() {
        [] => &nothing[..],
        resources => resources,
    };
    let mut uses = Vec::new();
    for action in &statement.actions {
        for resource in resources {
            uses.push(Use {
                owner: policy.owner.clone(),
                sid: statement.sid.clone(),
                action: action.clone(),
                resource: resource.clone(),
            });
        }
    }
    uses
}

/// Checks an API call, in the name of whoever signed it.
pub(crate) fn authorize(world: &mut World, call: &Call) -> Result<(), CallError> {
    // "No permissions are required to perform this operation" (STS API Reference, GetCallerIdentity).
    if call.service == Service::Sts {
        return Ok(());
    }
    let principal = world.iam.principal(&call.caller);
    for request in request::of_call(world, &principal, call)? {
        check(world, &principal, &request).map_err(|message| {
            launch::error(call, &request).unwrap_or_else(|| refusal::error(call.service, message))
        })?;
    }
    Ok(())
}

/// Checks what an AWS service does by itself, or in a role; `Err` is what AWS would say.
pub fn allow(
    world: &mut World,
    principal: &Principal,
    action: &str,
    resource: &str,
) -> Result<(), String> {
    let request = request::of_service(world, principal, action, resource);
    check(world, principal, &request)
}

/// Whether that would be allowed: neither a use nor a refusal.
pub fn would_allow(world: &World, principal: &Principal, action: &str, resource: &str) -> bool {
    let request = request::of_service(world, principal, action, resource);
    world.iam.decide(principal, &request).is_ok()
}

/// The policy of a queue was set, as its attribute.
pub(crate) fn queue_policy_set(
    world: &mut World,
    arn: &str,
    document: &str,
) -> Result<(), CallError> {
    if document.is_empty() {
        world.iam.resource_policies.remove(arn);
        return Ok(());
    }
    let invalid = |problem: String| {
        CallError::sender(
            "InvalidAttributeValue",
            format!("Invalid value for the parameter Policy. Reason: {problem}"),
        )
    };
    let document = serde_json::from_str(document).map_err(|error| invalid(error.to_string()))?;
    let policy = Policy::parse(arn, Kind::Resource, &document).map_err(invalid)?;
    world
        .iam
        .resource_policies
        .insert(arn.to_owned(), vec![policy]);
    Ok(())
}

/// Whether a role may be assumed by a service, on behalf of `source`.
pub fn assumable(world: &mut World, role: &str, service: &str, source: Option<&str>) -> bool {
    let Some(trust) = world.iam.roles.get(role).map(|role| role.trust.clone()) else {
        return false;
    };
    let principal = Principal::service(service, source);
    let request = request::of_service(world, &principal, "sts:AssumeRole", "");
    let mut assumed = false;
    for statement in &trust.statements {
        if statement.applies(&principal, &request).is_none() {
            continue;
        }
        if statement.effect == Effect::Deny {
            return false;
        }
        world.iam.uses.extend(uses_of(&trust, statement));
        assumed = true;
    }
    assumed
}

fn check(world: &mut World, principal: &Principal, request: &Request) -> Result<(), String> {
    world.iam.check(principal, request).map_err(|refusal| {
        let message = refusal.message(principal, request);
        let refused = Refused {
            principal: principal.arn(),
            action: request.action.clone(),
            resource: request.resource.clone(),
        };
        world.iam.refused.insert(refused.clone());
        world.record(Happening::Denied {
            refused,
            message: message.clone(),
        });
        message
    })
}

#[cfg(test)]
mod tests;
