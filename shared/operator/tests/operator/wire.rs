//! The program itself, over sockets and on the wall clock: credentials, addresses, and failures on the way.

mod shell;

use crate::family;
use crate::operator::words;
use end_to_end::{Harness, HarnessBuilder, Target};
use region::api::Service;
use region::endpoint::Endpoint;
use region::faults::{Calls, Failure, Fault, Moment};
use region::journal::Happening;
use std::path::PathBuf;
use std::process::Output;
use std::time::SystemTime;
use tokio::net::TcpListener;
use tokio::process::Command;

/// A region that answers on a port, a thousand times as fast as AWS.
struct Served {
    harness: Harness,
    endpoint: Endpoint,
}

impl Served {
    async fn start() -> Self {
        let served = Self::of(Harness::builder()).await;
        served.harness.pool_is_ready(2).await;
        served
            .harness
            .create(Target::named("tenant").rebalances())
            .await;
        served
    }

    async fn of(builder: HarnessBuilder) -> Self {
        let harness = builder
            .origin(SystemTime::now().into())
            .settings(|settings| settings.time_scale = 0.001)
            .start();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::start(harness.region.clone(), listener).unwrap();
        Self { harness, endpoint }
    }

    fn url(&self) -> String {
        format!("http://{}", self.endpoint.address())
    }

    /// Runs the program on this region.
    async fn run(&self, words: &[&str]) -> Printed {
        let url = self.url();
        let keys = [
            ("AWS_ACCESS_KEY_ID", "me"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
        ];
        let environment = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_REGION", "eu-west-1"),
        ];
        run(&[&keys[..], &environment].concat(), words).await
    }

    async fn stop(self) {
        self.endpoint.stop().await;
        self.harness.stop().await;
    }
}

/// What the program printed, and its exit status.
struct Printed {
    status: i32,
    out: String,
    errors: String,
}

impl Printed {
    #[track_caller]
    fn is(&self, status: i32, parts: &[&str]) {
        let all = format!("{}\n{}", self.out, self.errors);
        assert_eq!(self.status, status, "{all}");
        for part in parts {
            assert!(all.contains(part), "no {part:?} in:\n{all}");
        }
    }
}

/// A folder of the tests: a home without any configuration.
fn home(name: &str) -> PathBuf {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&home).unwrap();
    home
}

/// Runs the program with this environment and nothing of the machine's own.
async fn run(environment: &[(&str, &str)], words: &[&str]) -> Printed {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_ready-pool"))
        .env_clear()
        .env("HOME", home("nobody"))
        .env("PATH", "/nonexistent")
        // On a build machine at EC2 there would be credentials.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .args(words)
        .output()
        .await
        .unwrap();
    Printed {
        status: status.code().expect("it ended by itself"),
        out: String::from_utf8(stdout).unwrap(),
        errors: String::from_utf8(stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_works_over_a_socket_and_its_exit_status_says_how_it_ended() {
    let served = Served::start().await;
    let shown = served.run(&["status"]).await;
    shown.is(0, &["2 ready of 2 wanted", "ready-pool-pool"]);
    assert!(
        !shown.out.contains('\x1b'),
        "colours in a pipe: {}",
        shown.out
    );
    let line = words("send --target tenant --command true --id c-1 --wait");
    served.run(&line).await.is(0, &["c-1: ready: i-"]);
    served
        .run(&["claim", "c-1"])
        .await
        .is(0, &["ready", "Success, exit code 0"]);
    served.run(&["claim", "nosuch"]).await.is(4, &["no trace"]);
    served.run(&["pause"]).await.is(0, &["paused"]);
    served.run(&["resume"]).await.is(0, &["the pool works"]);
    served
        .run(&["doctor"])
        .await
        .is(0, &["tenant: its process AZRebalance is not suspended"]);
    let line = words("send --target tenant --command true --dry-run");
    let read = format!("--wait-time-seconds 20 --endpoint-url {}", served.url());
    served.run(&line).await.is(0, &[&read]);
    let line = ["send", "--target", "tenant", "--command", "{{"];
    served.run(&line).await.is(2, &["nothing was sent"]);
    served.run(&["nonsense"]).await.is(2, &["Usage"]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pools_in_one_region_are_one_family_to_the_program() {
    let served = Served::of(family::builder()).await;
    family::ready(&served.harness).await;
    for pool in ["small", "large"] {
        let target = format!("tenant-{pool}");
        let line = [
            "--family",
            "ready-pool",
            "send",
            "--target",
            &target,
            "--command",
            "true",
            "--id",
            pool,
            "--wait",
        ];
        let sent = format!("Sent to pool ready-pool-{pool}-pool");
        served
            .run(&line)
            .await
            .is(0, &[&sent, &format!("{pool}: ready: i-")]);
    }
    let shown = served.run(&["status", "--family", "ready-pool"]).await;
    shown.is(0, &["large  ", "small  ", "sum  "]);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_stack_a_missing_right_and_a_busy_account_say_what_to_do() {
    let served = Served::start().await;
    let wrong = served.run(&["status", "--stack", "nosuch"]).await;
    wrong.is(
        1,
        &[
            "there is no stack nosuch in eu-west-1 at http://127.0.0.1:",
            "--stack",
        ],
    );
    served.harness.break_next(Fault {
        calls: Calls::of(Service::AutoScaling, "DescribeAutoScalingGroups").by("me"),
        skip: 0,
        times: 3,
        moment: Moment::BeforeTheEffect,
        failure: Failure::Throttled,
    });
    served
        .run(&["status"])
        .await
        .is(1, &["throttled: ", "try again in a minute"]);
    served.harness.region.with(|world| {
        let settings = world.settings.clone();
        world.iam.add_user(&settings, "me", Vec::new());
    });
    let denied = served.run(&["status"]).await;
    denied.is(
        1,
        &["access denied: ", "sqs:getqueueurl", "docs/permissions.md"],
    );
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_credentials_region_or_network_it_says_so() {
    let nobody = run(&[("AWS_REGION", "eu-west-1")], &["status"]).await;
    nobody.is(1, &["no AWS credentials", "aws sso login"]);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
    ];
    let nowhere = run(&keys, &["status"]).await;
    nowhere.is(
        1,
        &[
            "no AWS region is set",
            "AWS_REGION",
            "--endpoint-url http://127.0.0.1:PORT",
        ],
    );
    // A port that was free a moment ago, and that nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let silent = run(&[], &["--endpoint-url", &url, "status"]).await;
    let refused = format!("no region answers at {url}: connection refused\n");
    silent.is(1, &[&refused, "cargo serve"]);
    let elsewhere = ["--endpoint-url", "http://nosuch.invalid", "status"];
    let nobody = run(&[("AWS_REGION", "eu-west-1")], &elsewhere).await;
    nobody.is(
        1,
        &[
            "no AWS credentials for http://nosuch.invalid: set",
            "any keys do",
        ],
    );
    assert!(
        !nobody.errors.contains("session token"),
        "{}",
        nobody.errors
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulated_region_on_this_machine_asks_for_no_credentials_and_has_one_region() {
    let served = Served::start().await;
    let url = served.url();
    // A region is the user's own account's, and this one is in none of them.
    for environment in [&[][..], &[("AWS_REGION", "us-east-1")]] {
        let shown = run(environment, &["status", "--endpoint-url", &url]).await;
        shown.is(0, &["2 ready of 2 wanted"]);
    }
    served.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_read_by_the_aws_cli() {
    use std::os::unix::fs::PermissionsExt;
    let served = Served::start().await;
    let url = served.url();
    let programs = home("programs");
    let aws = programs.join("aws");
    let script = r#"#!/bin/sh
[ "$*" = "configure export-credentials --format process --profile work" ] || { echo "no profile" >&2; exit 255; }
echo '{"Version": 1, "AccessKeyId": "from-sso", "SecretAccessKey": "s", "SessionToken": "t"}'
"#;
    std::fs::write(&aws, script).unwrap();
    std::fs::set_permissions(&aws, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = programs.to_str().unwrap();
    let environment = [
        ("PATH", path),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_REGION", "eu-west-1"),
    ];
    let shown = run(&environment, &["status", "--profile", "work"]).await;
    shown.is(0, &["2 ready of 2 wanted"]);
    let called = served.harness.journal().into_iter().any(
        |entry| matches!(entry.what, Happening::Called { caller, .. } if caller == "from-sso"),
    );
    assert!(called, "nobody called with the profile's keys");
    let refused = run(&environment, &["status", "--profile", "other"]).await;
    refused.is(
        1,
        &["no AWS credentials", "says: no profile", "aws sso login"],
    );
    served.stop().await;
}

#[tokio::test]
async fn completion_and_help_need_no_account() {
    run(&[], &["completion", "bash"])
        .await
        .is(0, &["ready-pool", "doctor"]);
    run(&[], &["--help"])
        .await
        .is(0, &["Exit status: 0 done", "Finds what would go wrong"]);
}

/// Keys of the environment may be another account's.
#[tokio::test]
async fn a_profile_that_is_named_is_never_replaced_by_other_credentials() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "somebody-else"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_REGION", "eu-west-1"),
        // Nothing answers there: whoever gets so far has credentials.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let said = run(&keys, &["status", "--profile", "nosuch"]).await;
    said.is(1, &["credentials", "nosuch"]);
}

#[tokio::test]
async fn an_address_without_a_scheme_is_refused_in_words() {
    for endpoint in ["127.0.0.1:4566", "foo", "ftp://x"] {
        let said = run(&[], &["status", "--endpoint-url", endpoint]).await;
        said.is(2, &["must begin with http:// or https://", endpoint]);
    }
}
