//! A claim read from JSON, and what is wrong with one that cannot be read: by the path of the field, in JSON's words.
//! Whoever sent it may never have heard of Rust.

use crate::attach_when::AttachWhen;
use crate::claim::{Claim, Malformed, WhenEmpty, field};
use crate::init_failure::OnInitFailure;
use serde_json::Value;
use serde_json::error::Category;

/// serde's words for a value or a type, and JSON's.
const TYPES: [(&str, &str); 8] = [
    ("boolean", "a boolean"),
    ("string", "a string"),
    ("sequence", "a list"),
    ("a sequence", "a list"),
    ("map", "an object"),
    ("a map", "an object"),
    ("unit", "null"),
    ("Option value", "a value"),
];

/// serde's words for what is no JSON.
const SYNTAX: [(&str, &str); 16] = [
    ("EOF while parsing a list", "it ends inside a list"),
    ("EOF while parsing an object", "it ends inside an object"),
    ("EOF while parsing a string", "it ends inside a string"),
    ("EOF while parsing a value", "it ends before a value"),
    ("expected value", "a value is missing"),
    ("expected ident", "a word is not `true`, `false` or `null`"),
    ("key must be a string", "a name is not in double quotes"),
    ("trailing comma", "a comma has nothing behind it"),
    ("trailing characters", "something stands behind its end"),
    ("invalid escape", "a string has an invalid escape"),
    (
        "unexpected end of hex escape",
        "a string has half a surrogate pair",
    ),
    (
        "lone leading surrogate in hex escape",
        "a string has half a surrogate pair",
    ),
    (
        "control character (\\u0000-\\u001F) found while parsing a string",
        "a string has a control character; a line break is \\n",
    ),
    ("invalid number", "a number is invalid"),
    ("number out of range", "a number is out of range"),
    ("recursion limit exceeded", "it is nested too deeply"),
];

/// Reads a claim, without its limits.
pub(crate) fn claim(body: &str) -> Result<Claim, Malformed> {
    let message = serde_json::from_str(body).map_err(|error| not_json(body, &error))?;
    refuse_other_shapes(&message)?;
    // From the text again: only there a field that stands twice is seen.
    let reader = &mut serde_json::Deserializer::from_str(body);
    serde_path_to_error::deserialize(reader).map_err(|error| problem(&error))
}

/// serde also reads an object from a list of its fields in order, and a word from `{"word": null}`. The
/// schema has neither, and no sender shall come to rely on them. What is no word at all it calls invalid JSON.
fn refuse_other_shapes(message: &Value) -> Result<(), Malformed> {
    if !message.is_object() {
        return Err(Malformed::NotAnObject(kind(message)));
    }
    for name in ["init", "preferences", "create_target"] {
        if message.get(name).is_some_and(Value::is_array) {
            return Err(wrong(name, "a JSON object", "a list"));
        }
    }
    let words: [(&str, &[&str]); 3] = [
        ("when_empty", &WhenEmpty::ALL.map(WhenEmpty::code)),
        (
            "on_init_failure",
            &OnInitFailure::ALL.map(OnInitFailure::code),
        ),
        ("attach_when", &AttachWhen::ALL.map(AttachWhen::code)),
    ];
    for (name, words) in words {
        if let Some(value) = message.get(name).filter(|value| !value.is_string()) {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            return Err(wrong(name, &either(&words), &kind(value)));
        }
    }
    Ok(())
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// `a`, `b` or `c`.
fn either(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

fn wrong(path: &str, wanted: &str, given: &str) -> Malformed {
    field(path, &format!("must be {wanted}, and is {given}"))
}

fn not_json(body: &str, error: &serde_json::Error) -> Malformed {
    let text = without_place(error);
    let words = SYNTAX.iter().find(|(serde, _)| *serde == text);
    let words = words.map_or(text.as_str(), |(_, words)| words);
    Malformed::NotJson(if body.trim().is_empty() {
        "it is empty".to_owned()
    } else if error.classify() == Category::Eof {
        words.to_owned()
    } else {
        format!(
            "{words}, at line {} column {}",
            error.line(),
            error.column()
        )
    })
}

/// serde's words, without the line and the column in which they end.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

fn problem(error: &serde_path_to_error::Error<serde_json::Error>) -> Malformed {
    let path = error.path().to_string();
    let text = without_place(error.inner());
    let quoted = |before: &str| text.strip_prefix(before)?.strip_suffix('`');
    let expected = |before: &str, between: &str| {
        let (given, wanted) = text.strip_prefix(before)?.rsplit_once(between)?;
        Some((given, wanted.strip_prefix("one of ").unwrap_or(wanted)))
    };
    if let Some(name) = quoted("missing field `") {
        return field(&below(&path, name), "is missing");
    }
    if let Some(name) = quoted("duplicate field `") {
        return field(&below(&path, name), "stands there twice");
    }
    if let Some((name, known)) = expected("unknown field `", "`, expected ") {
        let problem = format!("is an unknown field; known are {known}");
        return field(&below(&path, name), &problem);
    }
    if let Some((given, wanted)) = expected("unknown variant `", "`, expected ") {
        let words: Vec<String> = wanted.split(", ").map(str::to_owned).collect();
        return wrong(&path, &either(&words), &format!("`{given}`"));
    }
    let kinds = ["invalid type: ", "invalid value: "];
    match kinds
        .into_iter()
        .find_map(|kind| expected(kind, ", expected "))
    {
        Some((given, wanted)) => wrong(&path, translated(wanted), &given_value(given)),
        None => field(&path, &text),
    }
}

/// The path of a field whose parent's is known; of an unknown one serde's path may have it already.
fn below(path: &str, name: &str) -> String {
    let parent = match path.rsplit_once('.') {
        Some((parent, last)) if last == name || last == "?" => parent,
        None if path == name || path == "?" => "",
        _ => path,
    };
    match parent {
        "" | "." => name.to_owned(),
        parent => format!("{parent}.{name}"),
    }
}

fn translated(words: &str) -> &str {
    let known = TYPES.iter().find(|(serde, _)| *serde == words);
    known.map_or(words, |(_, json)| json)
}

/// What was given, without its text: that may be a secret.
fn given_value(words: &str) -> String {
    let (kind, value) = words.split_once(' ').unwrap_or((words, ""));
    if let Some(number) = words.strip_prefix("floating point ") {
        format!("the decimal number {}", number.trim_matches('`'))
    } else if kind == "integer" {
        format!("the number {}", value.trim_matches('`'))
    } else {
        translated(kind).to_owned()
    }
}

#[cfg(test)]
mod tests;
