//! Whom a function's HTTPS client trusts, on real connections.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_smithy_http_client::tls::TrustStore;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use ready_pool_aws::https::first_then;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\
                      content-length: 2\r\nconnection: close\r\n\r\n{}";

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new([]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    fn store(&self) -> TrustStore {
        TrustStore::empty().with_pem_certificate(self.0.pem())
    }
}

/// An endpoint with a certificate of this authority; it counts the requests that it was sent.
struct Endpoint {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Endpoint {
    async fn signed_by(authority: &Authority) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority.0)
            .unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let requests = Arc::new(AtomicUsize::default());
        let counted = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = vec![0; 64 * 1024];
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    stream.write_all(ANSWER.as_bytes()).await.unwrap();
                    stream.shutdown().await.ok();
                }
            }
        });
        Self { url, requests }
    }

    /// One call, without the SDK's retries.
    async fn call(&self, client: SharedHttpClient) -> Result<(), String> {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.url)
            .http_client(client)
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        let call = aws_sdk_sqs::Client::new(&config).list_queues().send().await;
        call.map(drop)
            .map_err(|error| DisplayErrorContext(error).to_string())
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn an_endpoint_that_the_first_store_vouches_for_is_trusted() {
    let (amazon, other) = (Authority::new("Amazon"), Authority::new("Other"));
    let endpoint = Endpoint::signed_by(&amazon).await;
    let client = first_then(amazon.store(), other.store());
    endpoint.call(client).await.unwrap();
    assert_eq!(endpoint.requests(), 1);
}

/// Another partition, a proxy that inspects TLS.
#[tokio::test]
async fn one_that_only_the_machine_vouches_for_is_trusted_in_the_same_call() {
    let (amazon, machine) = (Authority::new("Amazon"), Authority::new("Proxy"));
    let endpoint = Endpoint::signed_by(&machine).await;
    let client = first_then(amazon.store(), machine.store());
    endpoint.call(client.clone()).await.unwrap();
    assert_eq!(
        endpoint.requests(),
        1,
        "sent once: the handshake comes first"
    );
    endpoint.call(client).await.unwrap();
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test]
async fn one_that_nobody_vouches_for_is_sent_nothing() {
    let endpoint = Endpoint::signed_by(&Authority::new("Forger")).await;
    let client = first_then(
        Authority::new("Amazon").store(),
        Authority::new("Other").store(),
    );
    let problem = endpoint.call(client).await.unwrap_err();
    assert!(problem.contains("UnknownIssuer"), "{problem}");
    assert_eq!(endpoint.requests(), 0);
}

/// Even where its name is an authority's that is trusted.
#[tokio::test]
async fn a_forged_signature_is_sent_nothing() {
    let endpoint = Endpoint::signed_by(&Authority::new("Amazon")).await;
    let client = first_then(
        Authority::new("Amazon").store(),
        Authority::new("Other").store(),
    );
    endpoint.call(client).await.unwrap_err();
    assert_eq!(endpoint.requests(), 0);
}

/// The SDK panics where a root certificate cannot be read: those that are built in can.
#[tokio::test]
async fn a_function_s_own_client_does_not_trust_just_anybody() {
    for chosen in [None, Some("/etc/ssl/cert.pem".to_owned())] {
        let endpoint = Endpoint::signed_by(&Authority::new("Forger")).await;
        let client = ready_pool_aws::https::client(|_| chosen.clone());
        endpoint.call(client).await.unwrap_err();
        assert_eq!(endpoint.requests(), 0);
    }
}
