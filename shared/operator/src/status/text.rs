//! How everything stands, for people.

use super::view::{Counts, Status};
use crate::failure::Failure;
use crate::pool::State;
use crate::screen::{Screen, Tone};
use crate::words;
use std::collections::BTreeSet;

/// More open claims than this are counted only.
const SHOWN_CLAIMS: usize = 20;

/// Prints it.
pub(super) fn print(status: &Status, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let pool = &status.pool;
    screen.heading(&format!(
        "{} in {}, {}",
        status.stack,
        status.region,
        words::moment(status.at)
    ))?;
    let kept = pool.kept_ready;
    let kept = kept.map_or_else(String::new, |kept| {
        format!(", {kept} kept ready by its hit rate")
    });
    let size = format!(
        "{} ready of {} wanted{kept}, at most {} ({})",
        pool.ready, pool.desired, pool.max, pool.group
    );
    screen.field("pool", &size, status.tone())?;
    for line in zones(status) {
        screen.field("", &line, Tone::Plain)?;
    }
    if let Some(paused) = status.paused.words() {
        screen.field("paused", &paused, Tone::Doubtful)?;
    }
    for (label, names) in [
        ("queues", &["provision", "init", "outcome"][..]),
        (
            "",
            &[
                "rejected",
                "provision-dead-letter",
                "init-dead-letter",
                "events-dead-letter",
            ][..],
        ),
    ] {
        let texts: Vec<String> = names
            .iter()
            .filter_map(|name| {
                let counts = *status.queues.get(name)?;
                // Nobody but people reads what lies there: none of it is in work.
                let text = if label.is_empty() {
                    for_people(counts)
                } else {
                    queue(counts)
                };
                Some(format!("{name} {text}"))
            })
            .collect();
        screen.field(label, &texts.join("; "), Tone::Plain)?;
    }
    claims(status, screen)?;
    for text in &status.attention {
        screen.field("look at", text, Tone::Bad)?;
    }
    Ok(())
}

/// A table: a line for each zone, a column for each state that any member is in.
fn zones(status: &Status) -> Vec<String> {
    let census = &status.pool.census;
    let mut columns: BTreeSet<State> = census.states.keys().copied().collect();
    columns.extend([State::Ready, State::Booting]);
    let widest = census
        .zones
        .keys()
        .map(String::len)
        .max()
        .unwrap_or_default();
    let head: Vec<String> = columns
        .iter()
        .map(|state| state.words().to_owned())
        .collect();
    let mut lines = vec![format!("{:widest$}  {}", "", head.join("  "))];
    for (zone, counts) in &census.zones {
        let cells: Vec<String> = columns
            .iter()
            .map(|state| {
                let count = counts.get(state).copied().unwrap_or_default();
                format!("{count:>width$}", width = state.words().len())
            })
            .collect();
        lines.push(format!("{zone:widest$}  {}", cells.join("  ")));
    }
    lines
}

fn queue(counts: Counts) -> String {
    let mut text = counts.visible.to_string();
    if counts.in_flight > 0 {
        text = format!("{text} and {} in flight", counts.in_flight);
    }
    if counts.delayed > 0 {
        text = format!("{text} and {} delayed", counts.delayed);
    }
    text
}

fn for_people(counts: Counts) -> String {
    let all = counts.all();
    match counts.in_flight {
        0 => all.to_string(),
        read => format!("{all} ({read} being read)"),
    }
}

fn claims(status: &Status, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let open = &status.open_claims;
    let targets = words::count(status.targets, "target", "targets");
    let mut text = format!("{} open, on {targets}", open.len());
    if status.retiring > 0 {
        let retiring = words::count(status.retiring, "instance", "instances");
        text = format!("{text}; {retiring} on the way out");
    }
    screen.field("claims", &text, Tone::Plain)?;
    for claim in open.iter().take(SHOWN_CLAIMS) {
        let instance = claim.instance_id.as_deref();
        let text = format!(
            "{} for {}: {}, attempt {}, {}",
            claim.claim_id,
            claim.target_group,
            instance.unwrap_or("waits for another instance"),
            claim.attempt,
            words::deadline(claim.expires_at, status.at)
        );
        screen.field("", &text, Tone::Plain)?;
    }
    if open.len() > SHOWN_CLAIMS {
        let more = format!("and {} more (--json has all)", open.len() - SHOWN_CLAIMS);
        screen.field("", &more, Tone::Quiet)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::view::tests::seen;

    #[test]
    fn a_message_that_somebody_reads_lies_on_its_queue_all_the_same() {
        let mut counts = Counts {
            in_flight: 67,
            ..Counts::default()
        };
        assert_eq!(for_people(counts), "67 (67 being read)");
        assert_eq!(queue(counts), "0 and 67 in flight");
        counts.in_flight = 0;
        assert_eq!(for_people(counts), "0");
    }

    #[test]
    fn the_status_is_a_few_lines() {
        let mut seen = seen();
        let mut target = crate::pool::tests::group("tenant", &[]);
        target.tags.insert(
            "ready-pool:claim/c-1".to_owned(),
            "v1 i-00000009 1 assigned 2026-11-29T13:10:00Z".to_owned(),
        );
        seen.targets.groups.push(target);
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut screen = Screen::plain(&mut out, &mut errors);
        print(&Status::of(&seen), &mut screen).unwrap();
        let printed = String::from_utf8(out).unwrap();
        assert_eq!(
            printed,
            "rp in eu-west-1, 2026-11-29 13:00:00 UTC
  pool        1 ready of 2 wanted, at most 10 (rp-pool)
                 ready  booting
              a      1        1
              b      0        0
  queues      provision 0; init 0; outcome 0
              rejected 0; provision-dead-letter 0; init-dead-letter 0; events-dead-letter 0
  claims      1 open, on 1 target
              c-1 for tenant: i-00000009, attempt 1, until 13:10:00 (in 10 min)
"
        );
    }
}
