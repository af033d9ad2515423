//! The environment variables of a function.

use super::function::FunctionConfig;
use crate::region::Region;

/// The variables that Lambda sets, but for the address of the Runtime API; then the template's.
/// In place of credentials and endpoints of AWS they have those of the region, which tells its
/// callers apart by their access key id.
pub fn variables(region: &Region, config: &FunctionConfig) -> Vec<(String, String)> {
    let (region_name, endpoint) = region.read(|world| {
        let settings = &world.settings;
        (settings.region_name.clone(), settings.endpoint.clone())
    });
    let lambda = [
        ("AWS_LAMBDA_FUNCTION_NAME", config.name.clone()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            config.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", config.name),
        ),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_REGION", region_name.clone()),
        ("AWS_DEFAULT_REGION", region_name),
        ("AWS_ACCESS_KEY_ID", config.name.clone()),
        ("AWS_SECRET_ACCESS_KEY", "unused".to_owned()),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    lambda
        .into_iter()
        .chain(config.environment.clone())
        .collect()
}
