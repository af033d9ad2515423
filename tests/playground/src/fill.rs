//! The first thing that `demo` shows: the pool fills.

use crate::demo::Demo;
use crate::failure::Failure;
use crate::story::Line;
use region::journal::Happening;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The pool fills: a line for each step when the last instance has taken it, and for each instance that is
/// ready.
pub(crate) async fn run(demo: &mut Demo<'_>) -> Result<(), Failure> {
    demo.printer.title("The pool fills")?;
    let mut launched = BTreeMap::new();
    let mut ready = BTreeSet::new();
    let mut taken: BTreeMap<&'static str, usize> = BTreeMap::new();
    while !demo.running.pool_is_full() {
        let entries = demo.next().await;
        let before = launched.len();
        for entry in &entries {
            if let Happening::Launching { instance, .. } = &entry.what {
                launched.insert(instance.clone(), entry.at);
            }
        }
        let new = launched.len() - before;
        if let Some(at) = launched.values().max().filter(|_| new > 0) {
            let text = format!("{new} instances for {}", demo.running.names.pool);
            demo.printer.line(&Line::plain(*at, "launching", text))?;
        }
        for entry in &entries {
            let (step, meaning) = match &entry.what {
                Happening::Waiting { .. } => ("booted", "wait in their launch hook"),
                Happening::AgentOnline { .. } => ("agent online", "can take commands"),
                Happening::InService { instance, .. } => {
                    ready.insert(instance.clone());
                    let text = format!("{instance} ({} of {})", ready.len(), launched.len());
                    let since = launched.get(instance).map(|began| entry.at - *began);
                    let took = since.and_then(|since| Duration::try_from(since).ok());
                    let line = Line::plain(entry.at, "ready", text);
                    demo.printer.line(&line.took(took).good_if(true))?;
                    continue;
                }
                Happening::Logged { .. } => {
                    demo.tell(entry)?;
                    continue;
                }
                _ => continue,
            };
            let count = taken.entry(step).or_default();
            *count += 1;
            if *count == launched.len() {
                let text = format!("{count} {meaning}");
                demo.printer.line(&Line::plain(entry.at, step, text))?;
            }
        }
    }
    Ok(())
}
