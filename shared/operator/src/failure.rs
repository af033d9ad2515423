//! What goes wrong, in words that say what to do.

use crate::exit::Exit;
use crate::session::Place;
use ready_pool_core::call_error::{CallError, Effect, NO_ANSWER_OF_AWS};
use ready_pool_core::claim::Malformed;
use ready_pool_planner::PlanError;
use ready_pool_planner::family::in_words;

/// Why a command could not do what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The claim would be rejected as malformed. Nothing was sent.
    #[error("nothing was sent: {problem}{}", from_where(.place.as_deref()))]
    InvalidClaim {
        /// What is wrong with it.
        problem: Malformed,
        /// The option with the file that says so.
        place: Option<String>,
    },
    /// Nothing says which region.
    #[error(
        "no AWS region is set: give --region, set AWS_REGION, or add `region` to your profile in ~/.aws/config; for `cargo \
         serve` give --endpoint-url http://127.0.0.1:PORT"
    )]
    NoRegion,
    /// Nothing says who calls.
    #[error(
        "no AWS credentials: {0}\nset AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile \
         (or AWS_PROFILE) and log in with `aws sso login`; profiles are read by the AWS CLI"
    )]
    NoCredentials(String),
    /// Nothing says who calls an address that is not AWS's own.
    #[error(
        "no AWS credentials for {0}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; if it is a simulated region, any keys do"
    )]
    NoKeysFor(String),
    /// The stack is not there.
    #[error(
        "there is no stack {stack} in {place}: it has no queue {queue}\nname the stack with --stack, and check --region and \
         the account of your credentials (`{}`)",
        .place.aws("sts get-caller-identity")
    )]
    NoStack {
        /// As it was named.
        stack: String,
        /// The queue that was looked for.
        queue: String,
        /// Where.
        place: Place,
    },
    /// No stack of the family is there.
    #[error(
        "there is no stack of a family {family} in {place}: no queue is called {family}-…-provision.fifo\nname the family with \
         --family, as its stacks' names begin, and check --region and the account of your credentials \
         (`{}`)",
        .place.aws("sts get-caller-identity")
    )]
    NoFamily {
        /// As it was named.
        family: String,
        /// Where.
        place: Place,
    },
    /// A part of the stack is not there.
    #[error("{0}\n`ready-pool doctor` looks at all parts of the stack")]
    NoPart(String),
    /// Some claims were sent, and others not.
    #[error("{sent} of {all} claims were sent, the others not: {error}")]
    PartlySent {
        /// So many were sent.
        sent: usize,
        /// So many were to be.
        all: usize,
        /// Why the first of the others was not.
        error: CallError,
    },
    /// Nothing says when claims came.
    #[error(
        "there is nothing to plan by: {0}\nwithout a past, give the times at which instances were wanted: \
         `ready-pool plan --claims TIMES.CSV --lead-time 150s`"
    )]
    NoHistory(String),
    /// There is no plan of what was given.
    #[error("{}", in_words(.0))]
    NoPlan(#[from] PlanError),
    /// A call of AWS failed.
    #[error("{}", advice(.error, .place))]
    Call {
        /// How.
        error: CallError,
        /// Where.
        place: Place,
    },
    /// The output is closed.
    #[error("cannot write: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// How the command line ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::InvalidClaim { .. } | Self::NoPlan(_) => Exit::Wrong,
            _ => Exit::NotDone,
        }
    }

    /// Whether whoever read the output has seen enough, as `head`.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

fn from_where(place: Option<&str>) -> String {
    place.map_or(String::new(), |place| format!(" ({place})"))
}

/// Codes that say that the credentials are not accepted (any more), over all services (IAM User Guide, "Common
/// errors", and the services' own spellings).
const NOT_ACCEPTED: [&str; 8] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidToken",
    "InvalidAccessKeyId",
    "AuthFailure",
];
/// Codes of a signature that does not fit.
const BAD_SIGNATURE: [&str; 3] = [
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
];

/// What a failed call means, and what to do about it.
pub(crate) fn advice(error: &CallError, place: &Place) -> String {
    let code = error.code.as_str();
    if error.says_denied() {
        return format!(
            "access denied: {}\nyour credentials do not allow this; the policy for operators is in docs/permissions.md",
            error.message
        );
    }
    if NOT_ACCEPTED.contains(&code) {
        return format!(
            "{error}\nAWS does not accept these credentials (any more): log in again (`aws sso login`), or set new keys"
        );
    }
    if BAD_SIGNATURE.contains(&code) {
        return format!(
            "{error}\ncheck AWS_SECRET_ACCESS_KEY, and that this machine's clock is right"
        );
    }
    if error.effect == Effect::Busy {
        return format!(
            "throttled: {error}\nAWS is busy with this account's calls (Terraform and the console share the same limit): \
             try again in a minute"
        );
    }
    if matches!(code, "NoResponse" | "TimedOut") {
        let why = cause(&error.message);
        return match &place.endpoint {
            Some(endpoint) => format!(
                "no region answers at {endpoint}: {why}\nstart one with `cargo serve`, which prints its address (another one \
                 each time, unless --port sets it), and give that in --endpoint-url or AWS_ENDPOINT_URL"
            ),
            None => format!(
                "no answer from AWS in {}: {why}\ncheck the network, HTTPS_PROXY, and that the region has this name",
                place.region
            ),
        };
    }
    if code == NO_ANSWER_OF_AWS {
        return format!(
            "{error}\nperhaps it was not AWS that answered: look at HTTPS_PROXY, at the firewall, at the policy of a VPC \
             endpoint, and at --endpoint-url and AWS_ENDPOINT_URL"
        );
    }
    error.to_string()
}

/// The first cause in the SDK's chain, without the structures that it appends.
fn cause(message: &str) -> String {
    let end = message.find(" (DispatchFailure(");
    let end = end.or_else(|| message.find(" (TimeoutError("));
    let chain = end.and_then(|end| message.get(..end)).unwrap_or(message);
    let cause = chain.rsplit(": ").next().unwrap_or(chain);
    let cause = cause.split(" (os error ").next().unwrap_or(cause);
    let mut letters = cause.chars();
    match (letters.next(), letters.next()) {
        // A sentence, and no abbreviation.
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            let rest = letters.as_str();
            format!("{}{second}{rest}", first.to_lowercase())
        }
        _ => cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str, message: &str, status: u16, endpoint: Option<&str>) -> String {
        let place = Place {
            region: "eu-west-1".to_owned(),
            endpoint: endpoint.map(str::to_owned),
        };
        let error = CallError::answered("DescribeAutoScalingGroups", code, message, status);
        advice(&error, &place)
    }

    #[test]
    fn each_kind_of_failure_says_what_to_do() {
        for (code, what_to_do) in [
            ("AccessDenied", "docs/permissions.md"),
            ("ExpiredToken", "aws sso login"),
            ("UnrecognizedClientException", "aws sso login"),
            ("SignatureDoesNotMatch", "clock"),
            ("Throttling", "try again in a minute"),
            ("NoResponse", "check the network"),
            (NO_ANSWER_OF_AWS, "HTTPS_PROXY"),
        ] {
            let said = said(code, "because", 400, None);
            assert!(said.contains(what_to_do), "{code}: {said}");
            assert!(said.contains("because"), "{code}: {said}");
        }
    }

    #[test]
    fn an_endpoint_of_one_s_own_is_named() {
        let said = said(
            "NoResponse",
            "dispatch failure: io error: client error (Connect): tcp connect error: Connection refused (os error 111) \
             (DispatchFailure(DispatchFailure { … }))",
            0,
            Some("http://127.0.0.1:4566"),
        );
        assert!(
            said.starts_with("no region answers at http://127.0.0.1:4566: connection refused\n"),
            "{said}"
        );
    }

    #[test]
    fn the_first_cause_is_said_and_no_chain() {
        for (message, expected) in [
            (
                "dispatch failure: io error: dns error: failed to lookup address information: Name or service not known \
                 (DispatchFailure(…",
                "name or service not known",
            ),
            (
                "request has timed out: HTTP connect timeout occurred after 3.1s (TimeoutError(…",
                "HTTP connect timeout occurred after 3.1s",
            ),
            ("because", "because"),
            ("", ""),
        ] {
            assert_eq!(cause(message), expected);
        }
    }
}
