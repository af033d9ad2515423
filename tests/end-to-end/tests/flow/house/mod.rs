//! The rules of the house (docs/architecture.md), as far as manifests and sources can tell.

mod modules;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
fn sizing_needs_nothing_at_all() {
    let crates = crates_of("ready-pool-sizing");
    assert_eq!(crates, BTreeSet::from(["ready-pool-sizing".to_owned()]));
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
    let region = concat!(env!("CARGO_MANIFEST_DIR"), "/../region/src");
    let files = modules::sources(Path::new(region));
    assert!(files.len() > 50, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source is text");
        for ours in ["claim", "ledger", "outcome", "tenant"] {
            let is_free = !text.to_lowercase().contains(ours);
            assert!(is_free, "{ours} in {}", file.display());
        }
    }
}

fn function_sources(function: &str) -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    [root, function, "src"].iter().collect()
}

#[test]
fn no_decision_imports_the_adapters() {
    for function in FUNCTIONS {
        let decide = function_sources(function).join("decide");
        let files = modules::sources(&decide);
        assert!(!files.is_empty(), "{function} has no folder decide");
        for file in files {
            for foreign in ["ready_pool_aws", "aws_sdk", "lambda_runtime", "tokio"] {
                assert!(
                    !modules::code(&file).contains(foreign),
                    "{} names {foreign}: decisions are plain code on plain data",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn no_module_of_a_function_uses_one_that_uses_it() {
    for function in FUNCTIONS {
        let uses = modules::uses(&function_sources(function));
        assert!(uses.len() > 5, "{function}: {uses:?}");
        for uses in [modules::topmost(&uses), uses] {
            if let Some(way) = modules::cycle(&uses) {
                panic!("{function}: {}", way.join(" uses "));
            }
        }
    }
}
