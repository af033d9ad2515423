//! The SDK's HTTPS client, which tries Amazon's own root certificates first.
//!
//! A machine trusts some 140 root certificates. The SDK parses all of them for each of its clients, which was a
//! quarter of a cold start (`docs/performance.md`). AWS signs its endpoints with five of them:
//! <https://aws.amazon.com/blogs/security/how-to-prepare-for-aws-move-to-its-own-certificate-authority/>.
//!
//! Nothing is pinned. Where these five do not vouch for an endpoint (another partition, a proxy that inspects TLS,
//! another emulator, a year in which AWS moves on), the machine's decide, as in any other program.

mod amazon_first;

use amazon_first::AmazonFirst;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Amazon Root CA 1 to 4 and Starfield Services Root CA - G2: <https://www.amazontrust.com/repository/>.
const AMAZON: &str = include_str!("https/amazon_roots.pem");
/// Who sets one of these says whom to trust: `rustls-native-certs` reads them.
const CHOSEN: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The client of a function. `environment` answers what a variable is.
pub fn client(environment: impl Fn(&str) -> Option<String>) -> SharedHttpClient {
    let machine = TrustStore::default();
    if CHOSEN.iter().any(|name| environment(name).is_some()) {
        return trusting(machine);
    }
    let amazon = TrustStore::empty().with_pem_certificate(AMAZON);
    first_then(amazon, machine)
}

/// A client that trusts what the first store vouches for; and where that does not, what the second does, which is
/// only read then.
pub fn first_then(first: TrustStore, then: TrustStore) -> SharedHttpClient {
    SharedHttpClient::new(AmazonFirst::new(trusting(first), trusting(then)))
}

/// As the SDK makes its own (`aws_smithy_runtime::client::http`), but for whom it trusts.
fn trusting(store: TrustStore) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env());
        if let Ok(context) = TlsContext::builder()
            .with_trust_store(store.clone())
            .build()
        {
            connector.set_tls_context(context);
        }
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}
