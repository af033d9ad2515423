//! Group snapshots whose tags somebody else wrote, and what the functions decide on them.

use crate::readers::{self, NOW, check_entry};
use claim_instance::decide::{Decision, Memory, Request, View, decide};
use ready_pool_core::claim::{Claim, Init};
use ready_pool_core::command::{
    Command, CommandStatus, Histories, InitCommand, Record, claim_key_of, init_command,
};
use ready_pool_core::group::{Group, Lifecycle, Member, OPT_IN_TAG, Placement};
use ready_pool_core::ids::{ClaimId, GroupName, InstanceId};
use ready_pool_core::ledger;
use replenish_pool::notes;
use std::collections::{BTreeMap, BTreeSet};
use time::Duration;

/// Claims that are decided on: the corpus has entries of the first two.
const CLAIMS: [&str; 3] = ["signup-1", "signup-2", "signup-3"];
const TARGET: &str = "asg-1";
const POOL: &str = "ready-pool-pool";
const RETIREMENT: &str = "ready-pool-retirement";
/// The pool's members.
const READY: [&str; 2] = ["i-00000001", "i-00000002"];

/// Tags of a group, comments of commands and AWS's words for states, a line each
/// (`key=value`, `key` for an empty value): read, then decided on.
pub fn group_tags(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let lines: Vec<(&str, &str)> = text
        .lines()
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .collect();
    let mut tags: BTreeMap<String, String> = lines
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let history: Vec<Command> = lines
        .iter()
        .map(|(key, value)| Command {
            id: (*key).into(),
            comment: (*value).to_owned(),
            status: CommandStatus::from_aws(key, value),
            record: Record::default(),
        })
        .collect();
    let untouched = group(TARGET, &[], tags.clone());
    check_readers(&untouched, &history);
    check_plan(&untouched, &history);
    tags.insert(OPT_IN_TAG.to_owned(), POOL.to_owned());
    check_decisions(&group(TARGET, &[], tags), &history);
}

fn check_readers(group: &Group, history: &[Command]) {
    for (claim_id, entry) in group.entries() {
        assert_eq!(group.entry(&claim_id).as_ref(), Some(&entry));
        assert!(group.tags.contains_key(&ledger::tag_key(&claim_id)));
        check_entry(&entry);
    }
    for (instance, note) in notes::of(group) {
        let key = notes::tag_key(&instance);
        assert!(group.tags.contains_key(&key));
        assert_eq!(note.to_string().parse(), Ok(note));
    }
    let pool = name(POOL);
    assert_eq!(
        group.is_opted_in_to(&pool),
        group.tags.get(OPT_IN_TAG).map(String::as_str) == Some(POOL)
    );
    for command in history {
        let _ = Lifecycle::from_aws(&command.comment);
        if let Some((claim_id, hash)) = claim_key_of(&command.comment) {
            assert!(command.comment.ends_with(&format!("{claim_id}@{hash}")));
        }
    }
}

/// Whatever the tags say, no instance is given to two claims, and none that was sent a command is given at
/// all.
fn check_decisions(target: &Group, history: &[Command]) {
    let pool = group(POOL, &READY, BTreeMap::new());
    let retirement = name(RETIREMENT);
    let named: BTreeSet<InstanceId> = target
        .entries()
        .filter_map(|(_, entry)| entry.instance)
        .collect();
    let ready: BTreeSet<InstanceId> = READY.iter().map(|id| instance(id)).collect();
    let online = ready.iter().cloned().collect();
    let places = ready
        .iter()
        .map(|id| {
            let place = Placement {
                group: name(POOL),
                lifecycle: Lifecycle::InService,
            };
            (id.clone(), place)
        })
        .collect();
    let histories: Histories = named
        .iter()
        .map(|id| (id.clone(), history.to_vec()))
        .collect();
    let requests: Vec<Request> = CLAIMS
        .iter()
        .flat_map(|claim_id| {
            [None, Some(2)].map(|asked| Request {
                asked,
                ..Request::of(claim(claim_id))
            })
        })
        .collect();
    let targets = BTreeMap::from([(target.name.clone(), target.clone())]);
    let memory = Memory::default();
    for hours in [0, 3, 24 * 365 * 100] {
        let view = View {
            now: NOW + Duration::hours(hours),
            pool: &pool,
            size: 2,
            retirement: &retirement,
            targets: &targets,
            creation: None,
            online: &online,
            places: &places,
            histories: &histories,
            queued: 0,
            memory: &memory,
        };
        let decisions = decide(&view, &requests);
        assert_eq!(decisions.len(), requests.len());
        let mut given = BTreeSet::new();
        for (request, decision) in requests.iter().zip(&decisions) {
            let key = request.claim.key();
            match decision {
                Decision::Assign { instance, .. } | Decision::HandOver { instance, .. } => {
                    assert!(given.insert(instance), "given twice: {decisions:?}");
                    let sent = histories
                        .get(instance)
                        .map(|history| init_command(history, &key));
                    assert!(
                        matches!(sent, None | Some(InitCommand::NotSent)),
                        "{decisions:?}"
                    );
                }
                Decision::Reject { message, .. } | Decision::Close { message, .. } => {
                    assert!(!message.is_empty());
                }
                _ => {}
            }
        }
    }
}

/// replenish-pool's plan, with the tags on a target and on its own retirement group: whatever they
/// say, nothing that was sent a command is taken out, and nothing is done twice.
fn check_plan(tagged: &Group, history: &[Command]) {
    let mut retirement = tagged.clone();
    retirement.name = name(RETIREMENT);
    let looked_at: BTreeSet<InstanceId> = notes::of(&retirement).into_keys().collect();
    let histories: Histories = looked_at
        .iter()
        .map(|id| (id.clone(), history.to_vec()))
        .collect();
    let sent = history
        .iter()
        .any(|command| claim_key_of(&command.comment).is_some());
    for hours in [0, 3, 24 * 365 * 100] {
        let plan = replenish_pool::decide::decide(&replenish_pool::decide::View {
            now: NOW + Duration::hours(hours),
            pool: group(POOL, &READY, BTreeMap::new()),
            size: 2,
            agents: Some(BTreeMap::new()),
            knows_all_agents: true,
            activities: Some(Vec::new()),
            launched: BTreeMap::new(),
            backlog: Some(0),
            boot_limit: std::time::Duration::from_mins(10),
            max_age: std::time::Duration::from_hours(24),
            growth: replenish_pool::decide::Growth::default(),
            scan: Some(replenish_pool::decide::FullScan {
                targets: Some(replenish_pool::decide::Targets {
                    groups: vec![tagged.clone()],
                    ..replenish_pool::decide::Targets::default()
                }),
                retirement: Some(retirement.clone()),
                looked_at: looked_at.clone(),
                places: BTreeMap::new(),
                listed: looked_at.clone(),
                histories: histories.clone(),
            }),
        });
        assert!(plan.attach_to_retirement.is_empty() || !sent, "{plan:?}");
        let removed: BTreeSet<_> = plan.remove_tags.iter().collect();
        assert_eq!(removed.len(), plan.remove_tags.len(), "{plan:?}");
        for look in &plan.look_again {
            assert!(
                tagged
                    .entry(&look.claim_id)
                    .is_some_and(|entry| entry.is_open())
            );
            readers::check_look_again(look);
        }
        for (_, note) in &plan.note {
            assert_eq!(note.to_string().parse(), Ok(*note));
        }
    }
}

fn claim(claim_id: &str) -> Claim {
    Claim::new(
        ClaimId::try_from(claim_id).expect("a claim id"),
        name(TARGET),
        Init::new(["true"]),
        NOW + Duration::hours(1),
    )
}

fn group(group: &str, members: &[&str], tags: BTreeMap<String, String>) -> Group {
    Group {
        name: name(group),
        min_size: 0,
        max_size: 10,
        desired_capacity: i32::try_from(members.len()).expect("few members"),
        zones: BTreeSet::from(["eu-west-1a".to_owned()]),
        subnets: BTreeSet::new(),
        suspended: BTreeMap::new(),
        deleting: false,
        has_warm_pool: false,
        tags,
        launch_template: None,
        members: members
            .iter()
            .map(|id| Member {
                instance: instance(id),
                zone: "eu-west-1a".to_owned(),
                lifecycle: Lifecycle::InService,
                healthy: true,
                protected: false,
                instance_type: None,
                launch_template: None,
            })
            .collect(),
    }
}

fn name(text: &str) -> GroupName {
    GroupName::try_from(text).expect("a group name")
}

fn instance(text: &str) -> InstanceId {
    InstanceId::try_from(text).expect("an instance id")
}
