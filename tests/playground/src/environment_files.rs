//! The environment of each function, for whoever runs it in the region's place.

use crate::failure::Failure;
use crate::functions::program_name;
use crate::start::Running;
use region::lambda::{FunctionConfig, environment};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

/// What `docker` calls the machine that it runs on.
const DOCKER_HOST: &str = "host.docker.internal";
/// What `sam local invoke` sets by itself, from its own environment.
const SET_BY_SAM: [&str; 4] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
];

/// Writes `sam.json` and one `<package>.env` for each function.
pub(crate) fn write(running: &Running, directory: &Path) -> Result<(), Failure> {
    let write = || {
        fs::create_dir_all(directory)?;
        let mut all = Map::new();
        for config in running.region.stack().functions.values() {
            let name = program_name(config).unwrap_or(&config.logical_id);
            fs::write(
                directory.join(format!("{name}.env")),
                for_this_machine(running, config),
            )?;
            all.insert(config.logical_id.clone(), for_containers(running, config));
        }
        let text = serde_json::to_string_pretty(&all).unwrap_or_default();
        fs::write(directory.join("sam.json"), text + "\n")
    };
    write().map_err(|error| Failure::System {
        what: "cannot write the functions' environment",
        error,
    })
}

/// One `NAME=value` a line, as a shell reads it.
pub(crate) fn for_this_machine(running: &Running, config: &FunctionConfig) -> String {
    let mut variables = environment::variables(&running.region, config);
    if let Some(address) = running.functions.runtime_api(config) {
        variables.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), address.to_owned()));
    }
    let variables: BTreeMap<String, String> = variables.into_iter().collect();
    let lines: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    lines.join("\n") + "\n"
}

/// A value as a shell reads it: bare where that is safe.
fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,@%+=".contains(&byte);
    if value.bytes().all(is_plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

fn for_containers(running: &Running, config: &FunctionConfig) -> Value {
    let endpoint = &running.settings.endpoint;
    let reachable = from_containers(endpoint);
    let variables = environment::variables(&running.region, config).into_iter();
    let map: Map<String, Value> = variables
        .filter(|(name, _)| !SET_BY_SAM.contains(&name.as_str()))
        .filter(|(name, _)| !name.starts_with("AWS_LAMBDA_"))
        .map(|(name, value)| (name, value.replace(endpoint, &reachable).into()))
        .collect();
    map.into()
}

/// The endpoint as a container on this machine reaches it. An address of the loopback interface
/// is the container itself there.
fn from_containers(endpoint: &str) -> String {
    let Some((host, port)) = endpoint
        .strip_prefix("http://")
        .and_then(|address| address.rsplit_once(':'))
    else {
        return endpoint.to_owned();
    };
    let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if ip.is_some_and(|ip| ip.is_loopback()) {
        format!("http://{DOCKER_HOST}:{port}")
    } else {
        endpoint.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_reach_the_machine_and_not_themselves() {
        let reached = from_containers;
        assert_eq!(reached("http://172.17.0.1:4566"), "http://172.17.0.1:4566");
        assert_eq!(
            reached("http://127.0.0.1:4566"),
            "http://host.docker.internal:4566"
        );
        assert_eq!(
            reached("http://[::1]:4566"),
            "http://host.docker.internal:4566"
        );
    }

    #[test]
    fn values_are_quoted_for_a_shell() {
        assert_eq!(
            quoted("http://127.0.0.1:1/a.fifo"),
            "http://127.0.0.1:1/a.fifo"
        );
        assert_eq!(quoted("$LATEST"), "'$LATEST'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
