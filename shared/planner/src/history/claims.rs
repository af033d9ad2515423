//! Times of claims as CSV.
//!
//! Each line is a time (RFC 3339 or Unix seconds) and, optionally, how many claims came then. Or,
//! after a note `# start: <time>` and the heading `minute,count`, minutes since that time. Where
//! there are counts they are spread at random over the time to the next possible line.

use super::{History, ReadError, read_time};
use crate::demand::{Demand, MINUTE};
use csv::{ReaderBuilder, StringRecord, Trim};

/// Counts stand for an hour at most.
const LONGEST_INTERVAL: i64 = 3_600_000;
/// More claims at once are a mistake.
const MOST: u32 = 1_000_000;

/// Reads claims; `seed` spreads counts.
pub fn read_claims(text: &str, seed: u64) -> Result<History, ReadError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .comment(Some(b'#'))
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut start = None;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        if index == 0 && record.iter().eq(["minute", "count"]) {
            start = Some(read_start(text).ok_or(ReadError::Line {
                line,
                what: "minutes need a note above them: # start: 2026-11-23T00:00:00Z",
            })?);
            continue;
        }
        match read_row(&record, start) {
            // A heading, whatever it says.
            Err(_) if index == 0 => {}
            Err(what) => return Err(ReadError::Line { line, what }),
            Ok(row) => rows.push(row),
        }
    }
    let interval = if start.is_some() {
        MINUTE.cast_signed()
    } else {
        interval(&rows)
    };
    // A line without a claim belongs to the history, too.
    let first = start.or_else(|| rows.iter().map(|(at, _)| *at).min());
    let last = rows
        .iter()
        .map(|(at, count)| {
            if count.is_some() {
                at + interval.max(1) - 1
            } else {
                *at
            }
        })
        .max();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut claims = Vec::new();
    for (at, count) in rows {
        match count {
            None => claims.push(at),
            Some(count) => claims.extend((0..count).map(|_| at + random.i64(0..interval.max(1)))),
        }
    }
    if claims.is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(History {
        demand: Demand::of_unix_milliseconds(claims, first, last).ok_or(ReadError::Empty)?,
        leads: None,
        failed_launches: 0,
        empty: None,
        group: None,
    })
}

fn read_start(text: &str) -> Option<i64> {
    let notes = text.lines().take_while(|line| line.starts_with('#'));
    notes
        .filter_map(|note| note.trim_start_matches('#').trim().strip_prefix("start:"))
        .find_map(|time| read_time(time.trim()))
}

/// A time in Unix milliseconds, and a count where there is one.
fn read_row(record: &StringRecord, start: Option<i64>) -> Result<(i64, Option<u32>), &'static str> {
    let first = record.get(0).unwrap_or_default();
    let at = match start {
        Some(start) => first
            .parse::<u32>()
            .map(|minute| start + i64::from(minute) * MINUTE.cast_signed())
            .map_err(|_| "the first column must be minutes since the start")?,
        None => {
            read_time(first).ok_or("the first column must be a time: RFC 3339, or Unix seconds")?
        }
    };
    let count = match record.get(1) {
        None | Some("") => None,
        Some(count) => match count.parse() {
            Ok(count) if count <= MOST => Some(count),
            _ => return Err("the second column must be how many claims came, or be left out"),
        },
    };
    Ok((at, count))
}

/// The least distance of two lines that have counts.
fn interval(rows: &[(i64, Option<u32>)]) -> i64 {
    let counted = rows.iter().filter(|(_, count)| count.is_some());
    let mut times: Vec<i64> = counted.map(|(at, _)| *at).collect();
    times.sort_unstable();
    times.dedup();
    let distances = times.windows(2).filter_map(|pair| match pair {
        [first, second] => Some(second - first),
        _ => None,
    });
    distances.min().unwrap_or(0).min(LONGEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Vec<u64> {
        read_claims(text, 1).unwrap().demand.claims
    }

    #[test]
    fn a_line_is_a_time() {
        let expected = [0, 90_000];
        assert_eq!(
            claims("2026-11-23T00:00:00Z\n2026-11-23T00:01:30Z\n"),
            expected
        );
        assert_eq!(claims("time,id\n1795392090,\n1795392000,\n"), expected);
        assert_eq!(
            claims("\"sent at\"\n\n1795392090\n# a note\n1795392000"),
            expected
        );
    }

    #[test]
    fn counts_are_spread_until_the_next_line() {
        let text = "1795392000,3\n1795392300,0\n1795392600,2\n";
        let spread = claims(text);
        assert_eq!(spread.len(), 5);
        assert!(spread[..3].iter().all(|at| *at < 300_000));
        assert!(spread[3..].iter().all(|at| (600_000..900_000).contains(at)));
        assert_ne!(spread[0], spread[1]);
        assert_eq!(spread, claims(text), "the same with the same seed");
    }

    #[test]
    fn minutes_count_from_their_start() {
        let history = read_claims(
            "# start: 2026-11-23T00:00:00+00:00\n# licence: none\nminute,count\n2,1\n5,2\n",
            7,
        )
        .unwrap();
        assert_eq!(history.demand.minutes, 6);
        assert_eq!(history.demand.by_minute(), [0, 0, 1, 0, 0, 2]);
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        for (text, line) in [
            ("1795392000\nnoon\n", 2),
            ("1795392000\n1795392000,many\n", 2),
            ("minute,count\n1,1\n", 1),
            (
                "# start: 2026-11-23T00:00:00Z\nminute,count\n1,1\n-1,1\n",
                4,
            ),
        ] {
            match read_claims(text, 1) {
                Err(ReadError::Line { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(read_claims("time\n", 1), Err(ReadError::Empty)));
    }
}
