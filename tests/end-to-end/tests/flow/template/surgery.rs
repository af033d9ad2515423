//! Takes parts out of the template's text.

/// The template's text without the value at `path`, and without what that leaves empty.
///
/// A path names keys, outermost first; keys in between may be left out.
///
/// # Panics
/// When there is nothing at the path.
pub(crate) fn without(text: &str, path: &[&str]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut within = 0..lines.len();
    let mut parents = Vec::new();
    for key in path {
        let at = within
            .clone()
            .find(|line| key_of(lines[*line]) == Some(key))
            .unwrap_or_else(|| panic!("the template has no {path:?}: there is no {key}"));
        within = block(&lines, at);
        parents.push(at);
    }
    lines.drain(within);
    parents.pop();
    while let Some(parent) = parents.pop() {
        let empty = block(&lines, parent)
            .skip(1)
            .all(|line| is_blank(lines[line]));
        let value_follows = lines[parent].trim_end().ends_with(':');
        if !empty || !value_follows {
            break;
        }
        lines.remove(parent);
    }
    lines.join("\n") + "\n"
}

/// The line of a key, and the deeper ones after it.
fn block(lines: &[&str], at: usize) -> std::ops::Range<usize> {
    let depth = indentation(lines[at]);
    let mut end = at + 1;
    for (index, line) in lines.iter().enumerate().skip(at + 1) {
        if is_blank(line) {
            continue;
        }
        if indentation(line) <= depth {
            break;
        }
        end = index + 1;
    }
    at..end
}

fn key_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("- ").unwrap_or(line);
    let (key, rest) = line.split_once(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(key)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

const TEXT: &str = "\
Resources:
  A:
    Type: X
    # about it
    Events:
      One:
        Type: SQS

        Properties: {a: b}
  B: {Type: Y}
";

#[test]
fn a_value_goes_with_all_that_is_in_it() {
    assert_eq!(
        without(TEXT, &["Resources", "A"]),
        "Resources:\n  B: {Type: Y}\n"
    );
    let without_properties = TEXT.replace("        Properties: {a: b}\n", "");
    assert_eq!(
        without(TEXT, &["A", "One", "Properties"]),
        without_properties
    );
}

#[test]
fn what_it_leaves_empty_goes_too() {
    assert_eq!(
        without(TEXT, &["A", "Events", "One"]),
        "Resources:\n  A:\n    Type: X\n    # about it\n  B: {Type: Y}\n"
    );
}

#[test]
#[should_panic(expected = "there is no Two")]
fn what_is_not_there_cannot_be_taken_out() {
    without(TEXT, &["A", "Two"]);
}
