//! What AWS answered last to a claim's calls: for its outcome, where it expires over them.
//!
//! In memory only: another environment of this function does not know it, and the outcome then goes without.

use ready_pool_core::call_error::CallError;
use ready_pool_core::claim::Claim;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Claims that are remembered at most; beyond that all are forgotten.
const MOST: usize = 1_000;
/// Characters of AWS's words that an outcome carries.
const LONGEST: usize = 600;
/// A value that is shorter may stand in any text by chance.
const SHORTEST_QUOTE: usize = 4;

/// AWS's last words on each claim.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Arc<Mutex<BTreeMap<String, String>>>);

impl Refusals {
    /// Remembers an answer.
    pub(crate) fn remember(&self, claim: &Claim, error: &CallError) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(claim.key().to_string(), words(claim, error));
    }

    /// What was remembered.
    pub(crate) fn of(&self, key: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    /// The claim goes on, or has ended.
    pub(crate) fn forget(&self, key: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(key);
    }
}

/// AWS's words, as far as they quote nothing of the claim: what is in its script is nobody's to read.
pub(crate) fn words(claim: &Claim, error: &CallError) -> String {
    let (operation, code) = (error.operation, error.code.as_str());
    let init = &claim.init;
    let values = init.commands.iter().chain(init.environment.values());
    let quoted = values
        .filter(|value| value.len() >= SHORTEST_QUOTE)
        .any(|value| error.message.contains(value.as_str()));
    if quoted {
        return format!("{operation} failed: {code} (its text quotes the claim)");
    }
    let message: String = error.message.chars().take(LONGEST).collect();
    format!("{operation} failed: {code}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ready_pool_core::claim::Init;
    use ready_pool_core::ids::{ClaimId, GroupName};
    use time::macros::datetime;

    fn claim() -> Claim {
        Claim::new(
            ClaimId::try_from("a").unwrap(),
            GroupName::try_from("tenant").unwrap(),
            Init {
                environment: BTreeMap::from([("TOKEN".to_owned(), "hush-hush".to_owned())]),
                ..Init::new(["login"])
            },
            datetime!(2026-11-22 20:15 UTC),
        )
    }

    #[test]
    fn the_last_answer_is_remembered_until_the_claim_goes_on() {
        let refusals = Refusals::default();
        let key = claim().key().to_string();
        assert_eq!(refusals.of(&key), None);
        for message in ["first", "second"] {
            let error = CallError::answered("SendCommand", "InvalidDocument", message, 400);
            refusals.remember(&claim(), &error);
        }
        let known = refusals.of(&key);
        assert_eq!(
            known.as_deref(),
            Some("SendCommand failed: InvalidDocument: second")
        );
        refusals.forget(&key);
        assert_eq!(refusals.of(&key), None);
    }

    #[test]
    fn words_that_quote_the_claim_are_kept_from_its_outcome() {
        for quoted in ["hush-hush", "login"] {
            let message = format!("Value '{quoted}' at 'parameters' failed");
            let error = CallError::answered("SendCommand", "InvalidParameters", &message, 400);
            let words = words(&claim(), &error);
            assert!(!words.contains(quoted), "{words}");
            assert!(words.contains("InvalidParameters"), "{words}");
        }
        let long = "x".repeat(10_000);
        let error = CallError::answered("SendCommand", "InvalidParameters", &long, 400);
        assert!(words(&claim(), &error).len() < 1_000);
    }
}
