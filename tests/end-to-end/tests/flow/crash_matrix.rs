//! Every AWS call of every function goes wrong once, in every way that matters; likewise Lambda's
//! deletes and EventBridge's deliveries. After each run the invariants are asserted on the
//! region's own state, and every claim has the outcome it must have.
//!
//! One case alone, with what happened in it:
//! `CRASH_CASE='Normal/init-instance.Ssm.SendCommand#1/KilledAfter' cargo test --test flow
//! one_case -- --nocapture`. With `CRASH_ALL=1` every repetition of a call is broken, not
//! only the first and last two, in every scenario, not only in those that are about it.

use end_to_end::crash::{self, Case, Report, Scenario, Way};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Whether to play what is like another scenario, too, and every repetition of a call.
fn everything() -> bool {
    std::env::var_os("CRASH_ALL").is_some()
}

/// Every kind of call that the functions make. Whoever adds one to a function adds it here, and
/// sees to it that a scenario makes it: only what a scenario makes is broken.
const CALLS: [&str; 40] = [
    "claim-instance.AutoScaling.CreateAutoScalingGroup",
    "claim-instance.AutoScaling.CreateOrUpdateTags",
    "claim-instance.AutoScaling.DescribeAutoScalingGroups",
    "claim-instance.AutoScaling.DescribeAutoScalingInstances",
    "claim-instance.AutoScaling.DetachInstances",
    "claim-instance.Sqs.ChangeMessageVisibilityBatch",
    "claim-instance.Sqs.DeleteMessageBatch",
    "claim-instance.Sqs.GetQueueAttributes",
    "claim-instance.Sqs.SendMessageBatch",
    "claim-instance.Ssm.DescribeInstanceInformation",
    "claim-instance.Ssm.ListCommands",
    "init-instance.AutoScaling.AttachInstances",
    "init-instance.AutoScaling.CreateOrUpdateTags",
    "init-instance.AutoScaling.DescribeAutoScalingGroups",
    "init-instance.AutoScaling.DescribeAutoScalingInstances",
    "init-instance.AutoScaling.DescribeScalingActivities",
    "init-instance.AutoScaling.DetachInstances",
    "init-instance.AutoScaling.SetInstanceProtection",
    "init-instance.AutoScaling.TerminateInstanceInAutoScalingGroup",
    "init-instance.Sqs.ChangeMessageVisibilityBatch",
    "init-instance.Sqs.SendMessageBatch",
    "init-instance.Ssm.DescribeInstanceInformation",
    "init-instance.Ssm.GetCommandInvocation",
    "init-instance.Ssm.ListCommands",
    "init-instance.Ssm.SendCommand",
    "replenish-pool.AutoScaling.AttachInstances",
    "replenish-pool.AutoScaling.CompleteLifecycleAction",
    "replenish-pool.AutoScaling.CreateOrUpdateTags",
    "replenish-pool.AutoScaling.DeleteTags",
    "replenish-pool.AutoScaling.DescribeAutoScalingGroups",
    "replenish-pool.AutoScaling.DescribeAutoScalingInstances",
    "replenish-pool.AutoScaling.DescribeLifecycleHooks",
    "replenish-pool.AutoScaling.DescribeScalingActivities",
    "replenish-pool.AutoScaling.DetachInstances",
    "replenish-pool.AutoScaling.SetDesiredCapacity",
    "replenish-pool.AutoScaling.TerminateInstanceInAutoScalingGroup",
    "replenish-pool.Sqs.GetQueueAttributes",
    "replenish-pool.Sqs.SendMessageBatch",
    "replenish-pool.Ssm.DescribeInstanceInformation",
    "replenish-pool.Ssm.ListCommands",
];

fn unknown_calls(report: &Report) -> Vec<String> {
    crash::operations_of(&report.journal)
        .iter()
        .map(ToString::to_string)
        .filter(|operation| !CALLS.contains(&operation.as_str()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_call_is_known_and_made() {
    let mut made = BTreeSet::new();
    for scenario in Scenario::ALL {
        let report = crash::reference(scenario).await;
        assert_eq!(report.findings, [], "{scenario:?} with nothing wrong");
        made.extend(
            crash::operations_of(&report.journal)
                .iter()
                .map(ToString::to_string),
        );
    }
    let known: BTreeSet<String> = CALLS.map(str::to_owned).into();
    assert_eq!(made, known);
}

async fn matrix(scenario: Scenario) {
    let reference = crash::reference(scenario).await;
    assert_eq!(reference.findings, [], "{scenario:?} with nothing wrong");
    let mut cases = 0;
    let mut struck = 0;
    let mut leaks = String::new();
    let mut failures = String::new();
    let started = std::time::Instant::now();
    for site in crash::sites_of(&reference.journal, if everything() { u32::MAX } else { 2 }) {
        if !everything() && !scenario.is_about(&site) {
            continue;
        }
        for way in Way::at(&site) {
            let case = Case {
                scenario,
                site: site.clone(),
                way,
            };
            let report: Report = crash::run(&case).await;
            cases += 1;
            struck += usize::from(report.struck);
            if report.leaked_for_hours {
                let _ = writeln!(leaks, "{case}");
            }
            let unknown = unknown_calls(&report);
            if !unknown.is_empty() {
                let _ = writeln!(
                    failures,
                    "{case}: calls that the matrix does not know: {unknown:?}"
                );
            }
            if !report.findings.is_empty() {
                let _ = writeln!(failures, "{case}: {:?}", report.findings);
            }
        }
    }
    println!(
        "{scenario:?}: {cases} cases ({struck} struck) in {:.1?}",
        started.elapsed()
    );
    if !leaks.is_empty() {
        println!("left to the leak sweep:\n{leaks}");
    }
    assert!(failures.is_empty(), "\n{failures}");
}

macro_rules! matrices {
    ($($name:ident: $scenario:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                matrix(Scenario::$scenario).await;
            }
        )*
    };
}

matrices! {
    normal: Normal,
    batch: Batch,
    failing_script: FailingScript,
    replaced: Replaced,
    replaced_unheard: ReplacedUnheard,
    after_init: AfterInit,
    after_init_unheard: AfterInitUnheard,
    after_init_replaced: AfterInitReplaced,
    another_instance: AnotherInstance,
    untagged: Untagged,
    nothing_ran: NothingRan,
    machine_gone: MachineGone,
    detach_refused: DetachRefused,
    command_refused: CommandRefused,
    rights_missing: RightsMissing,
    wiped_and_sent_again: WipedAndSentAgain,
    waiting: Waiting,
    target_refused: TargetRefused,
    look_again: LookAgain,
    rejected: Rejected,
    sent_again: SentAgain,
    expired: Expired,
    silent_launch: SilentLaunch,
    hand_over_lost: HandOverLost,
    sent_twice: SentTwice,
    slow_detach: SlowDetach,
    agent_away: AgentAway,
    old_entry: OldEntry,
    leaked: Leaked,
    dry_run: DryRun,
    surplus: Surplus,
    one_by_one: OneByOne,
    sized_by_hit_rate: SizedByHitRate,
    stepping_aside: SteppingAside,
    made_target: MadeTarget,
}

#[tokio::test(start_paused = true)]
async fn one_case() {
    let Ok(case) = std::env::var("CRASH_CASE") else {
        return;
    };
    let case: Case = case.parse().expect("CRASH_CASE is a case as printed");
    let report = crash::run(&case).await;
    println!("{}", crash::describe(&report.journal));
    println!("{case}: struck {}, {:#?}", report.struck, report.findings);
}
