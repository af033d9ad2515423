//! What a function's SDK clients make of its environment, by the requests that they send.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_config::retry::RetryConfig;
use aws_sdk_sqs::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use ready_pool_aws::config::ConfigError;
use ready_pool_aws::sdk_config::from_environment;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What Lambda sets.
const LAMBDA: [(&str, &str); 4] = [
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "ASIA1"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "session"),
];

/// Lambda's variables with these over them; one without a value is removed.
fn environment(own: &[(&str, Option<&str>)]) -> impl Fn(&str) -> Option<String> {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in LAMBDA {
        variables.insert(name.to_owned(), value.to_owned());
    }
    for (name, value) in own {
        match value {
            Some(value) => variables.insert((*name).to_owned(), (*value).to_owned()),
            None => variables.remove(*name),
        };
    }
    move |name| variables.get(name).cloned()
}

/// A network that carries nothing and remembers what it was given.
#[derive(Clone, Debug, Default)]
struct Network(Arc<Mutex<Vec<HttpRequest>>>);

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.lock().unwrap().push(request);
        HttpConnectorFuture::ready(Err(ConnectorError::user("no network".into())))
    }
}

impl HttpClient for Network {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// One request of each client: Auto Scaling, SQS, Systems Manager.
async fn requests(own: &[(&str, Option<&str>)]) -> Vec<HttpRequest> {
    let network = Network::default();
    let config = from_environment(&environment(own))
        .unwrap()
        .into_builder()
        .http_client(network.clone())
        .retry_config(RetryConfig::disabled())
        .build();
    let auto_scaling = aws_sdk_autoscaling::Client::new(&config);
    auto_scaling.describe_tags().send().await.unwrap_err();
    let queues = aws_sdk_sqs::Client::new(&config);
    queues.list_queues().send().await.unwrap_err();
    let systems_manager = aws_sdk_ssm::Client::new(&config);
    systems_manager.list_commands().send().await.unwrap_err();
    std::mem::take(&mut network.0.lock().unwrap())
}

#[tokio::test]
async fn requests_go_to_the_region_and_are_signed_with_the_session_s_credentials() {
    for region in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        let sent = requests(&[("AWS_REGION", None), (region, Some("eu-north-1"))]).await;
        for (request, service) in sent.iter().zip(["autoscaling", "sqs", "ssm"]) {
            let url = format!("https://{service}.eu-north-1.amazonaws.com/");
            assert_eq!(request.uri(), url);
            let header = |name| request.headers().get(name).unwrap();
            assert_eq!(header("x-amz-security-token"), "session");
            let signer = header("authorization");
            assert!(signer.contains("Credential=ASIA1/"), "{signer}");
            let scope = format!("/eu-north-1/{service}/aws4_request");
            assert!(signer.contains(&scope), "{signer}");
        }
    }
}

#[tokio::test]
async fn keys_without_a_session_are_used_as_they_are() {
    for none in [None, Some("")] {
        for request in requests(&[("AWS_SESSION_TOKEN", none)]).await {
            assert_eq!(request.headers().get("x-amz-security-token"), None);
        }
    }
}

#[tokio::test]
async fn endpoints_are_heeded_and_those_of_one_service_come_first() {
    const ALL: &str = "http://127.0.0.1:4566/";
    const ONE: &str = "https://one.test/";
    let at_aws = [
        "https://autoscaling.eu-west-1.amazonaws.com/",
        "https://sqs.eu-west-1.amazonaws.com/",
        "https://ssm.eu-west-1.amazonaws.com/",
    ];
    let [auto_scaling, sqs, ssm] = at_aws;
    let all = ("AWS_ENDPOINT_URL", Some("http://127.0.0.1:4566"));
    let one = |name| (name, Some("https://one.test"));
    for (variables, expected) in [
        (vec![("AWS_ENDPOINT_URL", Some(""))], at_aws),
        (vec![all], [ALL, ALL, ALL]),
        (
            vec![one("AWS_ENDPOINT_URL_AUTO_SCALING"), all],
            [ONE, ALL, ALL],
        ),
        (vec![one("AWS_ENDPOINT_URL_SQS")], [auto_scaling, ONE, ssm]),
        (vec![one("AWS_ENDPOINT_URL_SSM"), all], [ALL, ALL, ONE]),
        (vec![one("AWS_ENDPOINT_URL_SSM")], [auto_scaling, sqs, ONE]),
        (
            vec![("AWS_USE_FIPS_ENDPOINT", Some("true"))],
            [
                "https://autoscaling-fips.eu-west-1.amazonaws.com/",
                "https://sqs-fips.eu-west-1.amazonaws.com/",
                "https://ssm-fips.eu-west-1.amazonaws.com/",
            ],
        ),
        (
            vec![("AWS_USE_DUALSTACK_ENDPOINT", Some("True"))],
            [
                "https://autoscaling.eu-west-1.api.aws/",
                "https://sqs.eu-west-1.api.aws/",
                "https://ssm.eu-west-1.api.aws/",
            ],
        ),
        (
            vec![
                ("AWS_USE_FIPS_ENDPOINT", Some("false")),
                ("AWS_USE_DUALSTACK_ENDPOINT", Some("false")),
            ],
            at_aws,
        ),
    ] {
        let sent = requests(&variables).await;
        let urls: Vec<&str> = sent.iter().map(|request| request.uri()).collect();
        assert_eq!(urls, expected, "{variables:?}");
    }
}

#[test]
fn what_lambda_always_sets_is_named_where_it_is_missing() {
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        for none in [None, Some("")] {
            let error = from_environment(&environment(&[(name, none)])).unwrap_err();
            assert_eq!(error, ConfigError::Missing(name));
            let text = format!("environment variable {name} is not set");
            assert_eq!(format!("{error:?}"), text);
        }
    }
}

#[test]
fn what_cannot_be_used_stops_the_function_instead_of_calling_aws() {
    for (name, value, problem) in [
        ("AWS_ENDPOINT_URL", "not a URL", "it is no URL"),
        ("AWS_ENDPOINT_URL", "localhost:4566", "HTTP or HTTPS"),
        ("AWS_ENDPOINT_URL_AUTO_SCALING", "/", "HTTP or HTTPS"),
        ("AWS_ENDPOINT_URL_SQS", "sqs.test", "HTTP or HTTPS"),
        ("AWS_ENDPOINT_URL_SSM", "ftp://ssm.test", "HTTP or HTTPS"),
        ("AWS_USE_FIPS_ENDPOINT", "yes", "`true` or `false`"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "1", "`true` or `false`"),
    ] {
        let error = from_environment(&environment(&[(name, Some(value))])).unwrap_err();
        // As `main` prints it.
        let text = format!("{error:?}");
        let start = format!("environment variable {name} is {value:?}: ");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains(problem), "{text}");
    }
}
