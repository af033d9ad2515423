//! What AWS says when something is not allowed.
//!
//! Texts: IAM User Guide, "Troubleshoot access denied error messages". Auto Scaling leaves the
//! resource out where an action knows none (nomad-autoscaler#952) and answers 403; Systems
//! Manager says `AccessDeniedException` with 400 (amazon-ssm-agent#543); SQS writes its actions in
//! lower case (serverless-application-model#3633), `AccessDenied` and 403.

use super::Principal;
use super::document::Request;
use crate::api::{CallError, Service};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    DeniedByIdentity,
    DeniedByResource,
    NotAllowedByIdentity,
    NotAllowedByResource,
}

impl Refusal {
    pub(super) fn message(self, principal: &Principal, request: &Request) -> String {
        let action = match request.action.strip_prefix("sqs:") {
            Some(_) => request.action.to_lowercase(),
            None => request.action.clone(),
        };
        let on = match request.resource.as_str() {
            "*" => String::new(),
            resource => format!(" on resource: {resource}"),
        };
        let why = match self {
            Self::DeniedByIdentity => {
                "with an explicit deny in an identity-based policy".to_owned()
            }
            Self::DeniedByResource => "with an explicit deny in a resource-based policy".to_owned(),
            Self::NotAllowedByIdentity => {
                format!("because no identity-based policy allows the {action} action")
            }
            Self::NotAllowedByResource => {
                format!("because no resource-based policy allows the {action} action")
            }
        };
        let user = principal.arn();
        format!("User: {user} is not authorized to perform: {action}{on} {why}")
    }
}

/// The error of a service.
pub(super) fn error(service: Service, message: String) -> CallError {
    let (status, code) = match service {
        Service::AutoScaling | Service::Sts => (403, "AccessDenied"),
        Service::Ssm => (400, "AccessDeniedException"),
        // Its former, query-protocol code is `AccessDenied`, which clients show.
        Service::Sqs => (403, "AccessDeniedException"),
    };
    CallError {
        status,
        code: code.to_owned(),
        message,
    }
}
