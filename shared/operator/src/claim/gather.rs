//! Everything that AWS knows of a claim. Nothing is changed, and no message is received that a function waits for.

use super::facts::{ClaimFacts, CommandFacts, Facts, InstanceFacts, PoolFacts};
use super::numbered;
use crate::cli::MOST_AT_ONCE;
use crate::failure::Failure;
use crate::pool::{Census, State};
use crate::rejected::{self, Found};
use crate::screen::Screen;
use crate::session::{OrFailure, Session};
use crate::stack::{QueueKind, Stack};
use crate::status::{self, Counts};
use ready_pool_aws::systems_manager::Found as FoundCommand;
use ready_pool_core::command::{self, claim_key_of};
use ready_pool_core::group::{Group, OPT_IN_TAG};
use ready_pool_core::ids::{ClaimId, ClaimKey, GroupName, InstanceId};
use ready_pool_core::ledger;
use std::collections::BTreeMap;

/// All that is known of the claims of this id.
pub(super) async fn facts(
    session: &Session,
    stack: &Stack,
    claim_id: &ClaimId,
    screen: &mut Screen<'_>,
) -> Result<Facts, Failure> {
    let pool = pool(session, stack).await?;
    let groups = session.auto_scaling.groups_with_entry(claim_id).await;
    let mut groups = groups.or_failure(session)?;
    // Another pool's claims may have the same ids.
    groups.retain(|group| {
        let opted_in = group.tags.get(OPT_IN_TAG);
        opted_in.is_none_or(|to| to == stack.pool.as_str())
    });
    let mut claims = Vec::new();
    for group in &groups {
        claims.push(of_target(session, group, claim_id).await?);
    }
    let mut rejected = Found::default();
    if claims.is_empty() {
        claims = without_entry(session, stack, claim_id).await?;
        let numbers = (1..=MOST_AT_ONCE).map(|number| format!("{claim_id}-{number}"));
        let ids = numbers.chain([claim_id.to_string()]).collect();
        match rejected::find(session, stack, &ids, screen).await {
            Ok(found) => rejected = found,
            // The rest of the story needs no right to read that queue.
            Err(error) if error.says_denied() => {}
            Err(error) => return Err(session.failed(error)),
        }
    }
    let (rejected_itself, rejected_with_number) = (rejected.claims.into_iter())
        .partition::<Vec<_>, _>(|rejected| rejected.claim_id == claim_id.as_str());
    let mut numbered = Vec::new();
    if claims.is_empty() && rejected_itself.is_empty() {
        let targets = session.auto_scaling.targets_of(&stack.pool).await;
        let targets = targets.or_failure(session)?.groups;
        numbered = numbered::of(claim_id, &targets, rejected_with_number);
    }
    Ok(Facts {
        claim_id: claim_id.clone(),
        now: session.now(),
        place: session.place.clone(),
        pool,
        claims,
        rejected: rejected_itself,
        hidden: rejected.hidden,
        numbered,
    })
}

async fn pool(session: &Session, stack: &Stack) -> Result<PoolFacts, Failure> {
    let (pool, _) = stack.groups(session).await?;
    let agents = status::agents(session, &pool).await?;
    let census = Census::of(&pool, &agents);
    let queue = status::attributes(session, stack, QueueKind::Provision).await?;
    Ok(PoolFacts {
        retirement: stack.retirement.clone(),
        ready: census.count(State::Ready),
        booting: census.count(State::Booting),
        desired: pool.desired_capacity,
        paused: pool.pause().into(),
        waiting: Counts::of(&queue.unwrap_or_default()).all(),
        group: pool.name,
    })
}

/// A claim that has a tag on this group.
async fn of_target(
    session: &Session,
    group: &Group,
    claim_id: &ClaimId,
) -> Result<ClaimFacts, Failure> {
    let key = ClaimKey::new(claim_id, &group.name);
    let entry = group.entry(claim_id);
    let id = entry.as_ref().and_then(|entry| entry.instance.clone());
    let mut claim = ClaimFacts {
        target: Some(group.name.clone()),
        written: group.tags.get(&ledger::tag_key(claim_id)).cloned(),
        ..ClaimFacts::default()
    };
    if let Some(id) = &id {
        let history = session.systems_manager.history(id).await;
        for command in history.or_failure(session)? {
            if command.comment == command::comment(&key) {
                let instance = id.clone();
                claim.commands.push(CommandFacts {
                    instance,
                    command,
                    run: None,
                });
            }
        }
    }
    // Instances that were given up are named by their commands alone.
    if entry.as_ref().is_some_and(|entry| entry.attempt > 1) {
        let found = session.systems_manager.commands_of(claim_id).await;
        for FoundCommand { instance, command } in found.or_failure(session)? {
            let is_new = !claim
                .commands
                .iter()
                .any(|known| known.command.id == command.id);
            if is_new && command.comment == command::comment(&key) {
                claim.commands.push(CommandFacts {
                    instance,
                    command,
                    run: None,
                });
            }
        }
    }
    claim.entry = entry;
    complete(session, &mut claim, id, Some(&group.name)).await?;
    Ok(claim)
}

/// Claims that have no entry, by their commands.
async fn without_entry(
    session: &Session,
    stack: &Stack,
    claim_id: &ClaimId,
) -> Result<Vec<ClaimFacts>, Failure> {
    let found = session.systems_manager.commands_of(claim_id).await;
    let found = found.or_failure(session)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let targets = session.auto_scaling.targets_of(&stack.pool).await;
    let targets = targets.or_failure(session)?.groups;
    let mut by_hash: BTreeMap<String, Vec<FoundCommand>> = BTreeMap::new();
    for found in found {
        let hash = claim_key_of(&found.command.comment).map(|(_, hash)| hash.to_owned());
        by_hash
            .entry(hash.unwrap_or_default())
            .or_default()
            .push(found);
    }
    let mut claims = Vec::new();
    for found in by_hash.into_values() {
        let comment = found.first().map(|found| found.command.comment.clone());
        let is_its = |target: &&Group| {
            comment.as_deref() == Some(&command::comment(&ClaimKey::new(claim_id, &target.name)))
        };
        let target = targets.iter().find(is_its).map(|group| group.name.clone());
        let instance = found.first().map(|found| found.instance.clone());
        let mut claim = ClaimFacts {
            target: target.clone(),
            commands: found
                .into_iter()
                .map(|FoundCommand { instance, command }| CommandFacts {
                    instance,
                    command,
                    run: None,
                })
                .collect(),
            ..ClaimFacts::default()
        };
        complete(session, &mut claim, instance, target.as_ref()).await?;
        claims.push(claim);
    }
    Ok(claims)
}

/// Where the instance is, how the commands ran, what the target did.
async fn complete(
    session: &Session,
    claim: &mut ClaimFacts,
    instance: Option<InstanceId>,
    target: Option<&GroupName>,
) -> Result<(), Failure> {
    if let Some(id) = instance {
        let ids = std::slice::from_ref(&id);
        let places = session.auto_scaling.placements(ids).await;
        let placement = places.or_failure(session)?.remove(&id);
        let agents = session.systems_manager.agents(ids).await;
        let agent = agents.or_failure(session)?.remove(&id);
        if let Some(target) = target {
            let log = session.auto_scaling.log(target).await;
            let mut log = log.or_failure(session)?;
            log.retain(|activity| activity.is_about(&id));
            claim.activities = log;
        }
        claim.instance = Some(InstanceFacts {
            id,
            placement,
            agent,
        });
    }
    for command in &mut claim.commands {
        let run = session
            .systems_manager
            .run(&command.command.id, &command.instance);
        // What Systems Manager has forgotten is missing in the story, and no reason to tell none.
        command.run = run.await.ok();
    }
    Ok(())
}
