//! The rules of the house (docs/architecture.md), as far as manifests can tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const FUNCTIONS: [&str; 3] = ["claim-instance", "init-instance", "replenish-pool"];

/// Names of all crates that a package is built from, itself included.
fn crates_of(package: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["tree", "--locked", "--offline", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}", "--package", package])
        .output()
        .expect("cargo runs");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    String::from_utf8_lossy(&tree.stdout)
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn a_function_is_built_from_nothing_that_only_tests_need() {
    for function in FUNCTIONS {
        let crates = crates_of(function);
        for foreign in [
            "region",
            "playground",
            "end-to-end",
            "axum",
            "clap",
            "saphyr",
            "proptest",
            "stateright",
        ] {
            assert!(!crates.contains(foreign), "{function} needs {foreign}");
        }
        for other in FUNCTIONS.iter().filter(|other| **other != function) {
            assert!(!crates.contains(*other), "{function} imports {other}");
        }
    }
}

#[test]
fn a_function_has_three_sdk_crates_and_one_tls_stack() {
    for function in FUNCTIONS {
        let crates = crates_of(function);
        let sdks: Vec<&String> = crates
            .iter()
            .filter(|name| name.starts_with("aws-sdk-"))
            .collect();
        assert!(
            sdks.iter().all(|name| [
                "aws-sdk-autoscaling",
                "aws-sdk-sqs",
                "aws-sdk-ssm",
                "aws-sdk-sts"
            ]
            .contains(&name.as_str())),
            "{function}: {sdks:?}"
        );
        assert!(
            !crates.contains("ring"),
            "{function} has the legacy TLS stack"
        );
    }
}

#[test]
fn the_words_know_no_aws_no_async_runtime_and_no_clock() {
    let crates = crates_of("ready-pool-core");
    for name in &crates {
        assert!(!name.starts_with("aws"), "ready-pool-core needs {name}");
    }
    assert!(!crates.contains("tokio"));
}

#[test]
fn the_region_knows_nothing_of_the_functions() {
    let crates = crates_of("region");
    for ours in FUNCTIONS
        .iter()
        .chain(&["ready-pool-core", "ready-pool-aws"])
    {
        assert!(!crates.contains(*ours), "the region needs {ours}");
    }
}

#[test]
fn the_region_has_no_word_of_ours() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../region/src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).expect("a source").to_lowercase();
            for ours in ["claim", "ledger", "outcome", "tenant"] {
                assert!(!text.contains(ours), "{ours} in {}", path.display());
            }
        }
    }
    assert!(files > 50, "{files} files were read");
}
