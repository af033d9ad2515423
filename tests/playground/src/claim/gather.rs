//! Gathers what is known of a claim: from the ledger, groups, history, queues and the journal. It
//! looks at the world without any call, so that a look changes nothing: no message is received.

use super::facts::{
    Answer, Command, Facts, Instance, Kind, Message, Outcome, Pool, Standing, Step, Tag,
};
use crate::claims;
use crate::messages::{Content, claim_key, is_comment_of, kind_of, names_claim};
use crate::page::{dead_letter_queues, machines};
use crate::progress::Progress;
use crate::start::Names;
use crate::story::words::output;
use ready_pool_core::ledger;
use ready_pool_core::message::Message as Internal;
use ready_pool_core::outcome::Outcome as Published;
use ready_pool_core::pause::PAUSE_TAG;
use region::journal::Happening;
use region::sqs;
use region::ssm;
use region::world::World;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What is known of the claims with this id.
pub(crate) fn answer(world: &World, names: &Names, id: &str) -> Answer {
    let known = Known::of(world, names, id);
    Answer {
        claim_id: id.to_owned(),
        now: world.now,
        pool: pool(world, names, &known.progress),
        looked_at: looked_at(world, names),
        claims: known
            .targets()
            .into_iter()
            .map(|target| known.facts(target))
            .collect(),
    }
}

fn pool(world: &World, names: &Names, progress: &Progress) -> Pool {
    let seen = machines::pool(world, names, progress);
    let group = world.autoscaling.groups.get(&names.pool);
    let pause = group.and_then(|group| group.tags.get(PAUSE_TAG));
    Pool {
        group: names.pool.clone(),
        retirement: names.retirement.clone(),
        desired: seen.desired,
        ready: seen.ready,
        booting: seen.booting,
        pause: pause.map(|tag| tag.value.clone()),
    }
}

fn looked_at(world: &World, names: &Names) -> Vec<String> {
    let groups = world.autoscaling.groups.len();
    let messages: usize = world
        .sqs
        .queues
        .values()
        .map(|queue| queue.messages(world.now).count())
        .sum();
    let queues: Vec<&str> = world
        .sqs
        .queues
        .keys()
        .map(|name| names.short(name))
        .collect();
    vec![
        format!(
            "the ledger: tags {}<id> on {groups} groups",
            ledger::KEY_PREFIX
        ),
        format!("the history: {} commands", world.ssm.commands.len()),
        format!("the queues: {messages} messages on {}", queues.join(", ")),
        format!(
            "the journal: the last {} things that happened",
            world.journal.entries().count()
        ),
    ]
}

/// What there is to say of all claims with one id.
struct Known<'w> {
    world: &'w World,
    names: &'w Names,
    id: &'w str,
    progress: Progress,
    outcomes: Vec<(OffsetDateTime, Published)>,
    /// Which instances were handed over, and for which target.
    handed_over: Vec<(String, String)>,
    dead_letters: BTreeSet<String>,
}

impl<'w> Known<'w> {
    /// Reads the journal once.
    fn of(world: &'w World, names: &'w Names, id: &'w str) -> Self {
        let mut known = Self {
            world,
            names,
            id,
            progress: Progress::new(names.clone()),
            outcomes: Vec::new(),
            handed_over: Vec::new(),
            dead_letters: dead_letter_queues(world),
        };
        for entry in world.journal.entries() {
            if let Happening::MessageSent { body, .. } = &entry.what
                && read(body, id).is_none()
            {
                continue;
            }
            known.progress.follow(entry);
            if let Some(outcome) = claims::outcome(entry, names) {
                known.outcomes.push((entry.at, outcome));
            }
            if let Some(content) = Content::sent_to(&names.init, &entry.what)
                && let Content::Internal(Internal::HandOver(hand_over)) = content
            {
                let target = hand_over.claim.target_group.to_string();
                let instance = hand_over.instance_id.to_string();
                known.handed_over.push((target, instance));
            }
        }
        known
    }

    /// The key of its entry's tag, whether or not any claim can have this id.
    fn tag(&self) -> String {
        format!("{}{}", ledger::KEY_PREFIX, self.id)
    }

    /// Everything that somebody has or had as the target; `None` where something names none that
    /// is known.
    fn targets(&self) -> BTreeSet<Option<String>> {
        let tag = self.tag();
        let groups = self.world.autoscaling.groups.values();
        let entered = groups.filter(|group| group.tags.contains_key(&tag));
        let mut targets: BTreeSet<Option<String>> =
            entered.map(|group| Some(group.name.clone())).collect();
        let followed = self.progress.claims().map(|claim| claim.target.clone());
        targets.extend(followed.map(Some));
        let published = self.outcomes.iter();
        targets.extend(published.map(|(_, outcome)| outcome.target_group.clone()));
        for queue in self.world.sqs.queues.values() {
            let messages = queue.messages(self.world.now);
            let about = messages.filter_map(|message| read(&message.body, self.id));
            targets.extend(about.map(|content| content.target_group().map(str::to_owned)));
        }
        // Of a command there is only a digest of the target's name.
        for command in self.world.ssm.commands.values() {
            if !names_claim(&command.comment, self.id) {
                continue;
            }
            let is_of = |target: &&String| is_comment_of(&command.comment, self.id, target);
            if targets.iter().flatten().any(|target| is_of(&target)) {
                continue;
            }
            let group = self.world.autoscaling.groups.keys().find(is_of);
            targets.insert(group.cloned());
        }
        targets
    }

    fn facts(&self, target: Option<String>) -> Facts {
        let group = target
            .as_ref()
            .and_then(|target| self.world.autoscaling.groups.get(target));
        let tag = self.tag();
        let entry = group
            .and_then(|group| group.tags.get(&tag))
            .map(|found| Tag {
                key: tag,
                value: found.value.clone(),
            });
        let commands = self.commands(target.as_deref());
        let outcomes = self.outcomes(target.as_deref());
        let followed = self
            .progress
            .claims()
            .find(|claim| Some(&claim.target) == target.as_ref());
        let steps = followed.map(|claim| claim.steps.as_slice());
        let mut facts = Facts {
            target_exists: group.is_some(),
            key: target
                .as_ref()
                .and_then(|target| claim_key(self.id, target))
                .map(|key| key.to_string()),
            messages: self.messages(target.as_deref(), &commands),
            steps: steps
                .unwrap_or_default()
                .iter()
                .map(|step| Step {
                    what: step.what,
                    at: step.at.into(),
                })
                .collect(),
            target,
            entry,
            commands,
            outcomes,
            ..Facts::default()
        };
        facts.expires_at = self.deadline(&facts);
        let assigned = followed.and_then(|claim| claim.instance.clone());
        facts.instances = self.instances(&facts, assigned);
        facts
    }

    /// From its entry, or a message that is still on a queue.
    fn deadline(&self, facts: &Facts) -> Option<String> {
        let entered = facts.entry();
        let entered = entered.and_then(|entry| entry.expires_at.format(&Rfc3339).ok());
        entered.or_else(|| {
            let queues = self.world.sqs.queues.values();
            queues
                .flat_map(|queue| queue.messages(self.world.now))
                .filter_map(|message| read(&message.body, self.id))
                .filter(|content| content.target_group() == facts.target.as_deref())
                .find_map(|content| content.expires_at())
        })
    }

    fn commands(&self, target: Option<&str>) -> Vec<Command> {
        let groups = &self.world.autoscaling.groups;
        let is_ours = |command: &&ssm::Command| match target {
            Some(target) => is_comment_of(&command.comment, self.id, target),
            // What no group of today explains.
            None => {
                names_claim(&command.comment, self.id)
                    && !groups
                        .keys()
                        .any(|group| is_comment_of(&command.comment, self.id, group))
            }
        };
        let mut commands: Vec<Command> = self
            .world
            .ssm
            .commands
            .values()
            .filter(is_ours)
            .flat_map(|command| {
                let invocations = command.invocations.iter();
                invocations.map(|(instance, invocation)| Command {
                    id: command.id.clone(),
                    instance: instance.clone(),
                    status: invocation.status.details().to_owned(),
                    is_final: invocation.status.is_final(),
                    // -1 is AWS's word for none yet.
                    exit_code: Some(invocation.exit_code).filter(|code| *code >= 0),
                    sent_at: command.requested_at,
                    started_at: invocation.started_at,
                    ended_at: invocation.ended_at,
                    output: output(&invocation.stdout, &invocation.stderr),
                })
            })
            .collect();
        commands.sort_by(|a, b| (a.sent_at, &a.id).cmp(&(b.sent_at, &b.id)));
        commands
    }

    /// The same outcome, published again, is one.
    fn outcomes(&self, target: Option<&str>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (at, end) in &self.outcomes {
            if end.target_group.as_deref() != target {
                continue;
            }
            let same = outcomes
                .iter_mut()
                .find(|said| (said.ending, said.reason) == (end.outcome, end.reason));
            match same {
                Some(said) => {
                    said.published += 1;
                    said.last_at = *at;
                }
                None => outcomes.push(Outcome {
                    at: *at,
                    last_at: *at,
                    published: 1,
                    ending: end.outcome,
                    reason: end.reason,
                    message: end.message.clone(),
                    instance: end.instance_id.clone().map(String::from),
                }),
            }
        }
        outcomes
    }

    fn messages(&self, target: Option<&str>, commands: &[Command]) -> Vec<Message> {
        let now = self.world.now;
        let mut found = Vec::new();
        for queue in self.world.sqs.queues.values() {
            for (before, message) in queue.messages(now).enumerate() {
                let Some((what, about)) = self.what(message, target, commands) else {
                    continue;
                };
                let (standing, until) = match message.standing(now) {
                    sqs::Standing::Visible => (Standing::Visible, None),
                    sqs::Standing::InFlight(until) => (Standing::InFlight, Some(until)),
                    sqs::Standing::Delayed(until) => (Standing::Delayed, Some(until)),
                };
                found.push(Message {
                    queue: self.names.short(&queue.name).to_owned(),
                    is_dead_letter: self.dead_letters.contains(&queue.arn),
                    what,
                    about,
                    standing,
                    until,
                    sent_at: message.sent_at,
                    receives: message.receive_count,
                    before,
                });
            }
        }
        found
    }

    /// What a message is to the claim of this target; none where it is about something else.
    fn what(
        &self,
        message: &sqs::Message,
        target: Option<&str>,
        commands: &[Command],
    ) -> Option<(Kind, String)> {
        let content = Content::read(&message.body)?;
        if let Content::Event(event) = &content {
            let mut ids = commands.iter().map(|command| command.id.as_str());
            let command = event.command_id()?;
            return ids.any(|id| id == command).then(|| {
                let status = event.status().unwrap_or("?");
                (Kind::Event, format!("the event of its command ({status})"))
            });
        }
        if content.claim_id() != Some(self.id) || content.target_group() != target {
            return None;
        }
        // The rejected queue has why beside the claim.
        let reason = message.attributes.get("reason");
        let why = reason.and_then(|reason| reason.string_value.as_deref());
        let why = why.map_or(String::new(), |why| format!(", refused: {why}"));
        Some(match &content {
            Content::Internal(message) => {
                let (kind, instance) = kind_of(message);
                let of = instance.map_or(String::new(), |id| format!(" of {id}"));
                (Kind::Internal, format!("{kind}{of}"))
            }
            Content::Outcome(outcome) => {
                let (outcome, reason) = (outcome.outcome.code(), outcome.reason.code());
                (Kind::Outcome, format!("{outcome} ({reason})"))
            }
            Content::Claim(claim) if claim.is_dry_run() => {
                (Kind::DryRun, format!("the claim as a dry run{why}"))
            }
            Content::Claim(_) => (Kind::Claim, format!("the claim{why}")),
            Content::Event(_) => return None,
        })
    }

    /// Each instance once, the present one last.
    fn instances(&self, facts: &Facts, assigned: Option<String>) -> Vec<Instance> {
        let handed_over = self
            .handed_over
            .iter()
            .filter(|(target, _)| Some(target) == facts.target.as_ref())
            .map(|(_, instance)| instance.clone());
        let sent = facts.commands.iter().map(|command| &command.instance);
        let ended = facts.outcomes.iter().filter_map(|end| end.instance.clone());
        let entered = facts.entry().and_then(|entry| entry.instance);
        let mut ids: Vec<String> = Vec::new();
        for id in handed_over
            .chain(sent.cloned())
            .chain(ended)
            .chain(assigned)
            .chain(entered.map(String::from))
        {
            ids.retain(|known| *known != id);
            ids.push(id);
        }
        ids.into_iter().map(|id| self.instance(id)).collect()
    }

    fn instance(&self, id: String) -> Instance {
        let machine = self.world.compute.instances.get(&id);
        let group = self.world.autoscaling.group_of(&id);
        let member = group.and_then(|group| group.members.get(&id));
        let registered = machine.filter(|machine| machine.agent.registered_at.is_some());
        let agent = registered.map(|machine| ssm::ping_status(self.world, machine));
        Instance {
            group: group.map(|group| group.name.clone()),
            lifecycle: member.map(|member| member.lifecycle.name().to_owned()),
            state: machine.map(|machine| machine.state.name().to_owned()),
            agent: agent.map(str::to_owned),
            unnoticed: agent == Some("Online")
                && machine.is_some_and(|machine| !machine.agent.works()),
            id,
        }
    }
}

/// What a message says, if it names this claim.
fn read(body: &str, id: &str) -> Option<Content> {
    // Most messages are about other claims, and looking is cheaper than reading.
    if !body.contains(id) {
        return None;
    }
    Content::read(body).filter(|content| content.claim_id() == Some(id))
}

#[cfg(test)]
mod tests;
