//! Settings from the environment: a missing or unreadable variable stops the function at its
//! start, with the variable's name.

use std::str::FromStr;

/// A variable that the template should have set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// Set to something that cannot be used.
    #[error("environment variable {name} is {value:?}: {problem}")]
    Unreadable {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// Why it cannot be used.
        problem: String,
    },
}

/// Where variables come from: `std::env` on Lambda, a map in tests.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads a required variable.
pub fn required<T>(source: Source<'_>, name: &'static str) -> Result<T, ConfigError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let value = text(source, name)?;
    value
        .parse()
        .map_err(|error: T::Err| ConfigError::Unreadable {
            name,
            problem: error.to_string(),
            value,
        })
}

/// Reads a required group name.
pub fn group(
    source: Source<'_>,
    name: &'static str,
) -> Result<ready_pool_core::ids::GroupName, ConfigError> {
    let value = text(source, name)?;
    ready_pool_core::ids::GroupName::try_from(value.as_str()).map_err(|error| {
        ConfigError::Unreadable {
            name,
            problem: error.to_string(),
            value,
        }
    })
}

fn text(source: Source<'_>, name: &'static str) -> Result<String, ConfigError> {
    source(name)
        .filter(|value| !value.is_empty())
        .ok_or(ConfigError::Missing(name))
}
