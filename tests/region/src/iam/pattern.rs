//! Wildcards in policies: `*` for any text, `?` for one character.

/// Whether `text` matches `pattern`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    // Most patterns are plain texts, or differ before their first wildcard.
    let Some(first) = pattern.find(['*', '?']) else {
        return pattern == text;
    };
    if !text.starts_with(&pattern[..first]) {
        return false;
    }
    let (pattern, text) = (&pattern[first..], &text[first..]);
    if pattern == "*" {
        return true;
    }
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where the last `*` was, and how far its text reaches.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(character) if *character == '?' || *character == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                Some((star_at, reach)) => {
                    *reach += 1;
                    at = *star_at + 1;
                    in_text = *reach;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|character| *character == '*')
}

/// Whether an ARN matches a pattern: each of the six parts for itself, so that a wildcard in one
/// never reaches into the next (IAM User Guide, "ARN condition operators").
pub(super) fn matches_arn(pattern: &str, arn: &str) -> bool {
    if pattern == arn {
        return true;
    }
    let patterns: Vec<&str> = pattern.splitn(6, ':').collect();
    let texts: Vec<&str> = arn.splitn(6, ':').collect();
    if patterns.len() < 6 || texts.len() < 6 {
        return matches(pattern, arn);
    }
    patterns
        .iter()
        .zip(&texts)
        .all(|(pattern, text)| matches(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_any_text() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a*c", "ac"),
            ("a?c", "abc"),
            ("*a*b", "xaybzb"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a*c", "acb"), ("a?c", "ac"), ("ab", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_wildcard_stays_in_its_part_of_an_arn() {
        let arn = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u-u:autoScalingGroupName/pool";
        let group = |part: &str| format!("arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:{part}");
        assert!(matches_arn(&group("*:autoScalingGroupName/pool"), arn));
        assert!(!matches_arn(&group("*:autoScalingGroupName/p"), arn));
        assert!(!matches_arn("arn:*:pool", arn));
        assert!(matches_arn("*", arn) && matches_arn("*", "*"));
        assert!(!matches_arn(&group("*"), "*"), "a resource is no \"all\"");
    }
}
