//! Who calls. Keys of the environment are used as they are. Profiles, with SSO or anything else that the AWS CLI can,
//! are read by the AWS CLI: `aws configure export-credentials` prints what it would use. So this crate needs none of
//! the SDK's features for them, which the functions would get with it.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use serde::Deserialize;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The AWS CLI.
#[derive(Clone, Debug)]
pub(crate) struct AwsCli {
    /// The program: `aws`.
    pub(crate) program: String,
    /// The profile, where one was named.
    pub(crate) profile: Option<String>,
}

/// The AWS CLI as a provider of credentials: asked again when they are about to expire.
#[derive(Debug)]
pub(crate) struct ThroughCli {
    cli: AwsCli,
    /// What it said first, until that is used.
    first: Mutex<Option<Credentials>>,
}

/// Why the AWS CLI gave none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotExported {
    /// It is not installed, or of a version that cannot export any.
    #[error("there is no AWS CLI 2.9 or later")]
    NotInstalled,
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

/// What a credential process prints (SDKs and Tools Reference Guide, "Process credential provider").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exported {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

impl AwsCli {
    /// What the AWS CLI would use now.
    pub(crate) fn export(&self) -> Result<Credentials, NotExported> {
        let mut command = Command::new(&self.program);
        command.args(["configure", "export-credentials", "--format", "process"]);
        if let Some(profile) = &self.profile {
            command.args(["--profile", profile]);
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => NotExported::NotInstalled,
            _ => NotExported::Refused(format!("cannot start `{}`: {error}", self.program)),
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            // How an older one refuses a command that it does not know.
            if said.contains("nvalid choice") {
                return Err(NotExported::NotInstalled);
            }
            return Err(NotExported::Refused(format!(
                "`aws configure export-credentials` says: {}",
                said.trim()
            )));
        }
        read(&output.stdout)
    }
}

fn read(printed: &[u8]) -> Result<Credentials, NotExported> {
    // Not what was printed: it holds a secret.
    let exported: Exported = serde_json::from_slice(printed).map_err(|_| {
        NotExported::Refused("`aws configure export-credentials` printed no credentials".to_owned())
    })?;
    let expires = exported
        .expiration
        .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
        .map(SystemTime::from);
    Ok(Credentials::new(
        exported.access_key_id,
        exported.secret_access_key,
        exported.session_token,
        expires,
        "AwsCli",
    ))
}

impl ThroughCli {
    /// The provider, if the AWS CLI has credentials now.
    pub(crate) fn open(cli: AwsCli) -> Result<Self, NotExported> {
        let first = Mutex::new(Some(cli.export()?));
        Ok(Self { cli, first })
    }

    fn credentials(&self) -> provider::Result {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match first {
            Some(credentials) => Ok(credentials),
            None => self.cli.export().map_err(CredentialsError::not_loaded),
        }
    }
}

impl ProvideCredentials for ThroughCli {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_aws_cli_prints_is_read() {
        let printed = br#"{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "secret",
            "SessionToken": "token", "Expiration": "2026-11-29T14:00:00+00:00"}"#;
        let credentials = read(printed).unwrap();
        assert_eq!(credentials.access_key_id(), "AKIDEXAMPLE");
        assert_eq!(credentials.session_token(), Some("token"));
        assert!(credentials.expiry().is_some());
        let forever = read(br#"{"AccessKeyId": "A", "SecretAccessKey": "s"}"#).unwrap();
        assert_eq!(forever.expiry(), None);
    }

    #[test]
    fn what_is_no_credentials_is_not_quoted() {
        let problem = read(b"secret").unwrap_err().to_string();
        assert!(!problem.contains(": secret"), "{problem}");
    }

    #[test]
    fn a_missing_cli_is_not_one_that_refuses() {
        let missing = AwsCli {
            program: "/nonexistent/aws".to_owned(),
            profile: None,
        };
        assert_eq!(missing.export().unwrap_err(), NotExported::NotInstalled);
        let refusing = AwsCli {
            program: "false".to_owned(),
            profile: Some("work".to_owned()),
        };
        let refused = refusing.export().unwrap_err();
        assert!(matches!(refused, NotExported::Refused(_)), "{refused}");
    }
}
