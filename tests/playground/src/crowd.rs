//! `demo --claims N`: many claims at once, and what came of them in figures.

use crate::claims::{self, Claim};
use crate::demo::Demo;
use crate::failure::Failure;
use crate::patience::{patience, within};
use crate::print::seconds;
use crate::story::Line;
use crate::summary::Summary;
use futures::future::try_join_all;
use region::journal::Entry;
use std::collections::BTreeSet;

/// Lines that tell the progress.
const PROGRESS_LINES: usize = 10;

/// Sends `count` claims for as many targets, sums up when all have ended, and waits until the pool is back at
/// its size.
pub(crate) async fn run(demo: &mut Demo<'_>, count: u32, pool: u32) -> Result<(), Failure> {
    let claims: Vec<Claim> = (1..=count as usize).map(Claim::of_organisation).collect();
    demo.printer
        .title(&format!("{count} claims at once, for {count} targets"))?;
    let running = demo.running;
    let client = running.client();
    try_join_all(claims.iter().map(|claim| claim.create_target(&client))).await?;
    demo.next().await;
    for claim in &claims {
        claim.send(&client).await?;
    }
    let limit = patience(&running.settings, count / pool.max(1) + 1);
    let mut entries = Vec::new();
    let every_claim = outcomes(demo, claims.len(), &mut entries);
    within(limit, "not every claim has an outcome", every_claim).await?;
    let summary = Summary::of(&entries, &running.names);
    for line in summary.lines() {
        demo.printer.text(&line)?;
    }
    demo.printer.text("")?;
    let ready = summary.ready();
    let last = summary.last_ready().map(seconds).unwrap_or_default();
    let latencies = running.latencies();
    let verdict = format!("{ready} of {count} ready, the last after {last}, {latencies}");
    if ready < claims.len() {
        return Err(Failure::NotReady(verdict));
    }
    let full = running
        .how_to_see_full_latencies(&format!("cargo demo --claims {count} --pool-size {pool}"));
    demo.printer.good(&format!("{verdict}{full}"))?;
    demo.printer.title("The pool refills")?;
    within(limit, "the pool was not refilled", async {
        while !running.pool_is_full() {
            demo.next().await;
        }
        Ok(())
    })
    .await?;
    demo.printer.text(&format!("  It is back at {pool}."))?;
    Ok(())
}

/// Collects what happens until every claim has an outcome.
async fn outcomes(
    demo: &mut Demo<'_>,
    count: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), Failure> {
    let names = &demo.running.names;
    let mut ended = BTreeSet::new();
    let mut zero = None;
    let mut shown = 0;
    while ended.len() < count {
        for entry in demo.next().await {
            if zero.is_none() && claims::sent(&entry, names).is_some() {
                zero = Some(entry.at);
                demo.printer.zero = entry.at;
            }
            if let Some(claim) = claims::outcome(&entry, names).and_then(|outcome| outcome.claim_id)
            {
                ended.insert(claim);
                let progress = ended.len() * PROGRESS_LINES / count;
                if progress > shown {
                    shown = progress;
                    let text = format!("{} of {count} claims", ended.len());
                    demo.printer.line(&Line::plain(entry.at, "ended", text))?;
                }
            }
            entries.push(entry);
        }
    }
    Ok(())
}
