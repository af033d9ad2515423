"""Each function in a container, with each file in events/, on a region that runs nothing itself.

Wants what invoke.py wants, and the region's program built. `tests/sam-local/run` sees to it all.
"""

import contextlib
import ipaddress
import json
import pathlib
import select
import signal
import subprocess
import sys
import tempfile

import botocore.exceptions
from invoke import FUNCTIONS, ROOT, Region, invoke, sam_local_invoke, wait_for

EVENTS = ROOT / "events"
TARGET = "asg-production-1337"
# What tests/sam-local/base-image made is not in the registry.
OPTIONS = ["--skip-pull-image"]
POOL_SIZE = 2
# Lines of a log that are shown when something fails.
SHOWN = 60


def check(holds, what):
    """Fails the run unless `holds`."""
    if not holds:
        raise SystemExit(f"error: {what}")


def show(whose, log):
    """The end of a log, for whoever wants to know why the run failed."""
    lines = log.splitlines()[-SHOWN:]
    print(f"--- {whose}:", *lines, sep="\n", file=sys.stderr, flush=True)


def say(text):
    print(f"      {text}", flush=True)


def bridge():
    """The address of this machine on Docker's bridge: reachable from here and from containers."""
    command = ["docker", "network", "inspect", "bridge"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    [config] = json.loads(done.stdout)[0]["IPAM"]["Config"]
    # Older daemons name no gateway: it is the subnet's first address.
    return config.get("Gateway") or str(next(ipaddress.ip_network(config["Subnet"]).hosts()))


@contextlib.contextmanager
def serving(environment):
    """A region whose functions are all paused; stopped as Ctrl-C would."""
    command = ["target/debug/playground", "serve", "--json", "--host", bridge()]
    command += ["--time-scale", "0.1", "--pool-size", str(POOL_SIZE), "--environment", environment]
    for function in FUNCTIONS:
        command += ["--pause", function]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            text=True,
        )
        try:
            ready, _, _ = select.select([process.stdout], [], [], 1200)
            check(ready and process.stdout.readline(), "serve did not say where it is")
            yield Region(pathlib.Path(environment))
        except BaseException as error:
            log.seek(0)
            show("the region", log.read())
            if (status := process.poll()) is not None:
                raise SystemExit(f"error: the region ended by itself, with status {status}") from None
            if isinstance(error, botocore.exceptions.ClientError):
                raise SystemExit(f"error: {error}") from None
            raise
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


class Flow:
    """What was invoked, and on what."""

    def __init__(self, region):
        self.region = region
        self.files = set()
        self.last = ("nothing was invoked", "")

    def file(self, name, claim_id=None):
        self.files.add(name)
        return self.invoke(str(EVENTS / name), claim_id)

    def next_of(self, function):
        return self.invoke(function)

    def invoke(self, what, claim_id=None):
        answer, log = invoke(self.region, what, claim_id, OPTIONS)
        self.last = (what, log)
        return answer, log

    def commands_of(self, instance):
        return self.region.clients["ssm"].list_commands(InstanceId=instance)["Commands"]

    def outcome(self):
        sqs = self.region.clients["sqs"]
        variables = self.region.variables["init-instance"]
        url = variables["OUTCOME_QUEUE_URL"]
        look = lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")
        message = wait_for("an outcome", look)[0]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def waiting(self, function):
        answer = self.region.clients["sqs"].get_queue_attributes(
            QueueUrl=self.region.queue(function), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def the_pool_fills(flow):
    """Without replenish-pool nothing leaves the launch hook; with it everything does."""
    region = flow.region

    def in_hook():
        members = region.group(region.pool)["Instances"]
        held = [it for it in members if it["LifecycleState"] == "Pending:Wait"]
        return len(held) == POOL_SIZE

    wait_for("instances in the launch hook", in_hook)
    check(not region.in_service(region.pool), "in service without replenish-pool")

    def filled():
        flow.file("replenish-pool.launch-lifecycle-action.json")
        return len(region.in_service(region.pool)) == POOL_SIZE

    # Their agents come online one after the other.
    wait_for("the pool", filled)
    say(f"replenish-pool let {POOL_SIZE} instances into service")


def a_claim(flow, claim_id):
    """From the message to the outcome, each step by hand."""
    region = flow.region
    before = set(region.in_service(region.pool))
    flow.file("claim-instance.provision.json", claim_id)
    _, instance, attempt, status, *_ = region.entry(TARGET, claim_id)
    check((attempt, status) == ("1", "assigned"), f"the entry is {attempt} {status}")
    check(instance in before, f"{instance} was not in the pool")
    check(instance not in region.in_service(region.pool), f"{instance} was not detached")
    check(flow.waiting("init-instance") == 1, "nothing was handed over")
    say(f"claim-instance detached {instance} and handed it over")

    flow.next_of("init-instance")
    wait_for("the attach", lambda: instance in region.in_service(TARGET))
    comments = [command["Comment"] for command in flow.commands_of(instance)]
    check(len(comments) == 1 and claim_id in comments[0], f"commands of {instance}: {comments}")
    say(f"init-instance attached it to {TARGET} and sent {comments[0]!r}")

    flow.file("init-instance.command-finished.json", claim_id)
    check(region.entry(TARGET, claim_id)[3] == "ready", "the entry is not ready")
    outcome = flow.outcome()
    ended = (outcome["claim_id"], outcome["outcome"], outcome["instance_id"])
    check(ended == (claim_id, "ready", instance), f"the outcome is {outcome}")
    say(f"init-instance reported {claim_id} ready")

    # Everybody may ask again, and hears the same. EventBridge's own word waits, too.
    flow.file("init-instance.look-again.json", claim_id)
    flow.next_of("init-instance")
    check(region.entry(TARGET, claim_id)[3] == "ready", "the entry is not ready any more")
    check(len(flow.commands_of(instance)) == 1, "sent two commands")


def other_claims(flow):
    """Claims that begin otherwise: handed over by hand, tried again, made of an alarm."""
    region = flow.region
    wait_for("an instance to hand over", lambda: refilled(flow))
    flow.file("init-instance.hand-over.json", "handed-over")
    instance = region.entry(TARGET, "handed-over")[1]
    wait_for("the attach", lambda: instance in region.in_service(TARGET))
    check(len(flow.commands_of(instance)) == 1, f"{instance} was not sent its command")
    say(f"init-instance attached {instance}, handed over by hand, and sent its command")

    flow.file("replenish-pool.schedule.json")
    others = [("claim-instance.retry.json", "2"), ("claim-instance.alarm.json", "1")]
    for name, expected in others:
        wait_for(f"an instance for {name}", lambda: refilled(flow))
        flow.file(name, name)
        _, instance, attempt, status, *_ = region.entry(TARGET, name)
        check((attempt, status) == (expected, "assigned"), f"the entry is {attempt} {status}")
        check(instance not in region.in_service(region.pool), f"{instance} was not detached")
        say(f"claim-instance detached {instance} for {name}, attempt {attempt}")


def refilled(flow):
    """Whether the pool has a ready instance, with replenish-pool's help."""
    if flow.region.in_service(flow.region.pool):
        return True
    flow.file("replenish-pool.schedule.json")
    return False


def whatever_happens_to_the_pool(flow):
    """replenish-pool looks at the pool whatever woke it."""
    names = {path.name for path in EVENTS.glob("replenish-pool.*.json")}
    for name in sorted(names - flow.files):
        _, log = flow.file(name)
        check('"ERROR"' not in log, log)
        say(f"replenish-pool answered {name}")


def a_stale_event(flow):
    """As it stands, a file's message is somebody else's: its receipt is of another day."""
    region = flow.region
    waiting = flow.waiting("init-instance")
    event = json.loads((EVENTS / "claim-instance.provision.json").read_text())
    answer, _ = sam_local_invoke(region, "claim-instance", event, OPTIONS)
    say(f"claim-instance answered the file as it stands with {answer}")
    check(flow.waiting("init-instance") == waiting, "a message with a stale receipt had an effect")
    return event


def play(flow):
    """Everything, with the region there; returns an event for when it is gone."""
    try:
        the_pool_fills(flow)
        a_claim(flow, "first")
        other_claims(flow)
        whatever_happens_to_the_pool(flow)
        event = a_stale_event(flow)
    except BaseException:
        show(*flow.last)
        raise
    missed = {path.name for path in EVENTS.glob("*.json")} - flow.files
    check(not missed, f"not invoked: {missed}")
    return event


def main():
    with tempfile.TemporaryDirectory() as environment:
        with serving(environment) as region:
            flow = Flow(region)
            event = play(flow)
        # Nobody listens any more.
        answer, log = sam_local_invoke(region, "claim-instance", event, OPTIONS)
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        check(failed == [event["Records"][0]["messageId"]], f"no region, and yet {answer}")
        check("Connection refused" in log, f"nothing says that the region is gone: {log}")
        say("without a region, claim-instance says that the connection was refused")
    print(f"{len(flow.files)} events, each with its function in a container", flush=True)


if __name__ == "__main__":
    main()
