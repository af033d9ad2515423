//! A program that the test starts, as a developer would.

use super::ExternalFunction;
use crate::lambda::process::tests::{invoke, region_with, runtime};
use serde_json::json;
use std::sync::Arc;
use tokio::process::{Child, Command};

fn start(address: &str) -> Child {
    Command::new(runtime())
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn invocations_wait_for_the_program_and_for_each_other() {
    let function = Arc::new(ExternalFunction::serve(0).await.unwrap());
    let address = function.address().to_owned();
    let region = region_with(move |_, _| Arc::<ExternalFunction>::clone(&function));

    // Nobody is there: it times out, and leaves nothing behind.
    let error = invoke(&region, json!({"n": 0})).await.unwrap_err();
    assert!(error.contains("timed out after 2.00 seconds"), "{error}");

    let (first, second, program) = tokio::join!(
        invoke(&region, json!({"n": 1})),
        invoke(&region, json!({"n": 2})),
        async { start(&address) },
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let echoes = [&first["echo"], &second["echo"]];
    assert!(echoes.contains(&&json!({"n": 1})) && echoes.contains(&&json!({"n": 2})));
    assert_eq!(first["pid"], second["pid"]);

    // It ends in the middle of an invocation, and is started anew.
    let (third, again) = tokio::join!(invoke(&region, json!("crash")), async {
        let mut program = program;
        program.wait().await.unwrap();
        start(&address)
    });
    let error = third.unwrap_err();
    assert!(error.contains("started anew"), "{error}");
    let fourth = invoke(&region, json!({"n": 4})).await.unwrap();
    assert_eq!(fourth["pid"].as_u64(), again.id().map(u64::from));
    assert_ne!(fourth["pid"], first["pid"]);
    region.stop().await;
}
