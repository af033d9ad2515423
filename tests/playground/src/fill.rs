//! The first thing that `demo` shows: the pool fills.

use crate::demo::Demo;
use crate::failure::Failure;
use crate::story::Line;
use region::journal::Happening;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So often in a row a function's program ends before one that cannot start is recognised.
const MOST_CRASHES: usize = 3;

/// How often each function's program has ended without an answer, since its last answer.
#[derive(Default)]
struct Crashes(BTreeMap<String, usize>);

impl Crashes {
    /// Fails once a program has ended too often: it never starts, by its configuration or its environment, and no pool
    /// will be filled.
    fn see<T>(&mut self, function: &str, result: &Result<T, String>) -> Result<(), Failure> {
        let crashes = self.0.entry(function.to_owned()).or_default();
        *crashes = match result {
            Err(error) if error.contains("Runtime.ExitError") => *crashes + 1,
            _ => 0,
        };
        if *crashes < MOST_CRASHES {
            return Ok(());
        }
        Err(Failure::NotReady(format!(
            "{function} ends as soon as it is started: see its log"
        )))
    }
}

/// The pool fills: a line for each step when the last instance has taken it, and for each instance that is
/// ready.
pub(crate) async fn run(demo: &mut Demo<'_>) -> Result<(), Failure> {
    demo.printer.title("The pool fills")?;
    let mut launched = BTreeMap::new();
    let mut ready = BTreeSet::new();
    let mut crashes = Crashes::default();
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
                Happening::Waiting { .. } => ("booted", "waits in its launch hook"),
                Happening::AgentOnline { .. } => ("agent online", "can take commands"),
                Happening::Returned {
                    function, result, ..
                } => {
                    crashes.see(function, result)?;
                    continue;
                }
                Happening::InService { instance, .. } => {
                    ready.insert(instance.clone());
                    let text = format!("{instance} ({} of {})", ready.len(), launched.len());
                    let since = launched.get(instance).map(|began| entry.at - *began);
                    let took = since.and_then(|since| Duration::try_from(since).ok());
                    let line = Line::plain(entry.at, "in service", text);
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
                let text = format!("the last of {count} {meaning}");
                demo.printer.line(&Line::plain(entry.at, step, text))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_never_starts_is_recognised_and_one_that_crashes_now_and_then_is_not() {
        let exited: Result<(), String> =
            Err("Runtime.ExitError: RequestId: 1 Error: Runtime exited".to_owned());
        let mut crashes = Crashes::default();
        for _ in 0..5 {
            assert!(crashes.see("a", &exited).is_ok());
            assert!(crashes.see("a", &exited).is_ok());
            assert!(crashes.see("a", &Ok(())).is_ok());
        }
        assert!(crashes.see("b", &exited).is_ok());
        assert!(crashes.see("a", &exited).is_ok());
        assert!(crashes.see("a", &exited).is_ok());
        let failure = crashes.see("a", &exited).unwrap_err().to_string();
        assert_eq!(failure, "a ends as soon as it is started: see its log");
    }
}
