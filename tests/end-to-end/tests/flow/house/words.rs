//! One word for one thing: the words that AWS's own replaced are nowhere any more.

use std::path::{Path, PathBuf};

/// Words and names that were replaced before the first release, and what stands for them now.
const REPLACED: [(&str, &str); 21] = [
    ("aws_error", "call_error"),
    ("deal_with", "process"),
    ("foretell", "preview"),
    ("fund", "surplus"),
    ("funded", "surplus"),
    ("given_back", "released"),
    ("line_up", "isolation"),
    ("lineup", "isolation"),
    ("look_around", "observe_targets"),
    ("spared", "held_back"),
    ("spoken_for", "reserved"),
    ("stage_with_targets", "harness_with_targets"),
    ("storm", "random_faults"),
    ("storms", "random_faults"),
    ("take_in", "attach_to_retirement"),
    ("told", "sent"),
    ("turn_away", "reject_unreadable"),
    ("untold", "not sent"),
    ("whereabouts", "placement"),
    ("wishes", "preferences"),
    ("worn", "outdated"),
];

/// Text as words in lower case, each between two underscores: `AwsError` is `_aws_error_`.
fn as_words(text: &str) -> String {
    let mut words = String::from("_");
    let mut was_small = false;
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && was_small {
            words.push('_');
        }
        was_small = letter.is_ascii_lowercase();
        if letter.is_ascii_alphanumeric() || letter == '_' {
            words.push(letter.to_ascii_lowercase());
        } else if letter == '\n' || !letter.is_whitespace() {
            words.push_str("_|_");
        } else {
            // A blank separates words of prose, not parts of a name.
            words.push_str("_ _");
        }
    }
    words.push('_');
    words
}

fn texts(folder: &Path) -> Vec<PathBuf> {
    const FOLDERS_OF_TOOLS: [&str; 4] = ["target", "node_modules", "__pycache__", "corpus"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() || FOLDERS_OF_TOOLS.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            if !name.starts_with('.') {
                found.extend(texts(&path));
            }
        } else if name != "words.rs" && name != "Cargo.lock" && !name.ends_with(".csv") {
            found.push(path);
        }
    }
    found
}

#[test]
fn names_are_taken_apart_into_words() {
    assert!(as_words("enum AwsError").contains("_aws_error_"));
    assert!(as_words("fn line_up(it)").contains("_line_up_"));
    assert!(!as_words("to line up").contains("_line_up_"));
    assert!(!as_words("toldo").contains("_told_"));
}

#[test]
fn no_replaced_word_is_left() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let files = texts(root);
    assert!(files.len() > 300, "only {} files", files.len());
    let mut left = Vec::new();
    for file in files {
        let place = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        // Some are no text: pictures.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        for (number, line) in [&*place].into_iter().chain(text.lines()).enumerate() {
            let words = as_words(line);
            for (old, new) in REPLACED {
                if words.contains(&format!("_{old}_")) {
                    left.push(format!("{place}:{number}: `{old}` is now `{new}`"));
                }
            }
        }
    }
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}
