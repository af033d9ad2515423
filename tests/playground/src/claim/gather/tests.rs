use super::*;
use crate::claim::stage::{Stage, stage};
use crate::progress::Taken;
use crate::testing::{self, ZERO, comment, hand_over};
use ready_pool_core::reason::Reason;
use region::api::{Call, Service};
use region::settings::Settings;
use serde_json::{Value, json};
use std::time::Duration;

/// A region with two targets and the queues of a stack, without functions.
struct Bench {
    world: World,
    names: Names,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            world: World::new(Settings::default(), ZERO),
            names: Names {
                stack: "s".to_owned(),
                pool: "s-pool".to_owned(),
                retirement: "s-retirement".to_owned(),
                ..Names::default()
            },
        };
        for group in ["s-pool", "s-retirement", "t", "u"] {
            bench.call(
                Service::AutoScaling,
                "CreateAutoScalingGroup",
                json!({
                    "AutoScalingGroupName": group, "MinSize": 0, "MaxSize": 5,
                    "DesiredCapacity": 0, "AvailabilityZones": ["eu-west-1a"],
                    "LaunchTemplate": { "LaunchTemplateName": "any", "Version": "1" },
                }),
            );
        }
        let dead = bench.queue("s-init-dead-letter.fifo", &json!({ "FifoQueue": "true" }));
        let dead = bench.world.sqs.by_url(&dead).unwrap().arn.clone();
        let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 1 }).to_string();
        let fifo = json!({ "FifoQueue": "true", "VisibilityTimeout": "60" });
        let buried = json!({ "FifoQueue": "true", "RedrivePolicy": redrive });
        bench.names.provision = bench.queue("s-provision.fifo", &fifo);
        bench.names.init = bench.queue("s-init.fifo", &buried);
        bench.names.outcome = bench.queue("s-outcome", &json!({}));
        bench.names.rejected = bench.queue("s-rejected", &json!({}));
        bench
    }

    fn queue(&mut self, name: &str, attributes: &Value) -> String {
        let input = json!({ "QueueName": name, "Attributes": attributes });
        let answer = self.call(Service::Sqs, "CreateQueue", input);
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    fn call(&mut self, service: Service, operation: &str, input: Value) -> Value {
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            caller: "me".to_owned(),
        };
        let answer = self.world.answer(&call);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    fn send(&mut self, queue: &str, body: &str) {
        let url = self.url(queue);
        let mut input = json!({ "QueueUrl": url, "MessageBody": body });
        if matches!(queue, "provision" | "init") {
            input["MessageGroupId"] = json!("g");
            input["MessageDeduplicationId"] = json!(self.world.journal.end().to_string());
        }
        self.call(Service::Sqs, "SendMessage", input);
    }

    fn receive(&mut self, queue: &str) {
        let input = json!({ "QueueUrl": self.url(queue), "MaxNumberOfMessages": 10 });
        self.call(Service::Sqs, "ReceiveMessage", input);
    }

    fn url(&self, queue: &str) -> String {
        let names = &self.names;
        let queues = [
            &names.provision,
            &names.init,
            &names.outcome,
            &names.rejected,
        ];
        let is_it = |url: &&&String| url.contains(&format!("/s-{queue}"));
        (*queues.iter().find(is_it).unwrap()).clone()
    }

    fn enter(&mut self, target: &str, id: &str, value: &str) {
        let tag = json!({
            "ResourceId": target, "ResourceType": "auto-scaling-group",
            "Key": format!("ready-pool:claim/{id}"), "Value": value, "PropagateAtLaunch": false,
        });
        let input = json!({ "Tags": [tag] });
        self.call(Service::AutoScaling, "CreateOrUpdateTags", input);
    }

    fn after(&mut self, seconds: u64) {
        self.world.advance_to(ZERO + Duration::from_secs(seconds));
    }

    fn answer(&self, id: &str) -> Answer {
        answer(&self.world, &self.names, id)
    }
}

fn claim(id: &str, target: &str) -> String {
    json!({ "claim_id": id, "target_group": target, "expires_at": "2026-11-22T21:00:00Z" })
        .to_string()
}

fn end(id: &str, target: &str, reason: Reason) -> String {
    let mut body = testing::outcome(id, target, reason);
    body["instance_id"] = json!("i-00000001");
    body.to_string()
}

fn standing(message: &Message) -> (&str, Standing, u32, usize) {
    (
        message.queue.as_str(),
        message.standing,
        message.receives,
        message.before,
    )
}

#[test]
fn a_claim_is_found_on_its_queue_and_a_look_changes_nothing() {
    let mut bench = Bench::new();
    bench.send("provision", &claim("other", "t"));
    bench.send("provision", &claim("c-1", "t"));
    bench.send("provision", &claim("c-11", "t"));
    for _ in 0..3 {
        let answer = bench.answer("c-1");
        let [facts] = answer.claims.as_slice() else {
            panic!("not one claim: {answer:?}");
        };
        let messages: Vec<_> = facts.messages.iter().map(standing).collect();
        assert_eq!(messages, [("provision", Standing::Visible, 0, 1)]);
        assert_eq!(stage(facts, &answer.pool), Stage::Waiting);
        assert_eq!(facts.target.as_deref(), Some("t"));
        assert_eq!(facts.key, claim_key("c-1", "t").map(|key| key.to_string()));
        assert_eq!(facts.expires_at.as_deref(), Some("2026-11-22T21:00:00Z"));
        assert_eq!(facts.at(Taken::Message), Some(ZERO));
    }
    let before = bench.world.journal.end();
    bench.receive("provision");
    bench.after(10);
    let answer = bench.answer("c-1");
    let message = &answer.claims[0].messages[0];
    assert_eq!(standing(message), ("provision", Standing::InFlight, 1, 1));
    let expected = Some(ZERO + Duration::from_mins(1));
    assert_eq!(message.until, expected);
    // The receive itself, and nothing of the looks.
    assert_eq!(bench.world.journal.end(), before + 1);
}

#[test]
fn claims_of_the_same_id_are_distinguished_by_their_targets() {
    let mut bench = Bench::new();
    bench.enter("t", "c-1", "v1 i-00000001 1 ready 2026-11-22T21:00:00Z");
    bench.enter("u", "c-1", "not ours");
    bench.enter("u", "c-11", "v1 i-00000009 1 ready 2026-11-22T21:00:00Z");
    bench.send("provision", &claim("c-1", "gone"));
    bench.send("outcome", &end("c-1", "t", Reason::Initialised));
    bench.send(
        "outcome",
        &json!({
            "version": 1, "claim_id": "c-1", "outcome": "rejected", "reason": "malformed",
            "message": "m", "at": "2026-11-22T20:00:00Z",
        })
        .to_string(),
    );
    let answer = bench.answer("c-1");
    let claims: Vec<_> = answer
        .claims
        .iter()
        .map(|facts| {
            (
                facts.target.as_deref(),
                facts.target_exists,
                facts.messages.len(),
            )
        })
        .collect();
    assert_eq!(
        claims,
        [
            (None, false, 1),
            (Some("gone"), false, 1),
            (Some("t"), true, 1),
            (Some("u"), true, 0),
        ]
    );
    let [unnamed, gone, ready, strange] = answer.claims.as_slice() else {
        unreachable!("compared above");
    };
    assert_eq!(unnamed.end().unwrap().reason, Reason::Malformed);
    assert_eq!(stage(gone, &answer.pool), Stage::Waiting);
    assert_eq!(ready.entry().unwrap().standing, ledger::Standing::Ready);
    // EC2 has never heard of it.
    assert_eq!(ready.instance().unwrap().state, None);
    let tag = strange.entry.as_ref().unwrap();
    assert_eq!((tag.value.as_str(), tag.entry()), ("not ours", None));
}

#[test]
fn nothing_is_known_of_a_claim_that_was_never_sent() {
    let mut bench = Bench::new();
    bench.send("provision", &claim("c-1", "t"));
    bench.send("provision", "no JSON, but it says c-2");
    bench.send("init", &json!(["c-2"]).to_string());
    bench.send("init", &json!({ "claim_id": 2, "note": "c-2" }).to_string());
    for id in ["c-2", "c-", "c", "t", "claim_id"] {
        let answer = bench.answer(id);
        assert_eq!(answer.claims, [], "{id}");
        assert_eq!(answer.looked_at.len(), 4);
        assert!(
            answer.looked_at[2].contains("4 messages on "),
            "{:?}",
            answer.looked_at
        );
    }
}

#[test]
fn a_message_that_nobody_could_handle_is_found_where_it_lies() {
    let mut bench = Bench::new();
    bench.enter("t", "c-1", "v1 i-00000001 1 assigned 2026-11-22T21:00:00Z");
    let hand_over = hand_over("c-1", "t", "i-00000001");
    bench.send("init", &hand_over.to_string());
    bench.receive("init");
    bench.after(100);
    bench.receive("init");
    let answer = bench.answer("c-1");
    let facts = &answer.claims[0];
    let message = &facts.messages[0];
    assert_eq!(
        (message.queue.as_str(), message.is_dead_letter, message.what),
        ("init-dead-letter", true, Kind::Internal)
    );
    assert_eq!(message.about, "hand-over of i-00000001");
    assert_eq!(
        stage(facts, &answer.pool),
        Stage::DeadLetter("init-dead-letter")
    );
}

#[test]
fn an_outcome_published_again_is_one() {
    let mut bench = Bench::new();
    bench.send("provision", &claim("c-1", "t"));
    for seconds in [5, 6] {
        bench.after(seconds);
        bench.send("outcome", &end("c-1", "t", Reason::Expired));
    }
    let answer = bench.answer("c-1");
    let end = answer.claims[0].end().unwrap();
    let after = |seconds| ZERO + Duration::from_secs(seconds);
    assert_eq!(
        (end.published, end.at, end.last_at),
        (2, after(5), after(6))
    );
    let outcomes = answer.claims[0].messages.iter();
    let outcomes = outcomes.filter(|message| message.what == Kind::Outcome);
    assert_eq!(outcomes.count(), 2);
}

#[test]
fn a_command_belongs_to_the_claim_that_its_comment_names() {
    let mut bench = Bench::new();
    let input = json!({ "AutoScalingGroupName": "t", "DesiredCapacity": 1 });
    bench.call(Service::AutoScaling, "SetDesiredCapacity", input);
    bench.after(3_600);
    let group = &bench.world.autoscaling.groups["t"];
    let instance = group.members.keys().next().unwrap().clone();
    let mut send = |comment: &str| {
        let input = json!({
            "DocumentName": "AWS-RunShellScript", "InstanceIds": [instance], "Comment": comment,
            "Parameters": { "commands": ["true"] },
        });
        let answer = bench.call(Service::Ssm, "SendCommand", input);
        answer["Command"]["CommandId"].as_str().unwrap().to_owned()
    };
    let own = send(&comment("c-1", "t"));
    send(&comment("c-11", "t"));
    send("ready-pool c-1");
    let of_nobody = send("ready-pool c-1@00000000");
    let event =
        json!({ "detail-type": "any", "detail": { "command-id": own, "status": "Success" } });
    bench.send("init", &event.to_string());
    let answer = bench.answer("c-1");
    let commands: Vec<_> = answer
        .claims
        .iter()
        .map(|facts| {
            let commands = facts.commands.iter().map(|command| command.id.as_str());
            (facts.target.as_deref(), commands.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(
        commands,
        [
            (None, vec![of_nobody.as_str()]),
            (Some("t"), vec![own.as_str()])
        ]
    );
    let facts = &answer.claims[1];
    assert_eq!(facts.commands[0].exit_code, None);
    assert_eq!(facts.messages[0].what, Kind::Event);
    let place = facts.instance().unwrap();
    assert_eq!(
        (place.group.as_deref(), place.lifecycle.as_deref()),
        (Some("t"), Some("InService"))
    );
    assert_eq!(stage(facts, &answer.pool), Stage::Delivering);
}

#[test]
fn the_pool_is_shown_with_its_pause() {
    let mut bench = Bench::new();
    assert_eq!(bench.answer("c-1").pool.pause, None);
    let tag = json!({
        "ResourceId": "s-pool", "ResourceType": "auto-scaling-group",
        "Key": "ready-pool:pause", "Value": "claims", "PropagateAtLaunch": false,
    });
    let input = json!({ "Tags": [tag] });
    bench.call(Service::AutoScaling, "CreateOrUpdateTags", input);
    let input = json!({ "AutoScalingGroupName": "s-pool", "DesiredCapacity": 2 });
    bench.call(Service::AutoScaling, "SetDesiredCapacity", input);
    let pool = bench.answer("c-1").pool;
    assert_eq!(
        (pool.desired, pool.ready, pool.pause.as_deref()),
        (2, 0, Some("claims"))
    );
    bench.after(3_600);
    assert_eq!(bench.answer("c-1").pool.ready, 2);
}
