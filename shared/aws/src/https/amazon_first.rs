//! Two clients as one: the second where the first does not trust a certificate.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A client that goes over to another one, for good, once a certificate needs it.
#[derive(Debug)]
pub(super) struct AmazonFirst {
    first: SharedHttpClient,
    then: SharedHttpClient,
    /// The first does not do. Of all endpoints then: AWS's are signed alike.
    over: Arc<AtomicBool>,
    validated: AtomicBool,
}

impl AmazonFirst {
    pub(super) fn new(first: SharedHttpClient, then: SharedHttpClient) -> Self {
        Self {
            first,
            then,
            over: Arc::default(),
            validated: AtomicBool::default(),
        }
    }
}

impl HttpClient for AmazonFirst {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        if self.over.load(Ordering::Relaxed) {
            return self.then.http_connector(settings, components);
        }
        SharedHttpConnector::new(Connector {
            first: self.first.http_connector(settings, components),
            then: self.then.clone(),
            over: self.over.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }

    /// Each of the SDK's clients asks, and each time a connector is made and dropped: once is enough.
    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        if self.validated.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.first.validate_base_client_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.first.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    first: SharedHttpConnector,
    then: SharedHttpClient,
    over: Arc<AtomicBool>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let again = request.try_clone();
        let call = self.first.call(request);
        let (then, over) = (self.then.clone(), self.over.clone());
        let (settings, components) = (self.settings.clone(), self.components.clone());
        HttpConnectorFuture::new(async move {
            match (call.await, again) {
                // Nothing was sent: the handshake comes first.
                (Err(error), Some(request)) if distrusts(&error) => {
                    over.store(true, Ordering::Relaxed);
                    then.http_connector(&settings, &components)
                        .call(request)
                        .await
                }
                (result, _) => result,
            }
        })
    }
}

/// Whether the endpoint's certificate was not accepted. By the words of rustls: its types are wrapped in
/// those of three crates, none of which lets them out. `shared/aws/tests/https.rs` holds them to it.
fn distrusts(error: &ConnectorError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.to_string().contains("invalid peer certificate") {
            return true;
        }
        next = error.source();
    }
    false
}
