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
    let again = run(&harness, &["opt-in", "new"]).await;
    again.is(Exit::Done, &["opted in", "already: claims may name it"]);
    harness.send(&claim("c-1", "new")).await;
    assert_eq!(harness.outcome("c-1").await.outcome, Ending::Ready);
    run(&harness, &["opt-out", "new"])
        .await
        .is(Exit::Done, &["opted out"]);
    let again = run(&harness, &["opt-out", "new"]).await;
    again.is(Exit::Done, &["opted out", "already: "]);
    harness.send(&claim("c-2", "new")).await;
    assert_eq!(harness.outcome("c-2").await.reason, Reason::NotOptedIn);
    assert_eq!(harness.in_service("new").len(), 1, "its machine stays");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_target_is_left_as_it_is() {
    let harness = harness(Harness::builder()).await;
    // To a group that is there, and whose stack may have any name.
    harness.create(Target::named("others").of("tenant")).await;
    for (words, problem) in [
        (
            ["opt-in", "nosuch"],
            "there is no Auto Scaling group nosuch in eu-west-1; correct the name",
        ),
        (
            ["opt-out", "others"],
            "others has opted in to tenant, and not to ready-pool-pool; name that pool's stack",
        ),
        (
            ["opt-in", "ready-pool-pool"],
            "is a group of ready-pool itself",
        ),
    ] {
        run(&harness, &words).await.is(Exit::Wrong, &[problem]);
    }
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_opt_in_is_said_everywhere_and_corrected() {
    let harness = harness(Harness::builder()).await;
    harness
        .create(Target::named("new").of("ready-pol-pool"))
        .await;
    let found = run(&harness, &["doctor"]).await;
    found.is(
        Exit::Bad,
        &[
            "wrong       new: it has opted in to ready-pol-pool, and there is no such group",
            "`ready-pool opt-in new` corrects its tag",
            "found       1 wrong, 0 to look at",
        ],
    );
    let line = ["send", "--target", "new", "--command", "true"];
    run(&harness, &line).await.is(
        Exit::Wrong,
        &[
            "there is no pool ready-pol-pool here, which new has opted in to",
            "`ready-pool opt-in new` corrects that",
        ],
    );
    let corrected = run(&harness, &["opt-in", "new"]).await;
    corrected.is(
        Exit::Done,
        &["opted in", "corrected", "it named ready-pol-pool"],
    );
    let sent = run(&harness, &[&line[..], &["--wait"]].concat()).await;
    sent.is(Exit::Done, &["Sent", "ready: i-"]);
    harness
        .create(Target::named("other").of("ready-pol-pool"))
        .await;
    let removed = run(&harness, &["opt-out", "other"]).await;
    removed.is(Exit::Done, &["opted out   claims that name it"]);
    harness.end().await;
}
