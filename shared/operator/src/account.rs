//! Opens a session: which account, which region, which address, as the AWS CLI would choose them.

use crate::cli::Options;
use crate::credentials::{AwsCli, NotExported, ThroughCli};
use crate::failure::Failure;
use crate::session::{Place, Session};
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use ready_pool_aws::metrics::{Metrics, StandardOutput};
use ready_pool_aws::{Clients, SystemClock};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The region of an address on this machine, where none is set.
const LOCAL_REGION: &str = "eu-west-1";

/// A session as environment and options say.
pub(crate) async fn open(options: &Options) -> Result<Session, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let endpoint = options
        .endpoint_url
        .clone()
        .or_else(|| variable("AWS_ENDPOINT_URL"));
    check_endpoint(endpoint.as_deref())?;
    let who = choose(&Known {
        profile: options.profile.clone(),
        has_keys: variable("AWS_ACCESS_KEY_ID").is_some()
            && variable("AWS_SECRET_ACCESS_KEY").is_some(),
        names_profile: variable("AWS_PROFILE").is_some(),
        is_local: endpoint.as_deref().is_some_and(is_local),
    });
    let region = region(options, who == Who::Anybody).await?;
    let credentials = match (credentials(&who, options, &region).await, &endpoint) {
        // Where they were looked for matters to nobody who asks a region of their own.
        (Err(Failure::NoCredentials(_)), Some(endpoint)) if options.profile.is_none() => {
            return Err(Failure::NoKeysFor(endpoint.clone()));
        }
        (credentials, _) => credentials?,
    };
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region.clone())
        .credentials_provider(credentials);
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    let endpoint = config.endpoint_url().map(str::to_owned).or(endpoint);
    // The functions' clients count their calls; nothing here writes the figures down.
    let clients = Clients::new(&config, Metrics::to(Arc::new(StandardOutput)));
    let place = Place {
        region: region.to_string(),
        endpoint,
    };
    Ok(Session::new(clients, Arc::new(SystemClock), place))
}

/// What is known before anything is asked.
struct Known {
    profile: Option<String>,
    has_keys: bool,
    names_profile: bool,
    is_local: bool,
}

/// Whose credentials are used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    /// The environment's keys, or what the default chain finds.
    Environment,
    /// Whom the AWS CLI would be.
    Profile(Option<String>),
    /// Nobody in particular: a simulated region on this machine asks for nobody.
    Anybody,
}

fn choose(known: &Known) -> Who {
    if known.profile.is_some() {
        Who::Profile(known.profile.clone())
    } else if known.has_keys {
        Who::Environment
    } else if known.is_local && !known.names_profile {
        Who::Anybody
    } else {
        Who::Profile(None)
    }
}

/// Whether the address is on this machine.
fn is_local(endpoint: &str) -> bool {
    let Some((_, rest)) = endpoint.split_once("://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost"
        || host == "[::1]"
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

async fn region(options: &Options, is_anybodys: bool) -> Result<Region, Failure> {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    // A simulated region is one region, whatever `AWS_REGION` is for the user's own account.
    // Not the instance metadata: the AWS CLI does not ask it for a region, and it is slow where there is none.
    let chain = RegionProviderChain::first_try(options.region.clone().map(Region::new))
        .or_else(is_anybodys.then(|| Region::from_static(LOCAL_REGION)))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    chain.region().await.ok_or(Failure::NoRegion)
}

async fn credentials(
    who: &Who,
    options: &Options,
    region: &Region,
) -> Result<SharedCredentialsProvider, Failure> {
    let profile = match who {
        Who::Anybody => {
            let anybody = Credentials::new("me", "none", None, None, "anybody");
            return Ok(SharedCredentialsProvider::new(anybody));
        }
        Who::Environment => return chain(region).await,
        Who::Profile(profile) => profile.clone(),
    };
    let cli = AwsCli {
        program: "aws".to_owned(),
        profile,
    };
    match ThroughCli::open(cli) {
        Ok(provider) => Ok(SharedCredentialsProvider::new(provider)),
        // Static keys of a profile, roles and instances' own roles need no AWS CLI.
        Err(NotExported::NotInstalled) => match &options.profile {
            Some(profile) => named(profile, region).await,
            None => chain(region).await,
        },
        Err(refused) => Err(Failure::NoCredentials(refused.to_string())),
    }
}

/// This profile's and nobody else's: the default chain would take the environment's keys first, and with them perhaps
/// another account.
async fn named(profile: &str, region: &Region) -> Result<SharedCredentialsProvider, Failure> {
    let config = ProviderConfig::without_region().with_region(Some(region.clone()));
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_name(profile)
        .build();
    tried(provider).await.map_err(|failure| match failure {
        Failure::NoCredentials(why) => Failure::NoCredentials(format!(
            "there is no profile {profile}, or it has nothing that can be used without the AWS CLI, 2.9 or later ({why})"
        )),
        other => other,
    })
}

async fn chain(region: &Region) -> Result<SharedCredentialsProvider, Failure> {
    let chain = DefaultCredentialsChain::builder().region(region.clone());
    tried(chain.build().await).await
}

/// The provider, if it has credentials now.
async fn tried(
    provider: impl ProvideCredentials + 'static,
) -> Result<SharedCredentialsProvider, Failure> {
    match provider.provide_credentials().await {
        Ok(_) => Ok(SharedCredentialsProvider::new(provider)),
        Err(error) => {
            let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
                error.source()
            });
            let texts: Vec<String> = causes.map(ToString::to_string).collect();
            Err(Failure::NoCredentials(texts.join(": ")))
        }
    }
}

/// Refuses an address that no client can use.
fn check_endpoint(endpoint: Option<&str>) -> Result<(), Failure> {
    match endpoint {
        Some(given) if !given.starts_with("http://") && !given.starts_with("https://") => {
            Err(Failure::Usage(format!(
                "the endpoint must begin with http:// or https://, and is {given}"
            )))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_profile_goes_before_keys_and_those_before_anybody() {
        let who = |profile: Option<&str>, has_keys, names_profile, is_local| {
            choose(&Known {
                profile: profile.map(str::to_owned),
                has_keys,
                names_profile,
                is_local,
            })
        };
        let work = Who::Profile(Some("work".to_owned()));
        assert_eq!(who(Some("work"), true, true, true), work);
        assert_eq!(who(None, true, true, true), Who::Environment);
        assert_eq!(who(None, false, true, true), Who::Profile(None));
        assert_eq!(who(None, false, false, true), Who::Anybody);
        assert_eq!(who(None, false, false, false), Who::Profile(None));
    }

    #[test]
    fn only_this_machine_is_asked_by_anybody() {
        for local in [
            "http://127.0.0.1:4566",
            "http://localhost:4566/",
            "http://[::1]:4566",
        ] {
            assert!(is_local(local), "{local}");
        }
        for remote in [
            "https://sqs.eu-west-1.amazonaws.com",
            "http://127.example.com",
            "http://localhost.example.com",
            "nonsense",
        ] {
            assert!(!is_local(remote), "{remote}");
        }
    }
}
