//! What the pool learns is what happened, look by look, and however far back it lies.

use super::*;
use ready_pool_sizing::Target as Asked;
use ready_pool_sizing::{Bounds, HitRate, Learner, Minute, Record, Situation};
use region::autoscaling::{Activity, Status};

/// Machines that Auto Scaling began to terminate.
fn terminated(harness: &Harness) -> usize {
    let journal = harness.journal().into_iter();
    let is_terminated = |what: &Happening| matches!(what, Happening::Terminating { .. });
    journal.filter(|entry| is_terminated(&entry.what)).count()
}

/// What somebody decides who never stops learning, at each of the looks that were taken: when, the hit rate that he
/// predicts, the size.
fn decided_by_another(harness: &Harness, looks: &[i64], pool_size: u32) -> Vec<(i64, f64, u32)> {
    let asked = Asked {
        hit_rate: HitRate::of_percent(99.0).unwrap(),
        least_ready: 1,
    };
    let bounds = Bounds {
        pool_size,
        pool_max_size: 50,
        group_min: 0,
        group_max: 50,
    };
    let minute = |time: time::OffsetDateTime| Minute::of_unix_seconds(time.unix_timestamp());
    let activities = harness.region.read(|world| {
        let pool = &world.autoscaling.groups[&harness.pool];
        pool.activities.clone()
    });
    let mut detached: BTreeMap<Minute, u32> = BTreeMap::new();
    let mut booted: BTreeMap<Minute, Vec<(time::OffsetDateTime, String, f64)>> = BTreeMap::new();
    for one in activities {
        if one.description.starts_with("Detaching") {
            *detached.entry(minute(one.started_at)).or_default() += 1;
        } else if one.description.starts_with("Launching") && one.status == Status::Successful {
            // The API shows whole seconds.
            let whole = |time: time::OffsetDateTime| time.replace_nanosecond(0).unwrap();
            let (start, end) = (whole(one.started_at), whole(one.ended_at.unwrap()));
            let seconds = (end - start).as_seconds_f64() + 25.0;
            let line = (end, one.instance.unwrap(), seconds);
            booted.entry(minute(end)).or_default().push(line);
        }
    }
    let first = Minute::of_unix_seconds(looks[0]);
    // As the first look wrote down: the last quarter-hour whose activities all showed.
    let began = first.plus(-2).quarter_start();
    let mut learner = Learner::new(began);
    let mut size = pool_size;
    looks
        .iter()
        .map(|look| {
            let now = Minute::of_unix_seconds(*look);
            while learner.state().until() < now {
                let minute = learner.state().until();
                let mut launches = booted.remove(&minute).unwrap_or_default();
                launches.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
                let leads: Vec<f64> = launches.into_iter().map(|launch| launch.2).collect();
                let record = Record {
                    detached: detached.get(&minute).copied().unwrap_or(0),
                    lead_seconds: &leads,
                    ..Record::default()
                };
                learner.learn(&record, asked);
            }
            let situation = Situation {
                waiting: 0,
                size,
                bounds,
            };
            let decision = learner.decide(situation, asked);
            size = decision.size;
            (*look, decision.predicted_hit_rate, size)
        })
        .collect()
}

/// Somebody comes every seven minutes by day, and nobody at night.
async fn live(harness: &Harness, minutes: u32) {
    for _ in 0..minutes {
        let now = harness.now();
        if (8..18).contains(&now.hour()) && now.minute().is_multiple_of(7) {
            harness.pass(Duration::from_secs(20)).await;
            let claim_id = format!("claim-{}", now.unix_timestamp() / 60);
            harness.send(&message(harness, &claim_id)).await;
            harness.pass(Duration::from_secs(40)).await;
        } else {
            harness.pass(Duration::from_mins(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_learns_a_night_and_a_day_and_decides_as_whoever_never_stops() {
    let started = std::time::Instant::now();
    let harness = sized(4).start();
    harness.pool_is_ready(4).await;
    harness.create(Target::named("asg-1").max_size(1_000)).await;
    live(&harness, 40 * 60).await;

    let predicted = harness.figures.timeline("PredictedHitRate");
    let sizes: BTreeMap<i64, f64> = harness.figures.timeline("Size").into_iter().collect();
    let looks: Vec<i64> = predicted.iter().map(|(at, _)| *at).collect();
    assert!(looks.len() > 40 * 55, "a look a minute: {}", looks.len());
    let expected = decided_by_another(&harness, &looks, 4);
    let mut changes = 0;
    let mut before = 4;
    for ((at, hit_rate), (_, expected, size)) in predicted.into_iter().zip(expected) {
        // `serde_json` reads a figure's last bit not always right.
        assert!(
            (hit_rate - expected).abs() < 1e-12,
            "{at}: {hit_rate} for {expected}"
        );
        assert!((sizes[&at] - f64::from(size)).abs() < 0.5, "{at}: {size}");
        changes += usize::from(size != before);
        before = size;
    }
    println!(
        "{} looks, {changes} changes, {:?}",
        looks.len(),
        started.elapsed()
    );
    assert!((2..looks.len() / 5).contains(&changes), "{changes} changes");
    assert_eq!(tag(&harness, "ready-pool:waited"), None, "nobody waited");
    let outcomes = harness.outcomes();
    assert!(outcomes.len() > 80 && outcomes.iter().all(|one| one.outcome == Ending::Ready));
    assert_eq!(terminated_while_a_claim_waits(&harness), 0);
    // A size that was lowered leaves with the claims, and a few machines unused.
    let unused = terminated(&harness);
    assert!(unused < 15, "{unused} machines were terminated unused");

    // Somebody's tool wipes all tags: what the history says is there again.
    let size_before = size(&harness);
    delete_tags(&harness, &TAGS).await;
    harness.pass(Duration::from_mins(4)).await;
    let known = harness.region.read(tags);
    assert!(known.contains_key("ready-pool:demand/week-2"), "{known:?}");
    assert!(size(&harness).abs_diff(size_before) <= 1, "{known:?}");
    harness.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_history_is_read_in_few_pages_a_pass() {
    let harness = sized_pool(2).await;
    // Two busy days, and nothing before: a detach a minute, and its launch.
    let busy = 2 * 24 * 60;
    harness.region.with(|world| {
        let now = world.now;
        let pool = world.autoscaling.groups.get_mut("ready-pool-pool").unwrap();
        let mut history = Vec::new();
        for minute in 0..busy {
            let started_at = now - Duration::from_mins(busy + 10 - minute);
            for (what, took) in [
                ("Detaching EC2 instance", 3),
                ("Launching a new EC2 instance", 140),
            ] {
                let instance = format!("i-{minute:017x}");
                history.push(Activity {
                    id: format!("{what} {minute}"),
                    description: format!("{what}: {instance}"),
                    instance: Some(instance),
                    cause: "long ago".to_owned(),
                    started_at,
                    ended_at: Some(started_at + Duration::from_secs(took)),
                    status: Status::Successful,
                    status_message: String::new(),
                    details: json!({}),
                });
            }
        }
        history.append(&mut pool.activities);
        pool.activities = history;
    });
    delete_tags(&harness, &TAGS).await;
    let decisions = harness.figures.values("PredictedHitRate", &[]).len();
    let caught_up = |world: &World| tags(world).contains_key("ready-pool:size");
    let before = harness.now();
    let mut pages = harness.calls("DescribeScalingActivities");
    let mut most = 0;
    while !harness.region.read(caught_up) {
        let decided = harness.figures.values("PredictedHitRate", &[]).len();
        assert_eq!(
            decided, decisions,
            "nothing is decided by half of the history"
        );
        assert_eq!(harness.desired(&harness.pool), 2);
        harness.pass(Duration::from_mins(1)).await;
        let now = harness.calls("DescribeScalingActivities");
        most = most.max(now - pages);
        pages = now;
    }
    let took = harness.now() - before;
    println!("caught up with in {took}, {most} pages a minute at most");
    // All at once, a day, half of it, a quarter of it; the history, and the slice for leaks.
    assert!(most <= 4 * 5 + 3, "{most} pages in a minute");
    assert!(took < Duration::from_mins(45), "{took}");
    // A claim a minute was more than a pool of two serves, though nobody came since.
    assert!(size(&harness) > 3, "{}", size(&harness));
    harness.end().await;
}
