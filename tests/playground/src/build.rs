//! The functions' programs: built with Cargo, unless a directory already has them.

use crate::failure::Failure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Programs by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Cargo said where it put each.
    Built(BTreeMap<String, PathBuf>),
    /// Whatever is in a directory.
    In(PathBuf),
}

impl Programs {
    /// The program with this name.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Built(programs) => programs.get(name).cloned(),
            Self::In(directory) => Some(directory.join(name)).filter(|path| path.is_file()),
        }
    }
}

/// The workspace: where this program was compiled, or the one around the current directory.
pub(crate) fn workspace() -> Result<PathBuf, Failure> {
    let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = std::env::current_dir().ok();
    [Some(compiled_in), here.as_deref()]
        .into_iter()
        .flatten()
        .flat_map(Path::ancestors)
        .find(|directory| directory.join("Cargo.lock").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            Failure::Build(format!(
                "the workspace is not at {} any more; run this within it, or give --template and \
                 --function-dir",
                compiled_in.display()
            ))
        })
}

/// Builds every program of the workspace in the profile of this one. Cargo's own output goes to
/// standard error.
pub(crate) fn build() -> Result<Programs, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--bins"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace()?)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .output()
        .map_err(|error| Failure::Build(format!("cannot run {}: {error}", cargo.display())))?;
    if !output.status.success() {
        return Err(Failure::Build(
            "the functions could not be built; Cargo says above why".to_owned(),
        ));
    }
    Ok(Programs::Built(executables(&String::from_utf8_lossy(
        &output.stdout,
    ))))
}

/// The programs that Cargo's messages tell of, built now or before.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let path = message.get("executable")?.as_str()?;
            let name = message.pointer("/target/name")?.as_str()?;
            Some((name.to_owned(), PathBuf::from(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_where_programs_are() {
        let messages = r#"
{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null,"fresh":true}
{"reason":"compiler-artifact","target":{"name":"claim-instance"},"executable":"/t/debug/claim-instance"}
{"reason":"build-finished","success":true}
"#;
        let programs = Programs::Built(executables(messages));
        assert_eq!(
            programs.find("claim-instance"),
            Some(PathBuf::from("/t/debug/claim-instance"))
        );
        assert_eq!(programs.find("serde"), None);
    }

    #[test]
    fn the_workspace_has_the_template() {
        assert!(workspace().unwrap().join("template.yaml").is_file());
    }
}
