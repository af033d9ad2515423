//! The SDK's configuration, by the environment that Lambda gives a function.
//!
//! `aws_config::defaults` finds the same, but prepares for credentials from profiles, containers, web identities and
//! the metadata service, too (`docs/performance.md`). And it calls AWS where an endpoint of ours is misspelt.

use crate::config::{ConfigError, Source, optional, required};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::str::{FromStr, ParseBoolError};

/// Where all services are, if not at AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// Where one service is: by its id in the SDK.
const ENDPOINTS: [(&str, &str); 3] = [
    ("Auto Scaling", "AWS_ENDPOINT_URL_AUTO_SCALING"),
    ("SQS", "AWS_ENDPOINT_URL_SQS"),
    ("SSM", "AWS_ENDPOINT_URL_SSM"),
];

/// All but HTTP client, time-outs and retries. Credentials are read once: Lambda never changes those of an environment
/// that runs.
pub fn from_environment(source: Source<'_>) -> Result<SdkConfig, ConfigError> {
    let region = match optional::<String>(source, "AWS_REGION")? {
        Some(region) => region,
        None => {
            optional(source, "AWS_DEFAULT_REGION")?.ok_or(ConfigError::Missing("AWS_REGION"))?
        }
    };
    let credentials = Credentials::new(
        required::<String>(source, "AWS_ACCESS_KEY_ID")?,
        required::<String>(source, "AWS_SECRET_ACCESS_KEY")?,
        optional(source, "AWS_SESSION_TOKEN")?,
        None,
        "Environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints::read(source)?);
    config.set_endpoint_url(optional(source, ENDPOINT)?.map(|Url(url)| url));
    config.set_use_fips(optional(source, "AWS_USE_FIPS_ENDPOINT")?.map(|Switch(on)| on));
    config.set_use_dual_stack(optional(source, "AWS_USE_DUALSTACK_ENDPOINT")?.map(|Switch(on)| on));
    Ok(config.build())
}

/// The endpoints of single services, which go before that of all.
#[derive(Clone, Debug)]
struct Endpoints(Vec<(&'static str, Url)>);

impl Endpoints {
    fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        let mut endpoints = Vec::new();
        for (service, name) in ENDPOINTS {
            endpoints.extend(optional(source, name)?.map(|url| (service, url)));
        }
        Ok(Self(endpoints))
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let of_service = |(service, _): &&(&str, Url)| *service == key.service_id();
        let (_, url) = self.0.iter().find(of_service)?;
        (key.env() == ENDPOINT).then(|| url.0.clone())
    }
}

#[derive(Clone, Debug)]
struct Url(String);

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: http::Uri = text.parse().map_err(|_| "it is no URL")?;
        match url.scheme_str() {
            Some("http" | "https") => Ok(Self(text.to_owned())),
            _ => Err("it is no URL of HTTP or HTTPS"),
        }
    }
}

/// In upper or lower case, as the SDK has it.
struct Switch(bool);

impl FromStr for Switch {
    type Err = ParseBoolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_ascii_lowercase().parse().map(Self)
    }
}
