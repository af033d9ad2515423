//! The region in process: an HTTP client for unmodified AWS SDK clients, without sockets, so
//! everything stays on tokio's (paused) clock.

use crate::endpoint;
use crate::region::Region;
use crate::wire::{self, Decoded};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use std::fmt;

/// Hands every request of an SDK client to a region.
///
/// Give the client a time source that follows [`Region::clock`] too: signing and
/// time stamps do not follow tokio's clock by themselves.
#[derive(Clone)]
pub struct Connector(Region);

impl Connector {
    /// A connector to `region`.
    pub fn to(region: Region) -> Self {
        Self(region)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connector")
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let region = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&region, request).await })
    }
}

async fn exchange(region: &Region, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    // Read to its end like a real connection would, even though it is all in memory: the SDK
    // watches, and calls a body that nobody reads a stalled upload after five seconds.
    let body = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::user(error.into()))?
        .to_vec();
    let request = http::Request::from_parts(parts, body);
    // Tests name regions of their own, so that the SDK's retry quotas are each test's own.
    let decoded = Decoded {
        region: None,
        ..wire::decode(&request)
    };
    let response = endpoint::respond(region, decoded).await;
    response.map(SdkBody::from).try_into().map_err(
        |error: aws_smithy_runtime_api::http::HttpError| ConnectorError::other(error.into(), None),
    )
}

#[cfg(test)]
mod tests;
