//! Starts functions in turn, beside one that does nothing, and measures how long each takes to ask for work.
//!
//! `cold-start ROUNDS BARE FUNCTION…` with the binaries' paths. Figures of one run compare; those of two do not.

use std::env::args;
use std::error::Error;
use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_micros(50);

/// What `template.yaml` sets; with them each of the three starts.
const ENVIRONMENT: [(&str, &str); 26] = [
    ("AWS_ACCESS_KEY_ID", "none"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_NAME", "ready-pool"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_SECRET_ACCESS_KEY", "none"),
    ("BOOT_LIMIT_SECONDS", "600"),
    ("DETAIL", "full"),
    ("HIT_RATE", "0"),
    ("INIT_DOCUMENT", "ready-pool-init"),
    (
        "INIT_QUEUE_URL",
        "https://sqs.eu-west-1.amazonaws.com/1/init.fifo",
    ),
    ("LAUNCH_HOOK_NAME", "ready-pool-ready"),
    ("LEAST_READY", "1"),
    ("MAX_AGE_HOURS", "0"),
    ("OUTCOME_OUTPUT_CHARACTERS", "1000"),
    (
        "OUTCOME_QUEUE_URL",
        "https://sqs.eu-west-1.amazonaws.com/1/outcome",
    ),
    ("POOL_GROUP", "ready-pool"),
    ("POOL_MAX_SIZE", "20"),
    ("POOL_SIZE", "10"),
    ("PROTECT_FROM_SCALE_IN", "false"),
    (
        "PROVISION_QUEUE_URL",
        "https://sqs.eu-west-1.amazonaws.com/1/provision.fifo",
    ),
    (
        "REJECTED_QUEUE_URL",
        "https://sqs.eu-west-1.amazonaws.com/1/rejected",
    ),
    ("REQUIRE_COMMON_SUBNET", "true"),
    ("RETIREMENT_GROUP", "ready-pool-retirement"),
    ("STACK", "ready-pool"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = args().skip(1);
    let usage = "cold-start ROUNDS BARE FUNCTION…";
    let rounds: usize = arguments.next().ok_or(usage)?.parse()?;
    let functions: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let mut times = vec![Vec::new(); functions.len()];
    for round in 0..=rounds {
        let mut turns: Vec<_> = functions.iter().zip(&mut times).collect();
        // There and back: on a machine that does other work, each pays for what the one before it left of the core.
        if round % 2 == 1 {
            turns.reverse();
        }
        for (function, times) in turns {
            let time = cold_start(function)?;
            // The first round fills the page cache.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    let bare = medians.first().ok_or(usage)?.as_secs_f64();
    println!(
        "{:<18} {:>9} {:>8} {:>8}",
        "function", "median", "to bare", "size"
    );
    for (function, median) in functions.iter().zip(&medians) {
        let name = function.components().rev().nth(1).ok_or(usage)?.as_os_str();
        let millis = median.as_secs_f64() * 1e3;
        let ratio = median.as_secs_f64() / bare;
        let kilobytes = u32::try_from(function.metadata()?.len() / 1000)?;
        let size = f64::from(kilobytes) / 1e3;
        let name = name.to_string_lossy();
        println!("{name:<18} {millis:>6.2} ms {ratio:>6.2} × {size:>5.2} MB");
    }
    Ok(())
}

/// From the start of the process to its first request for an invocation.
fn cold_start(function: &PathBuf) -> Result<Duration, Box<dyn Error>> {
    let runtime_api = TcpListener::bind("127.0.0.1:0")?;
    runtime_api.set_nonblocking(true)?;
    let mut command = Command::new(function);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .env(
            "AWS_LAMBDA_RUNTIME_API",
            runtime_api.local_addr()?.to_string(),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let mut process = command.spawn()?;
    let asks = loop {
        match runtime_api.accept() {
            Ok((mut connection, _)) => break connection.read(&mut [0])? > 0,
            Err(_) if process.try_wait()?.is_some() => break false,
            Err(_) => sleep(LOOK_EVERY),
        }
    };
    let time = start.elapsed();
    process.kill()?;
    process.wait()?;
    if asks {
        Ok(time)
    } else {
        Err(format!("{} does not ask for work", function.display()).into())
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
