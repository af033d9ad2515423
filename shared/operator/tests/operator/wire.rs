//! The program itself, over sockets and on the wall clock: credentials, addresses, and failures on the way.

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

/// As a shell's Ctrl-C.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_waiting_and_names_the_claim_that_goes_on() {
    let served = Served::start().await;
    served.run(&["pause"]).await.is(0, &["paused"]);
    let url = served.url();
    let line = "ready-pool send --target tenant --command true --id w1 --wait & follower=$!
        for _ in $(seq 1000); do ready-pool status | grep -q 'provision [0 and]*1' && break; done
        kill -INT $follower; wait $follower";
    let program = PathBuf::from(env!("CARGO_BIN_EXE_ready-pool"));
    let folder = program.parent().unwrap().to_str().unwrap();
    let output = Command::new("bash")
        // With job control a program in the background heeds SIGINT.
        .args(["-mc", line])
        .env_clear()
        .envs([
            ("PATH", format!("{folder}:/usr/bin:/bin").as_str()),
            ("AWS_ENDPOINT_URL", &url),
        ])
        .env("HOME", home("operator"))
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("w1 goes on: `ready-pool claim w1`"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(130), "{output:?}");
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

/// The lines of a chapter of docs/operations.md that call the program, in order, whether they stand in a sentence or in a
/// block of their own. Those with `…` or `|` show a form, and are no lines to paste.
fn lines_of(chapter: &str) -> Vec<&'static str> {
    let operations = include_str!("../../../../docs/operations.md");
    let (_, rest) = operations.split_once(&format!("\n## {chapter}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    let blocks = text.split('`').flat_map(str::lines).map(str::trim);
    let lines = blocks.filter(|line| line.starts_with("ready-pool ") && !line.contains(['…', '|']));
    lines.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_md_can_be_followed_word_for_word() {
    let served = Served::start().await;
    served
        .harness
        .create(Target::named("first").not_opted_in())
        .await;
    let url = served.url();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_ready-pool"));
    let folder = program.parent().unwrap().to_str().unwrap();
    let mut followed = Vec::new();
    for chapter in ["The first claim", "Pausing"] {
        for line in lines_of(chapter) {
            let output = Command::new("/bin/sh")
                .args(["-ec", line])
                .env_clear()
                .envs([
                    ("PATH", folder),
                    ("AWS_ENDPOINT_URL", &url),
                    ("TARGET", "first"),
                ])
                .env("HOME", home("operator"))
                .output()
                .await
                .unwrap();
            let shown = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{line}\n{shown}{errors}");
            followed.push(line);
        }
    }
    assert_eq!(
        followed,
        [
            "ready-pool opt-in \"$TARGET\"",
            "ready-pool doctor",
            "ready-pool send --target \"$TARGET\" --id first-1 --command 'echo hello' --wait",
            "ready-pool claim first-1",
            "ready-pool claim first-1",
            "ready-pool pause claims",
            "ready-pool resume",
        ]
    );
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
async fn a_simulated_region_on_this_machine_asks_for_no_credentials() {
    let served = Served::start().await;
    let url = served.url();
    let shown = run(&[], &["status", "--endpoint-url", &url]).await;
    shown.is(0, &["2 ready of 2 wanted"]);
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

/// As a shell does it: with the cursor behind what was typed.
#[tokio::test]
async fn bash_completes_the_options_of_a_subcommand() {
    let script = run(&[], &["completion", "bash"]).await.out;
    let asked = r#"
        COMP_WORDS=(ready-pool send --targ) COMP_CWORD=2
        _ready__pool ready-pool --targ send
        echo "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["-c", &(script + asked)])
        .output()
        .await
        .unwrap();
    let completed = String::from_utf8_lossy(&output.stdout);
    assert!(completed.contains("--target"), "{output:?}");
}
