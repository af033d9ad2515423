use super::*;
use crate::testing::{self, ZERO, message, names};
use ready_pool_core::reason::Reason;
use region::journal::Entry;
use region::settings::Settings;
use serde_json::{Value, json};

/// Claim `c-<n>` is sent at second n and ends so many seconds later.
fn progress(claims: &[(u64, Option<(u64, Reason)>)]) -> Progress {
    let mut entries = Vec::new();
    let mut happens = |seconds, what| {
        let at = ZERO + Duration::from_secs(seconds);
        entries.push(Entry { at, what });
    };
    for (sent, end) in claims {
        let id = format!("c-{sent}");
        happens(*sent, testing::claim(&id));
        if let Some((after, reason)) = end {
            let outcome = testing::outcome(&id, "t", *reason);
            happens(sent + after, message("s-outcome", &outcome));
        }
    }
    entries.sort_by_key(|entry| entry.at);
    let mut progress = Progress::new(names());
    for entry in &entries {
        progress.follow(entry);
    }
    progress
}

fn snapshot(progress: &Progress) -> Snapshot {
    let world = World::new(Settings::default(), ZERO);
    Snapshot::of(&world, &names(), progress, &[], &VecDeque::new())
}

#[test]
fn the_line_is_who_has_no_instance() {
    let shot = snapshot(&progress(&[
        (3, None),
        (5, None),
        (1, Some((1, Reason::Initialised))),
    ]));
    let since = Moment::from(ZERO + Duration::from_secs(3));
    let line = WaitingLine {
        waiting: 2,
        oldest: Some(since),
    };
    assert_eq!(shot.line, line);
    assert_eq!(snapshot(&progress(&[])).line, WaitingLine::default());
}

#[test]
fn claims_are_shown_newest_first_and_open_ones_always() {
    let mut claims = vec![(0, None)];
    claims.extend((1..40).map(|sent| (sent, Some((100, Reason::Initialised)))));
    let shot = snapshot(&progress(&claims));
    let ids: Vec<&str> = shot.claims.iter().map(|claim| claim.id.as_str()).collect();
    assert_eq!(ids.len(), ENDED_SHOWN + 1);
    assert_eq!((ids[0], ids[ENDED_SHOWN]), ("c-39", "c-0"));
}

#[test]
fn older_claims_are_found_by_what_is_known_of_them() {
    let mut claims: Vec<_> = (0..150)
        .map(|sent| (sent, Some((1, Reason::Initialised))))
        .collect();
    claims.push((150, Some((1, Reason::ScriptFailed))));
    claims.extend((200..200 + ENDED_SHOWN as u64).map(|sent| (sent, Some((1, Reason::Expired)))));
    claims.push((300, None));
    let progress = progress(&claims);
    assert_eq!(snapshot(&progress).older, 151);
    let all = Older::of(&progress, "");
    assert_eq!((all.found, all.claims.len()), (151, OLDER_SHOWN));
    assert_eq!(
        (all.claims[0].id.as_str(), all.claims[1].id.as_str()),
        ("c-150", "c-149")
    );
    let found = |text: &str| -> Vec<String> {
        let found = Older::of(&progress, text).claims.into_iter();
        found.map(|claim| claim.id).collect()
    };
    assert_eq!(found("c-77"), ["c-77"]);
    assert_eq!(found("script_failed"), ["c-150"]);
    // Those that are shown anyway, and open ones, are no older ones.
    assert!(found("expired").is_empty() && found("c-300").is_empty());
}

#[test]
fn the_plot_has_the_last_ready_claims_and_their_percentiles() {
    let mut claims: Vec<_> = (0..100)
        .map(|sent| (sent, Some((sent + 1, Reason::Initialised))))
        .collect();
    claims.push((100, Some((900, Reason::Expired))));
    let latencies = snapshot(&progress(&claims)).latencies;
    assert_eq!(latencies.claims.len(), PLOTTED);
    assert_eq!(latencies.claims[0].id, "c-40");
    // 41 s to 100 s: the 30th and the last of sixty.
    assert_eq!(
        (latencies.p50, latencies.p99),
        (Some(70_000), Some(100_000))
    );
    assert_eq!(snapshot(&progress(&[])).latencies, Latencies::default());
}

#[test]
fn it_is_json_as_the_page_reads_it() {
    let shot = snapshot(&progress(&[(0, None), (1, Some((2, Reason::Expired)))]));
    let json = serde_json::to_value(&shot).unwrap();
    let zero = Value::from(i64::try_from(ZERO.unix_timestamp_nanos() / 1_000_000).unwrap());
    assert_eq!(
        json.pointer("/claims/1/steps/0/step"),
        Some(&json!("message"))
    );
    assert_eq!(
        json.pointer("/claims/1/steps/0/phase"),
        Some(&json!("waiting"))
    );
    assert_eq!(json.pointer("/claims/1/steps/0/at"), Some(&zero));
    assert_eq!(
        json.pointer("/claims/0/end/outcome"),
        Some(&json!("failed"))
    );
    assert_eq!(json.pointer("/outcomes/0/took"), Some(&json!(2_000)));
    assert_eq!(json.pointer("/troubles/throttles"), Some(&json!(false)));
}
