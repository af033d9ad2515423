//! A plan in words: what was read, the table, the verdict, what to set.

use crate::figures::{counted, dollars, duration, hours};
use crate::plan::{Input, Plan};
use crate::row::{Kind, Row};
use crate::table::table;
use crate::verdict::Verdict;

/// The table's headings, in two lines.
pub const HEADINGS: [[&str; 2]; 9] = [
    ["policy", ""],
    ["hit %", "(± by days)"],
    ["wait", "p50"],
    ["wait", "p99"],
    ["longest", "wait"],
    ["ready", "(mean)"],
    ["idle $", "a month"],
    ["unused", "a day"],
    ["$ per minute", "avoided"],
];

/// Which columns a narrow terminal does without, the first one first. The page and `--json` have all.
const DISPENSABLE: [usize; 3] = [2, 7, 4];

/// The table's cells of a row, as the headings have them.
pub fn cells(row: &Row) -> [String; 9] {
    let is_pool = row.kind != Kind::None;
    let or_none = |text: String| if is_pool { text } else { "0".to_owned() };
    let hit = match row.hit_standard_error {
        Some(error) if is_pool => format!("{:.2} ± {error:.2}", row.hit_percent),
        _ => format!("{:.2}", row.hit_percent),
    };
    let minute = row
        .dollars_per_avoided_minute
        .map_or("-".to_owned(), dollars);
    [
        row.kind.to_string(),
        or_none(hit),
        duration(row.wait_p50_seconds),
        duration(row.wait_p99_seconds),
        duration(row.wait_max_seconds),
        or_none(format!("{:.1}", row.ready_mean)),
        or_none(dollars(row.idle_dollars_a_month)),
        or_none(format!("{:.1}", row.terminated_a_day)),
        minute,
    ]
}

/// Everything, for a terminal of this width; as long as it is where there is none.
pub fn text(plan: &Plan, width: Option<usize>) -> String {
    let mut text = paragraphs(&read(&plan.input), width);
    text.push('\n');
    let above = HEADINGS.map(|[above, _]| above.to_owned());
    let below = HEADINGS.map(|[_, below]| below.to_owned());
    let lines: Vec<_> = [above, below]
        .into_iter()
        .chain(plan.rows.iter().map(cells))
        .collect();
    text.push_str(&table(&lines, &DISPENSABLE, width));
    text.push('\n');
    text.push_str(&paragraphs(&conclusions(plan), width));
    text
}

/// Each on lines of its own, wrapped between words.
pub(crate) fn paragraphs(all: &[String], width: Option<usize>) -> String {
    let lines = all.iter().map(|paragraph| match width {
        Some(width) => textwrap::fill(paragraph, width) + "\n",
        None => format!("{paragraph}\n"),
    });
    lines.collect()
}

/// What was read.
pub fn read(input: &Input) -> Vec<String> {
    // Of minutes nobody wants to know how many a day that would be.
    let rate = if input.days < 1.0 {
        String::new()
    } else {
        format!(" ({:.1} a day)", input.claims_a_day)
    };
    let failed = match input.failed_launches {
        0 => String::new(),
        failed => format!("; {} failed", counted(failed, "launch", "launches")),
    };
    let mean = duration(input.lead_mean_seconds);
    let mut lines = vec![
        format!(
            "{}, {}{rate}; the first {} are used for learning only. Longest time without a claim: {}.",
            hours(input.days * 24.0),
            counted(input.claims, "claim", "claims"),
            hours(input.unscored_days * 24.0),
            hours(input.longest_gap_hours)
        ),
        if input.launches == 1 {
            format!("Lead time: {mean}{failed}.")
        } else {
            let p95 = duration(input.lead_p95_seconds);
            format!(
                "{} lead times: mean {mean}, p95 {p95}{failed}.",
                input.launches
            )
        },
    ];
    if let Some(empty) = input.empty {
        lines.push(format!(
            "The pool was empty for about {:.2} % of the time: demand then is counted when it was served.",
            empty * 100.0
        ));
    }
    if input.is_guess {
        lines.push(
            "Less than seven days are counted, or there are less than 200 claims: these figures are guesses."
                .to_owned(),
        );
    }
    lines
}

/// The verdict, and what follows.
pub fn conclusions(plan: &Plan) -> Vec<String> {
    let mut paragraphs = vec![format!("Verdict: {}", verdict(plan))];
    if plan.out_of_reach > 0.0 {
        paragraphs.push(format!(
            "For {:.1} % of the time {} % was out of reach: bursts without warning. Waiting claims are served in line.",
            plan.out_of_reach * 100.0,
            plan.hit_rate_percent
        ));
    }
    let capped = plan.rows.iter().find(|row| is_asked(row, plan));
    if let Some(row) = capped.filter(|row| row.at_the_maximum > 0.001) {
        paragraphs.push(format!(
            "The size is at PoolMaxSize for {:.1} % of the time: raise it, or accept the waits.",
            row.at_the_maximum * 100.0
        ));
    }
    if plan.saved_by_half_the_lead_percent > 0.0 {
        paragraphs.push(format!(
            "If a launch took half as long, {:.0} % less would idle.",
            plan.saved_by_half_the_lead_percent
        ));
    }
    if let Some(stopped) = &plan.stopped {
        paragraphs.push(if stopped.saved_percent > 0.5 {
            format!(
                "A stopped tier: {} ready and {} stopped instances cost {} a month, where {} ready ones cost {}: {:.0} % less, for a fixed size.",
                stopped.two_tiers.ready,
                stopped.two_tiers.stopped,
                dollars(stopped.two_tiers.dollars_a_month),
                stopped.one_tier.ready,
                dollars(stopped.one_tier.dollars_a_month),
                stopped.saved_percent
            )
        } else {
            format!(
                "A stopped tier saves nothing: {} ready instances cost {} a month either way.",
                stopped.one_tier.ready,
                dollars(stopped.one_tier.dollars_a_month)
            )
        });
    }
    if let Some(set) = plan.parameters {
        paragraphs.push(format!("Parameters: {set}"));
    }
    paragraphs
}

/// Whether it is the row of the rate that is judged.
pub fn is_asked(row: &Row, plan: &Plan) -> bool {
    let asked = Kind::Auto {
        hit_rate_percent: plan.hit_rate_percent,
    };
    row.kind == asked
}

/// The verdict in a line.
pub fn headline(plan: &Plan) -> String {
    let asked = plan.hit_rate_percent;
    let cost = idle_dollars(plan, |row| is_asked(row, plan));
    match &plan.verdict {
        Verdict::NothingToGain { .. } => {
            "Nothing to gain: a launch is about as fast as the pool".to_owned()
        }
        Verdict::TooLittleHistory { .. } => "Too little history to say".to_owned(),
        Verdict::NotWorthIt {
            asked_dollars_per_avoided_minute: Some(each),
            ..
        } => format!(
            "Not worth it: at {asked} % a minute that nobody waits costs {}, and is worth {}",
            dollars(*each),
            dollars(plan.minute_is_worth)
        ),
        Verdict::NotWorthIt { .. } => "Not worth it: the pool spares nobody a wait".to_owned(),
        Verdict::LowerHitRate {
            hit_rate_percent, ..
        } => format!(
            "{hit_rate_percent} % is enough: the last waits that {asked} % avoids are not worth their money"
        ),
        Verdict::WorthIt {
            as_good_as_static: Some(size),
            ..
        } => format!(
            "Demand is flat: a fixed PoolSize of {size} costs {} a month of idle instances, sizing by hit rate {}",
            idle_dollars(plan, |row| is_fixed(row, *size)),
            cost
        ),
        Verdict::WorthIt { saved_percent, .. } => {
            let saved = saved_percent.zip(plan.best_static);
            let saved = saved.map_or(String::new(), |(saved, size)| {
                format!(", {saved:.0} % less than a fixed size of {size}")
            });
            format!(
                "{asked} % of claims served at once for {cost} a month of idle instances{saved}"
            )
        }
    }
}

/// The verdict as a sentence.
pub fn verdict(plan: &Plan) -> String {
    let asked = plan.hit_rate_percent;
    let worth = dollars(plan.minute_is_worth);
    let or_dash = |figure: Option<f64>| figure.map_or("-".to_owned(), dollars);
    match &plan.verdict {
        Verdict::NothingToGain {
            lead_seconds,
            hand_over_seconds,
        } => format!(
            "nothing to gain. A launch takes {}, a hand-over {}: launching when a claim comes is about as fast.",
            duration(*lead_seconds),
            duration(*hand_over_seconds)
        ),
        Verdict::TooLittleHistory { days, claims } => format!(
            "too little history. {days:.1} days and {} are too few: come back with seven days and 200 claims.",
            counted(*claims, "claim", "claims")
        ),
        Verdict::NotWorthIt {
            asked_dollars_per_avoided_minute,
            cheapest,
            dollars_per_avoided_minute: least,
            worth_it_at_percent,
            dollars_there,
            wait_seconds,
        } => {
            let instead = match worth_it_at_percent {
                Some(rate) => format!("{rate} % would be: {} a minute", or_dash(*dollars_there)),
                None => format!("Even with \"{cheapest}\" it costs {}", or_dash(*least)),
            };
            format!(
                "not worth it. At {asked} % a minute that nobody waits costs {}, and it is worth {worth}. {instead}. Without a pool each claim waits {}, and nothing idles.",
                or_dash(*asked_dollars_per_avoided_minute),
                duration(*wait_seconds)
            )
        }
        Verdict::LowerHitRate {
            hit_rate_percent,
            dollars_per_avoided_minute,
            asked_dollars_per_last_minute,
        } => {
            let average = plan.rows.iter().find(|row| is_asked(row, plan));
            format!(
                "{hit_rate_percent} % is enough. At {asked} % a minute that nobody waits costs {}, but the last ones {}, and it is worth {worth}. At {hit_rate_percent} % it costs {}, the last ones included.",
                or_dash(average.and_then(|row| row.dollars_per_avoided_minute)),
                or_dash(*asked_dollars_per_last_minute),
                or_dash(*dollars_per_avoided_minute)
            )
        }
        Verdict::WorthIt {
            dollars_per_avoided_minute,
            saved_percent,
            as_good_as_static,
        } => {
            let price = format!(
                "At {asked} % a minute that nobody waits costs {}, and it is worth {worth}.",
                or_dash(*dollars_per_avoided_minute)
            );
            match (as_good_as_static, saved_percent) {
                (Some(size), saved) => format!(
                    "a pool is worth it, but sizing by hit rate {}. {price} Demand is flat: a fixed PoolSize of {size} costs {} a month of idle instances, sizing by hit rate {}.",
                    if saved.is_some_and(|saved| saved > 0.0) {
                        "saves little"
                    } else {
                        "is not"
                    },
                    idle_dollars(plan, |row| is_fixed(row, *size)),
                    idle_dollars(plan, |row| is_asked(row, plan))
                ),
                (None, Some(saved)) => format!(
                    "a pool is worth it. {price} Sizing by hit rate idles {saved:.0} % less than the smallest fixed size that reaches it."
                ),
                (None, None) => format!("a pool is worth it. {price}"),
            }
        }
    }
}

fn is_fixed(row: &Row, size: u32) -> bool {
    row.kind == Kind::Static { size }
}

/// What the policy of this row idles in a month.
fn idle_dollars(plan: &Plan, is: impl Fn(&Row) -> bool) -> String {
    let row = plan.rows.iter().find(|row| is(row));
    row.map_or("-".to_owned(), |row| dollars(row.idle_dollars_a_month))
}
