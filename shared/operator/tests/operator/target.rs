//! `opt-in` and `opt-out`.

use crate::operator::{harness, run};
use end_to_end::{Harness, Target, claim};
use ready_pool_core::outcome::Ending;
use ready_pool_core::reason::Reason;
use ready_pool_operator::Exit;

#[tokio::test(start_paused = true)]
async fn a_group_opts_in_gets_an_instance_and_opts_out() {
    let harness = harness(Harness::builder()).await;
    harness.create(Target::named("new").not_opted_in()).await;
    let opted_in = run(&harness, &["opt-in", "new"]).await;
    opted_in.is(
        Exit::Done,
        &["new", "opted in", "it gets instances of ready-pool-pool"],
    );
    // Again it changes nothing.
    run(&harness, &["opt-in", "new"]).await.is(Exit::Done, &[]);
    harness.send(&claim("c-1", "new")).await;
    assert_eq!(harness.outcome("c-1").await.outcome, Ending::Ready);
    run(&harness, &["opt-out", "new"])
        .await
        .is(Exit::Done, &["opted out"]);
    harness.send(&claim("c-2", "new")).await;
    assert_eq!(harness.outcome("c-2").await.reason, Reason::NotOptedIn);
    assert_eq!(harness.in_service("new").len(), 1, "its machine stays");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_target_is_left_as_it_is() {
    let harness = harness(Harness::builder()).await;
    for (words, problem) in [
        (
            ["opt-in", "nosuch"],
            "there is no Auto Scaling group nosuch in eu-west-1",
        ),
        (
            ["opt-in", "ready-pool-pool"],
            "is a group of ready-pool itself",
        ),
        (
            ["opt-out", "ready-pool-pool"],
            "has not opted in to ready-pool-pool",
        ),
    ] {
        run(&harness, &words).await.is(Exit::Wrong, &[problem]);
    }
    harness.end().await;
}
