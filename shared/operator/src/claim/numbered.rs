//! Claims that were sent at once (`send --instances`): their ids are one, with numbers behind it.

use super::facts::Facts;
use crate::failure::Failure;
use crate::rejected::Rejected;
use crate::screen::{Screen, Tone};
use crate::words;
use ready_pool_core::group::Group;
use ready_pool_core::ids::{ClaimId, GroupName};
use ready_pool_core::ledger::{self, Entry, Standing};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One of several claims that were sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// Its id.
    pub(super) claim_id: String,
    /// Its target.
    pub(super) target: Option<GroupName>,
    /// How far it is.
    pub(super) trace: Trace,
}

/// What a claim has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    /// An entry.
    Entry {
        /// The tag's value.
        written: String,
        /// What that says.
        entry: Box<Entry>,
    },
    /// A message on the rejected queue, with this reason.
    Rejected(String),
}

/// All claims whose ids are this one with a number behind it, in the order of the numbers: by the targets' entries, and
/// those that were rejected.
pub(super) fn of(id: &ClaimId, targets: &[Group], rejected: Vec<Rejected>) -> Vec<Numbered> {
    let number = |other: &str| -> Option<u16> {
        let number = other.strip_prefix(id.as_str())?.strip_prefix('-')?;
        number
            .parse()
            .ok()
            .filter(|_| !number.starts_with(['0', '+']))
    };
    let mut all = BTreeMap::new();
    for rejected in rejected {
        if let Some(number) = number(&rejected.claim_id) {
            let target = rejected.target_group.as_deref();
            let target = target.and_then(|name| GroupName::try_from(name).ok());
            all.insert(
                (number, target.clone()),
                Numbered {
                    claim_id: rejected.claim_id,
                    target,
                    trace: Trace::Rejected(rejected.reason),
                },
            );
        }
    }
    // A claim with an entry was tried, whatever was rejected before.
    for target in targets {
        for (claim_id, entry) in target.entries() {
            if let Some(number) = number(claim_id.as_str()) {
                let written = target.tags.get(&ledger::tag_key(&claim_id));
                all.insert(
                    (number, Some(target.name.clone())),
                    Numbered {
                        claim_id: claim_id.to_string(),
                        target: Some(target.name.clone()),
                        trace: Trace::Entry {
                            written: written.cloned().unwrap_or_default(),
                            entry: Box::new(entry),
                        },
                    },
                );
            }
        }
    }
    all.into_values().collect()
}

impl Numbered {
    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let (entry, instance, reason) = match &self.trace {
            Trace::Entry { written, entry } => (Some(written), entry.instance.as_ref(), None),
            Trace::Rejected(reason) => (None, None, Some(reason)),
        };
        json!({
            "claim_id": self.claim_id,
            "target_group": self.target,
            "stage": self.stage().0,
            "entry": entry,
            "instance_id": instance,
            "rejected": reason,
        })
    }

    fn stage(&self) -> (&'static str, Tone) {
        match &self.trace {
            Trace::Rejected(_) => ("rejected", Tone::Bad),
            Trace::Entry { entry, .. } => match entry.standing {
                Standing::Ready => ("ready", Tone::Good),
                Standing::Failed(_) => ("failed", Tone::Bad),
                Standing::Assigned => ("open", Tone::Plain),
            },
        }
    }

    fn words(&self) -> String {
        let target = self.target.as_ref().map_or("no target", GroupName::as_str);
        let (id, (stage, _)) = (&self.claim_id, self.stage());
        let rest = match &self.trace {
            Trace::Rejected(reason) => format!(" ({reason})"),
            Trace::Entry { entry, .. } => {
                let reason = match entry.standing {
                    Standing::Failed(reason) => format!(" ({})", reason.code()),
                    _ => String::new(),
                };
                let instance = entry.instance.as_ref();
                let instance = instance.map(|instance| format!(", {instance}"));
                format!("{reason}{}", instance.unwrap_or_default())
            }
        };
        format!("{id} for {target}: {stage}{rest}")
    }
}

/// Prints a line for each.
pub(super) fn print(facts: &Facts, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let all = &facts.numbered;
    let count = words::count(all.len(), "claim", "claims");
    screen.heading(&format!(
        "{}: {count} with this id and a number (send --instances)",
        facts.claim_id
    ))?;
    for (index, claim) in all.iter().enumerate() {
        let label = if index == 0 { "claims" } else { "" };
        screen.field(label, &claim.words(), claim.stage().1)?;
    }
    let first = all.first().map_or("", |first| first.claim_id.as_str());
    let next = format!(
        "`ready-pool claim {first}` shows what happened to the first, and so on. Those that wait in line have left no trace yet"
    );
    screen.field("next", &next, Tone::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::tests::group;

    #[test]
    fn claims_that_were_sent_at_once_are_found_by_entries_and_rejections() {
        let id = ClaimId::try_from("many").unwrap();
        let mut target = group("tenant", &[]);
        for (claim, entry) in [
            ("many-10", "v1 i-00000010 1 ready"),
            ("many-2", "v1 i-00000002 1 assigned"),
            ("many-1", "v1 i-00000001 1 failed"),
            ("many-a", "v1 i-00000003 1 ready"),
            ("many", "v1 i-00000004 1 ready"),
        ] {
            let entry = format!("{entry} 2026-11-29T13:15:00Z script_failed");
            target
                .tags
                .insert(format!("ready-pool:claim/{claim}"), entry);
        }
        let rejected = |claim: &str| Rejected {
            claim_id: claim.to_owned(),
            target_group: Some("tenant".to_owned()),
            reason: "target_full".to_owned(),
            message: String::new(),
            at: None,
        };
        let found = of(&id, &[target], vec![rejected("many-3"), rejected("many-1")]);
        let said: Vec<String> = found.iter().map(Numbered::words).collect();
        assert_eq!(
            said,
            [
                "many-1 for tenant: failed (script_failed), i-00000001",
                "many-2 for tenant: open, i-00000002",
                "many-3 for tenant: rejected (target_full)",
                "many-10 for tenant: ready, i-00000010",
            ]
        );
    }
}
