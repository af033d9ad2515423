//! The section `Rules`: what parameters must hold together, asked before anything is made.

use super::Error;
use super::parameters::text_of;
use super::resolve::Scope;
use serde_json::Value;

/// Fails with the description of the first assertion that does not hold.
pub(super) fn check(scope: &Scope, rules: &Value) -> Result<(), Error> {
    for (name, rule) in rules.as_object().into_iter().flatten() {
        let place = format!("Rules.{name}");
        if let Some(condition) = rule.get("RuleCondition")
            && !scope.holds(condition, &place)?
        {
            continue;
        }
        let assertions = rule.get("Assertions").and_then(Value::as_array);
        let assertions = assertions.ok_or_else(|| Error::new(&place, "has no Assertions"))?;
        for assertion in assertions {
            if !scope.holds(&assertion["Assert"], &place)? {
                let why = assertion.get("AssertDescription").and_then(text_of);
                let why = why.unwrap_or_else(|| "an assertion does not hold".to_owned());
                return Err(Error::new(&place, why));
            }
        }
    }
    Ok(())
}
