//! A real process on the wall clock: a runtime written in `bash`, which opens its own sockets.

use super::{ProcessFunction, Program};
use crate::journal::Happening;
use crate::lambda::invoke_async;
use crate::lambda::{Function, FunctionConfig};
use crate::region::{Region, TemplateSource};
use crate::settings::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

const TEMPLATE: &str = r"
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 2
      Environment: {Variables: {COLOUR: red}}
      EventInvokeConfig: {MaximumRetryAttempts: 0}
";

/// The runtime, with its executable bit from the repository.
pub(in crate::lambda) fn runtime() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lambda/process/runtime.sh")
}

fn region(program: Program) -> Region {
    region_with(move |region, config| {
        let (config, program) = (config.clone(), program.clone());
        Arc::new(ProcessFunction::new(config, program, region.clone()))
    })
}

/// A region whose one function is this.
pub(in crate::lambda) fn region_with(
    code: impl Fn(&Region, &FunctionConfig) -> Arc<dyn Function> + 'static,
) -> Region {
    Region::builder(Settings::default(), OffsetDateTime::now_utc())
        .template(TemplateSource {
            text: TEMPLATE.to_owned(),
            stack_name: "s".to_owned(),
            parameters: BTreeMap::new(),
        })
        .functions(move |region, config| Some(code(region, config)))
        .start()
        .unwrap()
}

/// Invokes the function and waits for what it returns.
pub(in crate::lambda) async fn invoke(region: &Region, payload: Value) -> Result<Value, String> {
    let id = region.with(|world| invoke_async(world, "s-Echo", payload));
    let find = |world: &crate::world::World| {
        world.journal.entries().find_map(|entry| match &entry.what {
            Happening::Returned {
                request_id, result, ..
            } if *request_id == id => Some(result.clone()),
            _ => None,
        })
    };
    region.wait_until(|world| find(world).is_some()).await;
    region.with(|world| find(world).unwrap())
}

fn logged(region: &Region) -> Vec<String> {
    region.with(|world| {
        world
            .journal
            .entries()
            .filter_map(|entry| match &entry.what {
                Happening::Logged { line, .. } => Some(line.clone()),
                _ => None,
            })
            .collect()
    })
}

#[tokio::test]
async fn a_process_is_reused_and_replaced_after_it_died() {
    let region = region(Program::Executable(runtime()));
    let first = invoke(&region, json!({"n": 1})).await.unwrap();
    assert_eq!(first["echo"], json!({"n": 1}));
    let second = invoke(&region, json!({"n": 2})).await.unwrap();
    assert_eq!(second["pid"], first["pid"]);
    let error = invoke(&region, json!("fail")).await.unwrap_err();
    assert_eq!(error, "Broken: as asked");
    let third = invoke(&region, json!({"n": 3})).await.unwrap();
    assert_eq!(third["pid"], first["pid"], "an error kills nothing");
    let error = invoke(&region, json!("crash")).await.unwrap_err();
    assert!(error.starts_with("Runtime.ExitError"), "{error}");
    assert!(error.contains("exit status: 3"), "{error}");
    let fourth = invoke(&region, json!({"n": 4})).await.unwrap();
    assert_ne!(fourth["pid"], first["pid"]);
    let error = invoke(&region, json!("hang")).await.unwrap_err();
    assert!(error.contains("timed out after 2.00 seconds"), "{error}");
    let pid = fourth["pid"].as_u64().unwrap();
    wait_for_end(pid).await;
    // Nothing of the host's environment (cargo sets the variable in the brackets) gets in.
    assert_eq!(logged(&region), ["started as s-Echo, s-Echo, red, []"; 2]);
    region.stop().await;
}

#[tokio::test]
async fn processes_end_with_the_region() {
    let region = region(Program::Executable(runtime()));
    let answer = invoke(&region, json!({})).await.unwrap();
    region.stop().await;
    wait_for_end(answer["pid"].as_u64().unwrap()).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_of_the_function() {
    let region = region(Program::Executable(runtime().with_extension("none")));
    let error = invoke(&region, json!({})).await.unwrap_err();
    assert!(error.starts_with("Runtime.InvalidEntrypoint"), "{error}");
    region.stop().await;
}

#[tokio::test]
async fn a_command_line_may_stand_in_a_functions_place() {
    // A shell's words and variables; and something that the shell leaves running beside it.
    let line = format!(
        "sleep 60 & child=$! COLOUR=\"$COLOUR $child\" {}; true",
        runtime().display()
    );
    let region = region(Program::Command(line));
    let answer = invoke(&region, json!({"n": 1})).await.unwrap();
    assert_eq!(answer["echo"], json!({"n": 1}));
    let logged = logged(&region).concat();
    let words: Vec<&str> = logged.split([' ', ',']).collect();
    // This process's environment gets in (the variable in the brackets), but for its credentials.
    assert!(
        logged.starts_with("started as s-Echo, s-Echo, red "),
        "{logged}"
    );
    assert!(
        logged.contains(concat!("[", env!("CARGO_MANIFEST_DIR"), "]")),
        "{logged}"
    );
    let sleeper = words.iter().find_map(|word| word.parse().ok()).unwrap();
    region.stop().await;
    wait_for_end(answer["pid"].as_u64().unwrap()).await;
    wait_for_end(sleeper).await;
}

/// A killed process is reaped in the background.
async fn wait_for_end(pid: u64) {
    for _ in 0..500 {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still there");
}
