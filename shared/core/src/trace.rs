//! The trace that a claim is part of, as AWS X-Ray writes it in headers. It goes with the claim from
//! queue to queue, and in the first line of the script ([`crate::script`]), so that the end of the
//! command finds it again.
//!
//! Format: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>

use std::fmt;
use std::str::FromStr;

/// A trace header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    /// Seconds since 1970: the first part of the trace id.
    began_at: u32,
    /// 96 bits: the rest of it.
    id: u128,
    parent: Option<u64>,
    sampled: Option<bool>,
}

/// A text that is no trace header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a trace header: {0:?}")]
pub struct NotATrace(String);

impl FromStr for Trace {
    type Err = NotATrace;

    /// Fields that X-Ray has beside these three (`Lineage`, a sender's own) are dropped.
    fn from_str(header: &str) -> Result<Self, NotATrace> {
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for field in header.split(';') {
            match field.split_once('=') {
                Some(("Root", id)) => root = read_root(id),
                Some(("Parent", id)) => parent = hexadecimal(id, 16),
                Some(("Sampled", "1")) => sampled = Some(true),
                Some(("Sampled", "0")) => sampled = Some(false),
                _ => {}
            }
        }
        let (began_at, id) = root.ok_or_else(|| NotATrace(header.to_owned()))?;
        Ok(Self {
            began_at,
            id,
            parent: parent.and_then(|id| u64::try_from(id).ok()),
            sampled,
        })
    }
}

fn read_root(text: &str) -> Option<(u32, u128)> {
    let (began_at, id) = text.strip_prefix("1-")?.split_once('-')?;
    let began_at = u32::try_from(hexadecimal(began_at, 8)?).ok()?;
    Some((began_at, hexadecimal(id, 24)?))
}

fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_hexadecimal = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| u128::from_str_radix(text, 16).ok())?
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Root=1-{:08x}-{:024x}", self.began_at, self.id)?;
        if let Some(parent) = self.parent {
            write!(formatter, ";Parent={parent:016x}")?;
        }
        match self.sampled {
            Some(sampled) => write!(formatter, ";Sampled={}", u8::from(sampled)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        for header in [
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-00000001-000000000000000000000002;Sampled=0",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
        ] {
            let trace: Trace = header.parse().unwrap();
            assert_eq!(trace.to_string(), header);
        }
    }

    #[test]
    fn fields_in_any_order_and_of_others_are_read_over() {
        let header = "Self=1-67891234-12456789abcdef012345678;Sampled=?;Lineage=a87bd80c:0;\
                      Root=1-5759E988-bd862e3fe1be46a994272793;Parent=x";
        let trace: Trace = header.parse().unwrap();
        assert_eq!(
            trace.to_string(),
            "Root=1-5759e988-bd862e3fe1be46a994272793"
        );
    }

    #[test]
    fn without_a_root_it_is_none() {
        for header in [
            "",
            "Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-+759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279é",
            "Root=1-5759e988",
        ] {
            assert!(header.parse::<Trace>().is_err(), "{header:?} was accepted");
        }
    }
}
