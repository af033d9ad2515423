//! What is wrong with a message that cannot be read, in JSON's words: whoever sent it may never have heard of Rust.

use serde_json::error::Category;

/// serde's words, and JSON's.
const WORDS: [(&str, &str); 9] = [
    ("invalid type: sequence,", "invalid type: list,"),
    ("invalid type: map,", "invalid type: object,"),
    ("floating point `", "decimal number `"),
    ("integer `", "number `"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("unknown variant `", "unknown value `"),
    ("expected unit", "expected a string"),
    (" at line 1 column 0", ""),
];

/// The problem, with the field's path before it.
pub(crate) fn problem(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let problem = of_json(error.inner());
    match error.path().to_string().as_str() {
        "." => problem,
        path => format!("{path}: {problem}"),
    }
}

/// The problem of a message, or of a part of it.
pub(crate) fn of_json(error: &serde_json::Error) -> String {
    let words = WORDS.iter().fold(error.to_string(), |text, (serde, json)| {
        text.replace(serde, json)
    });
    match error.classify() {
        Category::Syntax | Category::Eof => format!("it is not valid JSON: {words}"),
        Category::Data | Category::Io => words,
    }
}
