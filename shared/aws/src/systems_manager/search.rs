//! A search through the command history of the whole account and region: for an operator who knows a claim's id
//! and no instance.

use super::{MAX_COMMANDS_PER_PAGE, SystemsManager, read_command};
use crate::error;
use ready_pool_core::call_error::CallError;
use ready_pool_core::command::{Command, claim_key_of};
use ready_pool_core::ids::{ClaimId, InstanceId};

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
        let request = self.client.list_commands();
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
                let key = claim_key_of(command.comment().unwrap_or_default());
                let instance = command.instance_ids().first();
                let instance = instance.map(|id| InstanceId::try_from(id.as_str()));
                if let (Some((id, _)), Some(Ok(instance))) = (key, instance)
                    && id == claim_id.as_str()
                {
                    let command = read_command(command);
                    found.push(Found { instance, command });
                }
            }
        }
        Ok(found)
    }
}
