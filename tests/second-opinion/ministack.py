"""MiniStack, an AWS emulator that nobody here wrote, as a process of its own."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".venv-ministack" / "bin" / "ministack"
ACCOUNT, REGION = "123456789012", "eu-west-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": REGION,
    # No file of the user's may change what is tested.
    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
# Seconds.
START_LIMIT = 60
STOP_LIMIT = 20
# Lines of its log that are shown when the run fails.
SHOWN = 80


def free_port():
    """A port that was free a moment ago: MiniStack insists on being given one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def client(service, endpoint):
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION,
        aws_access_key_id="none", aws_secret_access_key="none",
    )


@contextlib.contextmanager
def running(elsewhere):
    """MiniStack's endpoint. Its functions find the services in `elsewhere` (variables) elsewhere."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as scratch, open(f"{scratch}/log", "w+") as log:
        environment = {
            "PATH": os.environ["PATH"], "HOME": scratch, "TMPDIR": scratch,
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION, "MINISTACK_ACCOUNT_ID": ACCOUNT,
            # What it runs as functions takes over its environment.
            "AWS_ENDPOINT_URL": endpoint, **CREDENTIALS, **elsewhere,
        }
        process = subprocess.Popen(
            [PROGRAM], cwd=scratch, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        try:
            wait_until_healthy(process, endpoint)
            yield endpoint
        except BaseException:
            log.seek(0)
            print("--- MiniStack:", *log.read().splitlines()[-SHOWN:], sep="\n", file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_LIMIT)
            # Itself where it did not stop, and what it left running.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_healthy(process, endpoint):
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"error: MiniStack ended by itself, with status {process.returncode}")
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5):
                return
        time.sleep(0.2)
    raise SystemExit(f"error: MiniStack does not answer within {START_LIMIT} s")
