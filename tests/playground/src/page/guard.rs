//! Who may use the page: a browser on which somebody opened it, and no other web page.
//!
//! What the page can ask for runs commands on this machine. Two ways lead from a stranger's web
//! page to a server on this machine, and both are closed:
//! - it sends requests across sites: then `Origin` is the stranger's, and not this server;
//! - it gives its own name this machine's address (DNS rebinding): then `Host` is that name. Only
//!   addresses and `localhost` are answered, which nobody can point elsewhere.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, StatusCode};
use std::net::IpAddr;

/// The request came to this server by its address.
pub(super) struct Reader;

/// The request came from the page itself.
pub(super) struct Actor;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The host is a name.
    Host,
    /// It comes from another web page, or from none.
    Origin,
    /// It is not what the page sends.
    ContentType,
    /// It is signed: a client of an AWS service asks.
    Signed,
}

/// S3's form of an error: of all services that such a client may mean, S3 alone asks for `/`.
const NOT_A_SERVICE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotImplemented</Code><Message>the \
     simulated region speaks Auto Scaling, Systems Manager (ssm), SQS and sts:GetCallerIdentity, and no other \
     service</Message></Error>\n";

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Signed => {
                let kind = [(CONTENT_TYPE, "application/xml")];
                return (StatusCode::NOT_IMPLEMENTED, kind, NOT_A_SERVICE).into_response();
            }
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "open the page by address or as localhost\n",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "only the page itself may ask for this\n",
            ),
            Self::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON is expected\n"),
        };
        (status, text).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        may_read(&parts.headers).map(|()| Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        may_act(&parts.headers).map(|()| Self)
    }
}

fn may_read(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(Refused::Signed);
    }
    let host = text(headers, &HOST).and_then(|host| host.parse::<Authority>().ok());
    let host = host.as_ref().map_or("", |authority| authority.host());
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok() {
        Ok(())
    } else {
        Err(Refused::Host)
    }
}

fn may_act(headers: &HeaderMap) -> Result<(), Refused> {
    may_read(headers)?;
    let host = text(headers, &HOST).unwrap_or_default();
    if text(headers, &ORIGIN) != Some(&format!("http://{host}")) {
        return Err(Refused::Origin);
    }
    // A form of a stranger's page cannot send this type without asking first.
    if text(headers, &CONTENT_TYPE) != Some("application/json") {
        return Err(Refused::ContentType);
    }
    Ok(())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    only.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(HeaderName, &str)]) -> HeaderMap {
        let all = all
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_page_is_opened_by_address() {
        for host in [
            "127.0.0.1:4566",
            "[::1]:4566",
            "localhost:4566",
            "LocalHost",
            "10.0.0.7",
        ] {
            assert_eq!(may_read(&headers(&[(HOST, host)])), Ok(()), "{host}");
        }
        for host in [
            "attacker.example:4566",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example",
            "attacker.example@127.0.0.1.example",
            "",
        ] {
            assert_eq!(
                may_read(&headers(&[(HOST, host)])),
                Err(Refused::Host),
                "{host}"
            );
        }
        let two = headers(&[(HOST, "127.0.0.1"), (HOST, "attacker.example")]);
        assert_eq!(may_read(&two), Err(Refused::Host));
        assert_eq!(may_read(&HeaderMap::new()), Err(Refused::Host));
    }

    #[test]
    fn a_client_of_an_aws_service_gets_no_page() {
        let signed = (
            AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=me/20261122/eu-west-1/s3/aws4_request",
        );
        let asks = headers(&[(HOST, "127.0.0.1:4566"), signed]);
        assert_eq!(may_read(&asks), Err(Refused::Signed));
        assert_eq!(
            Refused::Signed.into_response().status(),
            StatusCode::NOT_IMPLEMENTED
        );
    }

    #[test]
    fn only_the_page_itself_may_act() {
        let from = |origin: &str, kind: &str| {
            let host = (HOST, "127.0.0.1:4566");
            may_act(&headers(&[host, (ORIGIN, origin), (CONTENT_TYPE, kind)]))
        };
        let (own, json) = ("http://127.0.0.1:4566", "application/json");
        assert_eq!(from(own, json), Ok(()));
        for origin in [
            "http://attacker.example",
            "null",
            "",
            "http://127.0.0.1:8080",
            "http://127.0.0.1",
            "https://127.0.0.1:4566",
            "http://localhost:4566",
        ] {
            assert_eq!(from(origin, json), Err(Refused::Origin), "{origin}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            assert_eq!(from(own, kind), Err(Refused::ContentType), "{kind}");
        }
        let none = headers(&[(HOST, "127.0.0.1:4566"), (CONTENT_TYPE, json)]);
        assert_eq!(may_act(&none), Err(Refused::Origin));
        let name = [
            (HOST, "a.example"),
            (ORIGIN, "http://a.example"),
            (CONTENT_TYPE, json),
        ];
        assert_eq!(may_act(&headers(&name)), Err(Refused::Host));
    }
}
