//! What an operator has paused: a tag on the pool's group.

use crate::group::Group;

/// The tag on the pool with which an operator pauses it: `claims`, `replenishing` or `all`.
pub const PAUSE_TAG: &str = "ready-pool:pause";

/// What is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause<'a> {
    /// No claim is given an instance from the pool.
    pub claims: bool,
    /// The pool is neither filled nor renewed.
    pub replenishing: bool,
    /// The tag's value, where it is none of ours: then everything is paused, for somebody wanted
    /// something paused, and nothing is lost by waiting until they say what.
    pub misspelt: Option<&'a str>,
}

impl Group {
    /// What the tag on this group, the pool, says is paused.
    pub fn pause(&self) -> Pause<'_> {
        let Some(value) = self.tags.get(PAUSE_TAG) else {
            return Pause::default();
        };
        let (claims, replenishing, misspelt) = match value.as_str() {
            "claims" => (true, false, None),
            "replenishing" => (false, true, None),
            "all" => (true, true, None),
            other => (true, true, Some(other)),
        };
        Pause {
            claims,
            replenishing,
            misspelt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_without_the_tag_goes_on() {
        assert_eq!(Group::tagged(&[("pause", "all")]).pause(), Pause::default());
    }

    #[test]
    fn each_value_pauses_what_it_names() {
        for (value, claims, replenishing) in [
            ("claims", true, false),
            ("replenishing", false, true),
            ("all", true, true),
        ] {
            let expected = Pause {
                claims,
                replenishing,
                misspelt: None,
            };
            assert_eq!(
                Group::tagged(&[(PAUSE_TAG, value)]).pause(),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn any_other_value_pauses_everything_and_is_shown() {
        for value in ["", "claim", "All", " claims", "false"] {
            let pool = Group::tagged(&[(PAUSE_TAG, value)]);
            let pause = pool.pause();
            assert!(pause.claims && pause.replenishing, "{value:?}");
            assert_eq!(pause.misspelt, Some(value));
        }
    }
}
