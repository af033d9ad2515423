//! Just enough XML to write the query protocol's answers.

use serde_json::Value;
use std::fmt::Write as _;

/// A document being written.
#[derive(Default)]
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn finish(self) -> String {
        self.0
    }

    pub(super) fn open(&mut self, name: &str) {
        write!(self.0, "<{name}>").expect("writing to a string");
    }

    pub(super) fn open_in(&mut self, name: &str, namespace: &str) {
        write!(self.0, "<{name} xmlns=\"{namespace}\">").expect("writing to a string");
    }

    pub(super) fn close(&mut self, name: &str) {
        write!(self.0, "</{name}>").expect("writing to a string");
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.open(name);
        self.escaped(text);
        self.close(name);
    }

    /// An element for a value: structures by member name, lists as `member`s; a null is absent.
    pub(super) fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => self.text(name, if *flag { "true" } else { "false" }),
            Value::Number(number) => self.text(name, &number.to_string()),
            Value::String(text) => self.text(name, text),
            Value::Array(members) if members.is_empty() => self.empty(name),
            Value::Object(members) if members.is_empty() => self.empty(name),
            Value::Array(members) => {
                self.open(name);
                for member in members {
                    self.value("member", member);
                }
                self.close(name);
            }
            Value::Object(members) => {
                self.open(name);
                for (member, value) in members {
                    self.value(member, value);
                }
                self.close(name);
            }
        }
    }

    fn empty(&mut self, name: &str) {
        write!(self.0, "<{name}/>").expect("writing to a string");
    }

    /// Text with markup escaped. Carriage returns are escaped too, because a parser would turn
    /// them into line feeds; characters that XML 1.0 cannot hold become U+FFFD.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                '\t' | '\n' => self.0.push(character),
                '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                _ => self.0.push(character),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_xml_cannot_hold_is_replaced() {
        let mut xml = Xml::default();
        xml.text("A", "tab\t line\n return\r bell\u{7} ümlaut 🦀");
        assert_eq!(
            xml.finish(),
            "<A>tab\t line\n return&#13; bell\u{fffd} ümlaut 🦀</A>"
        );
    }
}
