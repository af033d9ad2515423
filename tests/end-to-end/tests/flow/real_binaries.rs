//! The flow once with everything real: the function binaries as processes behind the Lambda
//! Runtime API, sockets, the wall clock, and scripts that run. It is the README's first command; and
//! `serve`, on which the operator's command line works as on an account.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A program of the workspace, with these arguments.
fn program(name: &str, arguments: &[&str]) -> Command {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(workspace)
        .args(["run", "--quiet", "--bin", name, "--"])
        .args(arguments)
        .env_remove("AWS_ENDPOINT_URL");
    command
}

/// The region's program, with these arguments.
fn region(arguments: &[&str]) -> Command {
    program("playground", arguments)
}

/// Runs `demo` a fifty times as fast as AWS; returns its story, or fails with it.
fn demo(options: &[&str]) -> String {
    let demo = region(&["demo", "--time-scale", "0.02"])
        .args(options)
        .output()
        .expect("cargo runs");
    let shown = String::from_utf8_lossy(&demo.stdout);
    let log = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{shown}\n{log}");
    shown.into_owned()
}

/// Another program in a function's place; here it is the same, started by a shell.
#[test]
fn another_program_may_do_a_functions_work() {
    let marker = Path::new(env!("CARGO_TARGET_TMPDIR")).join("another-program");
    let _ = std::fs::remove_file(&marker);
    let here = std::env::current_exe().expect("a test has a path");
    let profile = here
        .ancestors()
        .nth(2)
        .expect("deps is in the profile's folder");
    let line = format!(
        "claim-instance=echo \"$AWS_LAMBDA_FUNCTION_NAME\" > '{}'; '{}/claim-instance'",
        marker.display(),
        profile.display()
    );
    let shown = demo(&["--function", &line]);
    assert!(shown.contains("is ready (initialised)"), "{shown}");
    let ran = std::fs::read_to_string(&marker).expect("the other program ran");
    assert_eq!(ran, "ready-pool-claim-instance\n");
}

#[test]
fn the_demo_of_the_readme_gets_its_instance_ready() {
    let shown = demo(&[]);
    let steps = [
        "how long the step took",
        "detaching",
        "detached",
        "attaching",
        "command sent",
        "script starts",
        // The script's own output.
        "setting up organisation 1337",
        "is ready (initialised)",
        "The pool refills",
        "ready in",
    ];
    shows(&shown, &steps);
}

#[track_caller]
fn shows(shown: &str, steps: &[&str]) {
    let mut rest = shown;
    for step in steps {
        let (_, after) = rest
            .split_once(step)
            .unwrap_or_else(|| panic!("no {step:?} in its place in:\n{shown}"));
        rest = after;
    }
}

#[test]
fn the_demo_makes_the_group_of_a_signup_in_one_message() {
    let shown = demo(&["--create-target"]);
    let steps = [
        "wants an instance for tenant-1337, a group that does not exist",
        "CreateAutoScalingGroup of tenant-1337, by claim-instance",
        "detaching",
        "attaching",
        "command sent",
        "is ready (initialised)",
        "The same message again",
        "is ready (initialised): this claim was served before",
        "tenant-1337 has 1 instance, as before",
        "ready in",
    ];
    shows(&shown, &steps);
}

/// A region that runs; it ends when this is dropped.
struct Served {
    process: Child,
    /// Where everything is.
    placement: Value,
}

impl Served {
    fn start() -> Self {
        let options = ["serve", "--json", "--port", "0", "--pool-size", "1"];
        let mut process = region(&options)
            .args(["--time-scale", "0.02"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // `cargo run` becomes the region on Unix: the process that is ended is the region.
            .spawn()
            .expect("cargo runs");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("it is piped");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("serve says where it is");
        Self {
            process,
            placement: serde_json::from_str(&line).expect("serve speaks JSON"),
        }
    }

    fn endpoint(&self) -> &str {
        self.placement["endpoint"].as_str().expect("an endpoint")
    }

    /// Posts JSON and returns the answer's.
    fn post(&self, path: &str, headers: &str, body: &Value) -> Value {
        let address = self.endpoint().strip_prefix("http://").expect("HTTP");
        let mut stream = TcpStream::connect(address).expect("the region listens");
        let body = body.to_string();
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
        .expect("the region reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("the region answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// A click on the page's button.
    fn send_a_claim(&self) -> Value {
        let headers = format!(
            "Origin: {}\r\nContent-Type: application/json\r\n",
            self.endpoint()
        );
        let order = json!({ "count": 1, "script": "succeeds", "waits": true });
        self.post("/_region/claims", &headers, &order)
    }

    /// Receives an outcome, and leaves it on its queue.
    fn outcome(&self) -> Option<Value> {
        let headers = "Content-Type: application/x-amz-json-1.0\r\n\
                       X-Amz-Target: AmazonSQS.ReceiveMessage\r\n\
                       Authorization: AWS4-HMAC-SHA256 Credential=me/20261122/eu-west-1/sqs/aws4_request\r\n";
        let queue = &self.placement["queues"]["outcome"];
        let input = json!({ "QueueUrl": queue, "WaitTimeSeconds": 20, "VisibilityTimeout": 0 });
        let answer = self.post("/", headers, &input);
        assert!(answer.get("__type").is_none(), "{answer}");
        let body = answer["Messages"][0]["Body"].as_str()?;
        Some(serde_json::from_str(body).expect("an outcome is JSON"))
    }

    /// What `ready-pool` prints on this region, and its exit status.
    fn operator(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let shown = program("ready-pool", &["--endpoint-url", self.endpoint()])
            .args(arguments)
            .output()
            .expect("cargo runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let all = format!("{}{}", text(&shown.stdout), text(&shown.stderr));
        (shown.status.code(), all)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // As Ctrl-C would: the region ends the processes of its functions.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let _ = self.process.wait();
    }
}

#[test]
fn the_operator_s_command_line_works_on_the_region_that_is_served() {
    let served = Served::start();
    assert_eq!(served.send_a_claim()["said"], "signup-2001 is sent");
    // Each waits for twenty seconds at most.
    let outcome = (0..6).find_map(|_| served.outcome()).expect("an outcome");
    assert_eq!(outcome["outcome"], "ready");
    let instance = outcome["instance_id"].as_str().expect("an instance");
    let in_target = format!("{instance} in tenant-2001, the target: InService, agent online");
    let line = [
        "send",
        "--target",
        "tenant-2001",
        "--id",
        "again",
        "--wait",
        "--command",
        "echo $AWS_SSM_INSTANCE_ID",
    ];
    for (words, parts) in [
        (
            &["claim", "signup-2001"][..],
            &[
                "signup-2001 for tenant-2001 (signup-2001@",
                "): ready",
                "entry       attempt 1, ready, deadline ",
                &in_target,
                "Success, exit code 0;",
                "setting up organisation 2001",
            ][..],
        ),
        (&line, &["again: ready: i-"]),
        (&["claim", "again"], &["│ i-"]),
        (&["status"], &["0 open, on 1 target"]),
        (&["doctor"], &["pool ready-pool-pool"]),
    ] {
        let (status, shown) = served.operator(words);
        assert_eq!(status, Some(0), "{words:?}: {shown}");
        for part in parts {
            assert!(shown.contains(part), "{words:?}: no {part:?} in:\n{shown}");
        }
    }
    let (status, shown) = served.operator(&["claim", "signup-2002"]);
    assert_eq!(status, Some(4), "{shown}");
    assert!(shown.contains("signup-2002: no trace"), "{shown}");
}
