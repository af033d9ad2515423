//! Settings from the environment: a missing or unreadable variable stops the function at its
//! start, with the variable's name.

use std::fmt;
use std::str::FromStr;

/// A variable that the template, or Lambda, should have set.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
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

/// A function that cannot start ends with its error, of which Rust prints this.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
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
    optional(source, name)?.ok_or(ConfigError::Missing(name))
}

/// Reads a variable that need not be set.
pub fn optional<T>(source: Source<'_>, name: &'static str) -> Result<Option<T>, ConfigError>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let Some(value) = text(source, name) else {
        return Ok(None);
    };
    let parsed = value
        .parse()
        .map_err(|error: T::Err| ConfigError::Unreadable {
            name,
            problem: error.to_string(),
            value,
        })?;
    Ok(Some(parsed))
}

/// Reads a required group name.
pub fn group(
    source: Source<'_>,
    name: &'static str,
) -> Result<ready_pool_core::ids::GroupName, ConfigError> {
    let value = text(source, name).ok_or(ConfigError::Missing(name))?;
    ready_pool_core::ids::GroupName::try_from(value.as_str()).map_err(|error| {
        ConfigError::Unreadable {
            name,
            problem: error.to_string(),
            value,
        }
    })
}

/// An empty variable is as good as none: `sam local` sets those that the template names.
fn text(source: Source<'_>, name: &str) -> Option<String> {
    source(name).filter(|value| !value.is_empty())
}
