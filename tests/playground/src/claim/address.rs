//! Where the region is: `serve` and `demo` leave their address beside this program, `claim` finds
//! it there.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// A file with the endpoint of a region begins so; the number of its process follows.
const FILE: &str = "region.endpoint.";

/// The file with a region's address. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Left {
    file: PathBuf,
}

impl Left {
    /// Leaves the address where `claim` finds it. Where nothing can be written it must be said
    /// the address.
    pub(crate) fn of(endpoint: &str) -> Option<Self> {
        let name = format!("{FILE}{}", std::process::id());
        Self::at(directory()?.join(name), endpoint)
    }

    fn at(file: PathBuf, endpoint: &str) -> Option<Self> {
        fs::write(&file, endpoint).ok()?;
        Some(Self { file })
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        // Where it stays, `claim` finds that nothing answers there.
        let _ = fs::remove_file(&self.file);
    }
}

/// An address, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The endpoint.
    pub(super) endpoint: String,
    /// Where it comes from.
    pub(super) from: String,
}

/// The region's address: as asked for, else from the environment, else of the regions that were
/// started from here, the newest first. One that was killed has left its address behind.
pub(super) fn find(asked: Option<&str>) -> Vec<Found> {
    let environment = std::env::var_os("AWS_ENDPOINT_URL");
    choose(asked, environment, directory().as_deref())
}

fn choose(
    asked: Option<&str>,
    environment: Option<OsString>,
    directory: Option<&Path>,
) -> Vec<Found> {
    let found = |endpoint: &str, from: String| Found {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        from,
    };
    if let Some(asked) = asked {
        return vec![found(asked, "--endpoint".to_owned())];
    }
    let environment = environment.and_then(|value| value.into_string().ok());
    if let Some(endpoint) = environment.filter(|endpoint| !endpoint.is_empty()) {
        return vec![found(&endpoint, "AWS_ENDPOINT_URL".to_owned())];
    }
    left_in(directory)
        .into_iter()
        .filter_map(|file| {
            let endpoint = fs::read_to_string(&file).ok()?;
            Some(found(endpoint.trim(), file.display().to_string()))
        })
        .collect()
}

/// The files that regions have left, the newest first.
fn left_in(directory: Option<&Path>) -> Vec<PathBuf> {
    let entries = directory.and_then(|directory| fs::read_dir(directory).ok());
    let entries = entries.into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(FILE))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort_by_key(|(written, path)| Reverse((*written, path.clone())));
    files.into_iter().map(|(_, path)| path).collect()
}

fn directory() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    /// An empty directory of a test's own.
    fn scratch(name: &str) -> PathBuf {
        let directory = directory().unwrap();
        let scratch = directory.join(format!("address-{name}-{}", std::process::id()));
        fs::create_dir(&scratch).unwrap();
        scratch
    }

    #[test]
    fn what_is_asked_for_goes_before_the_environment_and_that_before_what_was_left() {
        let directory = scratch("order");
        let file = directory.join(format!("{FILE}1"));
        let left = Left::at(file, "http://127.0.0.1:3\n").unwrap();
        let environment = || Some(OsString::from("http://127.0.0.1:2/"));
        let endpoints = |asked, environment| -> Vec<String> {
            let found = choose(asked, environment, Some(&directory));
            found.into_iter().map(|found| found.endpoint).collect()
        };
        let asked = Some("http://127.0.0.1:1");
        assert_eq!(endpoints(asked, environment()), ["http://127.0.0.1:1"]);
        assert_eq!(endpoints(None, environment()), ["http://127.0.0.1:2"]);
        let unset = Some(OsString::new());
        assert_eq!(endpoints(None, unset), ["http://127.0.0.1:3"]);
        drop(left);
        assert!(endpoints(None, None).is_empty());
        fs::remove_dir(directory).unwrap();
    }

    #[test]
    fn of_several_regions_the_newest_comes_first() {
        let directory = scratch("several");
        let mut all = Vec::new();
        for (process, age) in [(1_u64, 60), (2, 0), (3, 120)] {
            let file = directory.join(format!("{FILE}{process}"));
            all.push(Left::at(file.clone(), &format!("http://127.0.0.1:{process}")).unwrap());
            let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age);
            let file = fs::File::options().append(true).open(file).unwrap();
            file.set_modified(written).unwrap();
        }
        let found = choose(None, None, Some(&directory));
        let endpoints: Vec<_> = found.iter().map(|found| found.endpoint.as_str()).collect();
        let expected = [
            "http://127.0.0.1:2",
            "http://127.0.0.1:1",
            "http://127.0.0.1:3",
        ];
        assert_eq!(endpoints, expected);
        drop(all);
        fs::remove_dir(directory).unwrap();
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_left() {
        let nowhere = Path::new("/nonexistent");
        assert!(Left::at(nowhere.join("file"), "http://127.0.0.1:1").is_none());
        assert!(choose(None, None, Some(nowhere)).is_empty());
        assert!(choose(None, None, None).is_empty());
    }
}
