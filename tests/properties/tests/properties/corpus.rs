//! The fuzzer's corpus, replayed: what once broke a reader must not break it again, and nobody
//! needs tests/fuzz/run for that.

use properties::readers;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_corpus_breaks_no_reader() {
    for (name, reader) in readers::ALL {
        let folder = fuzz_directory().join("corpus").join(name);
        let inputs = names_in(&folder);
        assert!(inputs.len() >= 5, "{name} has a corpus");
        for input in inputs {
            // Shown when the reader panics: which input it was.
            println!("{name}/{input}");
            reader(&fs::read(folder.join(input)).unwrap());
        }
    }
}

#[test]
fn every_reader_has_a_fuzz_target_and_a_corpus() {
    let readers: BTreeSet<String> = readers::ALL
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(names_in(&fuzz_directory().join("corpus")), readers);
    let targets: BTreeSet<String> = names_in(&fuzz_directory().join("fuzz_targets"))
        .iter()
        .map(|file| file.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(targets, readers);
    let manifest = fs::read_to_string(fuzz_directory().join("Cargo.toml")).unwrap();
    for name in readers {
        assert!(
            manifest.contains(&format!("\npath = \"fuzz_targets/{name}.rs\"\n")),
            "{name}"
        );
    }
}

#[test]
fn the_example_of_every_message_is_read() {
    // A corpus whose messages are all refused at the door would test nothing.
    let read = |name: &str| {
        fs::read_to_string(fuzz_directory().join("corpus").join(name).join("example")).unwrap()
    };
    assert!(ready_pool_core::claim::Claim::parse(&read("provision"), readers::NOW).is_ok());
    for name in ["hand_over", "look_again", "command_event"] {
        assert!(
            init_instance::message::Work::read(&read(name)).is_ok(),
            "{name}"
        );
    }
    let retry = serde_json::from_str::<ready_pool_core::message::Message>(&read("retry"));
    assert!(matches!(
        retry,
        Ok(ready_pool_core::message::Message::Retry(_))
    ));
}
