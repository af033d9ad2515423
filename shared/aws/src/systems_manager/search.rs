//! Searches through the command history of the whole account and region: for a claim whose instance is not known.

use super::{MAX_COMMANDS_PER_PAGE, SystemsManager, read_command};
use crate::error;
use aws_sdk_ssm::operation::list_commands::builders::ListCommandsFluentBuilder;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey};
use ready_pool_core::Timestamp;
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::{Command, claim_key_of, comment};
use ready_pool_core::ids::{ClaimId, ClaimKey, InstanceId};
use std::ops::Range;
use time::format_description::well_known::Rfc3339;

/// Pages of the history that are looked through: 1,000 commands, whosever they are.
const MAX_PAGES: usize = 20;

/// A claim's init command, and where it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The instance.
    pub instance: InstanceId,
    /// The command.
    pub command: Command,
}

impl SystemsManager {
    /// The init commands of claims of this id among the newest 1,000 commands, the newest first.
    pub async fn commands_of(&self, claim_id: &ClaimId) -> Result<Vec<Found>, CallError> {
        let is_its = |comment: &str| {
            let key = claim_key_of(comment);
            key.is_some_and(|(id, _)| id == claim_id.as_str())
        };
        search(self.client.list_commands(), is_its).await
    }

    /// The init commands of this claim among the newest 1,000 that were sent with the adapter's document in this time,
    /// the newest first.
    pub async fn init_commands_of(
        &self,
        claim: &ClaimKey,
        sent: Range<Timestamp>,
    ) -> Result<Vec<Found>, CallError> {
        let filters = [
            (CommandFilterKey::DocumentName, self.document.clone()),
            (CommandFilterKey::InvokedAfter, moment(sent.start)),
            (CommandFilterKey::InvokedBefore, moment(sent.end)),
        ];
        let mut request = self.client.list_commands();
        for (key, value) in filters {
            let filter = CommandFilter::builder().key(key).value(value).build();
            let filter =
                filter.map_err(|_| CallError::incomplete("ListCommands", "valid filter"))?;
            request = request.filters(filter);
        }
        let comment = comment(claim);
        search(request, |other| other == comment).await
    }
}

/// A moment to the second, as the API reference writes it.
fn moment(time: Timestamp) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

async fn search(
    request: ListCommandsFluentBuilder,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Found>, CallError> {
    let mut pages = request
        .max_results(MAX_COMMANDS_PER_PAGE)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.next().await else {
            break;
        };
        let page = page.map_err(|error| error::from_sdk("ListCommands", &error))?;
        for command in page.commands() {
            let instance = command.instance_ids().first();
            let instance = instance.map(|id| InstanceId::try_from(id.as_str()));
            if let Some(Ok(instance)) = instance
                && is_wanted(command.comment().unwrap_or_default())
            {
                let command = read_command(command);
                found.push(Found { instance, command });
            }
        }
    }
    Ok(found)
}
