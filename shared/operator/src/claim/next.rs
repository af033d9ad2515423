//! What happens next to a claim, and what is for a person to do.

use super::facts::{ClaimFacts, Facts, PoolFacts};
use super::stage::Stage;
use crate::kept;
use crate::session::Place;
use crate::words;
use ready_pool_core::reason::Reason;

/// What comes next, in sentences.
pub(super) fn next(claim: &ClaimFacts, facts: &Facts, stage: Stage) -> Vec<String> {
    let mut lines = match stage {
        Stage::Ready => vec![
            "nothing: it has ended, and its outcome is on the outcome queue. Sending it again only repeats that outcome"
                .to_owned(),
        ],
        Stage::Failed(reason) => failed(claim, &facts.place, reason),
        Stage::GivenUp => waiting(
            &facts.pool,
            "it gets another instance when one is ready, three at most",
        ),
        Stage::Entered => once(
            "claim-instance detaches the instance. If it died, the claim's message comes again within a minute and goes \
             on from the entry",
        ),
        Stage::Detaching => once(
            "the detach takes a few seconds; then init-instance attaches the instance to the target",
        ),
        Stage::Free => once(
            "init-instance attaches it to the target; if it died, its message comes again within half a minute. Whatever happens, \
             the claim is looked at again at its deadline, and closed",
        ),
        Stage::Attaching | Stage::Attached => once(
            "init-instance sends the init command (the history shows a command about a second late)",
        ),
        Stage::Running => once(
            "the script's exit status decides. If the agent does not pick the command up within a minute, or has no place \
             for the script, the claim goes on with another instance",
        ),
        Stage::Reporting => once(
            "the command's event brings the outcome. If the event was lost, replenish-pool has the claim looked at again \
             within a minute or two",
        ),
        Stage::Lost => once(
            "whoever looks at it next gives the instance up: the claim gets another one, three at most, or ends as failed",
        ),
        Stage::NoEntry => once(
            "its entry is gone: removed long after its end, or wiped by a tool (docs/operations.md, targets). Sending it \
             again continues from what is known, or repeats its outcome",
        ),
        Stage::Unreadable => once(
            "the tag is not what ready-pool writes: somebody else's tool changed it. Remove it, and send the claim again",
        ),
    };
    lines.extend(attention(claim, &facts.pool, stage));
    if let Some(line) = kept_in_no_group(claim, &facts.place, stage) {
        // It costs money until somebody has read it.
        lines.insert(0, line);
    }
    lines
}

fn kept_in_no_group(claim: &ClaimFacts, place: &Place, stage: Stage) -> Option<String> {
    let instance = claim.instance.as_ref()?;
    let is_over = matches!(stage, Stage::Failed(_) | Stage::NoEntry);
    let is_free = instance.placement.is_none() && instance.agent.is_some();
    let mut commands = claim.commands.iter();
    let command = commands.find(|command| command.instance == instance.id)?;
    (is_over && is_free && kept::is_kept_by(&command.command)).then(|| {
        let id = &instance.id;
        let terminate = kept::terminate(place, id);
        format!(
            "{id} is kept, runs in no group, and costs money until you terminate it: {terminate}"
        )
    })
}

fn once(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn failed(claim: &ClaimFacts, place: &Place, reason: Reason) -> Vec<String> {
    let has_output = claim.commands.iter().any(|command| {
        command
            .run
            .as_ref()
            .is_some_and(|run| !run.output.is_empty() || !run.errors.is_empty())
    });
    let first = match reason {
        // Its advice is to see what stands above.
        Reason::ScriptFailed if has_output => {
            format!(
                "{}; fix the script: its output stands above",
                reason.means()
            )
        }
        Reason::ScriptFailed => format!("{}; fix the script", reason.means()),
        other => other.sentence(),
    };
    let again = "for another try send it with a new claim_id".to_owned();
    let mut lines = vec![first, again];
    if let Some(command) = claim.commands.first()
        && !has_output
    {
        let line = format!(
            "ssm get-command-invocation --command-id {} --instance-id {}",
            command.command.id, command.instance
        );
        lines.push(format!(
            "its output, as far as there is any: {}",
            place.aws(&line)
        ));
    }
    lines
}

/// How long a claim may have to wait.
pub(super) fn waiting(pool: &PoolFacts, what: &str) -> Vec<String> {
    vec![format!(
        "{what}: {} has {} ready and {} booting of {} wanted, and {} on the provisioning queue",
        pool.group,
        pool.ready,
        pool.booting,
        pool.desired,
        words::count(pool.waiting, "message is", "messages are"),
    )]
}

/// Why there may be no trace of a claim.
pub(super) fn perhaps(facts: &Facts) -> Vec<String> {
    let hidden = (facts.hidden > 0).then(|| {
        format!(
            "somebody else is reading the rejected queue, and {} there: if it was rejected, try again in 5 s",
            words::count(facts.hidden, "message is hidden", "messages are hidden")
        )
    });
    let may_wait = facts.pool.waiting > 0;
    let lines = may_wait.then(|| {
        waiting(
            &facts.pool,
            "if it waits in line, it gets an instance when one is ready",
        )
    });
    let paused = (may_wait && facts.pool.paused.claims).then(|| {
        "claims are paused: if it waits in line, it waits until `ready-pool resume`".to_owned()
    });
    let rest = [
        "if its deadline passed before it got an instance, it ended as failed (expired): that leaves an outcome and no \
         entry",
        "if it was a dry run, its answer is on the outcome queue, and it leaves no trace",
        "if it was sent with the MessageDeduplicationId of another message of the last five minutes, SQS dropped it",
        "if it ended more than eight hours after its deadline, its entry was removed",
        "else it was sent to another stack, region or account, or under another id",
    ];
    (hidden.into_iter().chain(paused))
        .chain(lines.into_iter().flatten())
        .chain(rest.map(str::to_owned))
        .collect()
}

/// What an operator should know besides.
fn attention(claim: &ClaimFacts, pool: &PoolFacts, stage: Stage) -> Vec<String> {
    let mut all = Vec::new();
    let is_over = matches!(stage, Stage::Ready | Stage::Failed(_));
    if let Some(paused) = pool.paused.words().filter(|_| !is_over) {
        all.push(format!(
            "the pool is paused ({paused}); `ready-pool resume` ends it"
        ));
    }
    let agent = claim.instance.as_ref().and_then(|instance| instance.agent);
    if agent.is_some_and(|agent| !agent.online) && !is_over {
        all.push("its instance's agent is not online".to_owned());
    }
    let mut initialised: Vec<&str> = claim
        .commands
        .iter()
        .filter(|command| {
            command.command.status == ready_pool_core::command::CommandStatus::Succeeded
        })
        .map(|command| command.instance.as_str())
        .collect();
    initialised.sort_unstable();
    initialised.dedup();
    if initialised.len() > 1 {
        all.push(format!(
            "{} were initialised for it, and it should be one: see docs/protocol.md, known limits",
            initialised.join(" and ")
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::tests::{claim, command, facts};
    use ready_pool_core::command::CommandStatus;
    use ready_pool_core::group::{Lifecycle, Placement};
    use ready_pool_core::ids::GroupName;
    use ready_pool_core::init_failure::OnInitFailure;

    fn said(entry: &str, stage: Stage, change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = facts(claim(entry));
        change(&mut facts);
        next(&facts.claims[0], &facts, stage).join("\n")
    }

    #[test]
    fn a_failed_claim_says_what_to_do_and_where_its_output_is() {
        let entry = "v1 i-00000001 1 failed 2026-11-29T13:15:00Z script_failed";
        let stage = Stage::Failed(Reason::ScriptFailed);
        let said = said(entry, stage, |facts| {
            facts.claims[0]
                .commands
                .push(command(CommandStatus::Failed));
        });
        assert!(said.contains("fix the script"), "{said}");
        assert!(said.contains("new claim_id"), "{said}");
        let line = "aws ssm get-command-invocation --command-id c-1 --instance-id i-00000001";
        assert!(said.ends_with(line), "{said}");
    }

    #[test]
    fn an_instance_that_is_kept_in_no_group_is_to_be_terminated_by_hand() {
        let entry = "v1 i-00000001 1 failed 2026-11-29T13:15:00Z script_failed";
        let failed = Stage::Failed(Reason::ScriptFailed);
        let with = |stage, keeps: bool, change: fn(&mut Facts)| {
            said(entry, stage, |facts| {
                let mut command = command(CommandStatus::Failed);
                if keeps {
                    command.command.record.header.on_init_failure = OnInitFailure::Keep;
                }
                facts.claims[0].commands.push(command);
                change(facts);
            })
        };
        for stage in [failed, Stage::NoEntry] {
            let kept = with(stage, true, |_| ());
            let line = "i-00000001 is kept, runs in no group, and costs money until you terminate it: aws ec2 \
                        terminate-instances --instance-ids i-00000001\n";
            assert!(kept.starts_with(line), "{kept}");
        }
        let retired = with(failed, false, |_| ());
        let gone = with(failed, true, |facts| {
            facts.claims[0].instance.as_mut().unwrap().agent = None;
        });
        let in_target = with(failed, true, |facts| {
            let instance = facts.claims[0].instance.as_mut().unwrap();
            instance.placement = Some(Placement {
                group: GroupName::try_from("tenant").unwrap(),
                lifecycle: Lifecycle::InService,
            });
        });
        for other in [retired, gone, in_target] {
            assert!(!other.contains("terminate"), "{other}");
        }
    }

    #[test]
    fn the_line_for_its_output_goes_to_the_region_that_was_asked() {
        let entry = "v1 i-00000001 1 failed 2026-11-29T13:15:00Z script_failed";
        let said = said(entry, Stage::Failed(Reason::ScriptFailed), |facts| {
            facts.place.endpoint = Some("http://127.0.0.1:4566".to_owned());
            facts.claims[0]
                .commands
                .push(command(CommandStatus::Failed));
        });
        let option = "--instance-id i-00000001 --endpoint-url http://127.0.0.1:4566";
        assert!(said.ends_with(option), "{said}");
    }

    #[test]
    fn messages_that_another_look_hides_are_said() {
        let mut facts = facts(claim("v1 i-00000001 1 ready 2026-11-29T13:15:00Z"));
        let hidden = |facts: &Facts| perhaps(facts).join("\n").contains("rejected queue, and");
        assert!(!hidden(&facts));
        facts.hidden = 48;
        assert!(hidden(&facts));
        let lines = perhaps(&facts).join("\n");
        assert!(lines.contains("48 messages are hidden there"), "{lines}");
        assert!(lines.contains("it ended as failed (expired)"), "{lines}");
    }

    #[test]
    fn nothing_waits_in_an_empty_line() {
        let mut facts = facts(claim(""));
        facts.pool.paused.claims = true;
        let said = perhaps(&facts).join("\n");
        assert!(!said.contains("waits in line"), "{said}");
        facts.pool.waiting = 1;
        let said = perhaps(&facts).join("\n");
        assert!(
            said.contains("if it waits in line, it gets an instance"),
            "{said}"
        );
        assert!(
            said.contains("it waits until `ready-pool resume`"),
            "{said}"
        );
    }

    #[test]
    fn a_pause_and_an_agent_that_is_away_are_said_while_they_matter() {
        let away = |facts: &mut Facts| {
            facts.pool.paused.claims = true;
            let instance = facts.claims[0].instance.as_mut().unwrap();
            instance.agent = Some(ready_pool_core::agent::Agent {
                online: false,
                ..ready_pool_core::agent::Agent::default()
            });
        };
        let open = said(
            "v1 i-00000001 1 assigned 2026-11-29T13:15:00Z",
            Stage::Free,
            away,
        );
        assert!(
            open.contains("paused") && open.contains("agent is not online"),
            "{open}"
        );
        let over = said(
            "v1 i-00000001 1 ready 2026-11-29T13:15:00Z",
            Stage::Ready,
            away,
        );
        assert!(
            !over.contains("paused") && !over.contains("agent"),
            "{over}"
        );
    }

    #[test]
    fn two_initialised_instances_are_pointed_out() {
        let entry = "v1 i-00000001 1 ready 2026-11-29T13:15:00Z";
        let said = said(entry, Stage::Ready, |facts| {
            let mut other = command(CommandStatus::Succeeded);
            other.instance = crate::pool::tests::instance_id("i-00000002");
            facts.claims[0].commands = vec![command(CommandStatus::Succeeded), other];
        });
        assert!(
            said.contains("i-00000001 and i-00000002 were initialised"),
            "{said}"
        );
    }
}
