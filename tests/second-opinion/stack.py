"""The stack's life on MiniStack: `sam deploy`, claims, an update, `sam delete`.

MiniStack is an AWS emulator that nobody here wrote. It takes what the SAM CLI sends, makes the
queues, roles, rules and functions, runs the functions' release binaries, and delivers its own
queues' messages to them. It knows neither detach nor attach, so Auto Scaling and Systems Manager
are the simulated region's. Where the two disagree about AWS is in differences.py, with the source.

Wants the release build and MiniStack: `tests/second-opinion/run` sees to it.
"""

import collections
import contextlib
import datetime
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import differences
import ministack
from ministack import ROOT, client
from relay import Relay

STACK = "ready-pool"
SUBNETS = "subnet-1a,subnet-1b,subnet-1c"
SECURITY_GROUPS = "sg-0123456789abcdef0"
POOL_SIZE = 9
LARGER_POOL = 11
# MiniStack makes no documents (differences.py).
DOCUMENT = "AWS-RunShellScript"
# AWS's own names of images are reserved, on MiniStack as on AWS.
IMAGE = "/own/image"
# Of what AWS takes, so much: an instance boots in seconds.
TIME_SCALE = "0.1"
# Seconds.
PATIENCE = 240
START_LIMIT = 60
SHOWN = 60


def check(holds, what):
    """Fails the run unless `holds`."""
    if not holds:
        raise SystemExit(f"error: {what}")


def wait_for(what, look, patience=PATIENCE):
    """Asks `look` until it answers something; returns that."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise SystemExit(f"error: {what}: not within {patience} s")


def say(text):
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", flush=True)


BEGAN = time.monotonic()


@contextlib.contextmanager
def region(address):
    """The simulated region: no function runs in it, and what they would hear goes to `address`."""
    command = ["target/debug/playground", "serve", "--json", "--time-scale", TIME_SCALE]
    command += ["--stack-name", STACK, "--pool-size", str(POOL_SIZE), "--function-dir", "target/debug"]
    command += ["--parameter", f"InitDocument={DOCUMENT}"]
    command += ["--pause", "claim-instance"]
    for function in ("init-instance", "replenish-pool"):
        command += ["--function", f"{function}={address}"]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
        )
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_LIMIT)
            line = process.stdout.readline() if ready else ""
            check(line, "the region did not say where it is")
            yield json.loads(line)
        except BaseException:
            log.seek(0)
            print("--- the region:", *log.read().splitlines()[-SHOWN:], sep="\n", file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


class Stack:
    """The stack in MiniStack, its groups in the region, and what was heard of claims."""

    def __init__(self, endpoint, groups):
        self.endpoint = endpoint
        # Where the groups and the commands are.
        self.elsewhere = groups
        self.clients = {
            name: client(name, endpoint)
            for name in ("cloudformation", "events", "iam", "lambda", "s3", "sqs", "ssm")
        }
        self.groups = client("autoscaling", groups)
        self.commands = client("ssm", groups)
        self.outputs = {}
        self.outcomes = []

    def sam(self, *arguments, succeeds=True):
        """Runs the SAM CLI as a person would, with samconfig.toml."""
        environment = {
            "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": self.endpoint, **ministack.CREDENTIALS,
        }
        done = subprocess.run(
            ["sam", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )
        said = done.stdout + done.stderr
        if (done.returncode == 0) != succeeds:
            raise SystemExit(f"{said}\nerror: sam {arguments[0]} ended with status {done.returncode}")
        return said

    def operate(self, *arguments, status=0):
        """Runs `ready-pool`; answers what it printed."""
        environment = {
            "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_AUTO_SCALING": self.elsewhere, "AWS_ENDPOINT_URL_SSM": self.elsewhere,
            **ministack.CREDENTIALS,
        }
        done = subprocess.run(
            [ROOT / "target/debug/ready-pool", "--stack", STACK, *arguments], env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode != status:
            raise SystemExit(f"{said}\nerror: ready-pool {arguments[0]} ended with status {done.returncode}")
        return said

    def deploy(self, *, succeeds=True, **parameters):
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        if overrides:
            overrides.insert(0, "--parameter-overrides")
        return self.sam(
            "deploy", "--no-confirm-changeset", "--no-progressbar", *overrides, succeeds=succeeds,
        )

    def described(self):
        """The stack as CloudFormation describes it; `None` where there is none."""
        try:
            [stack] = self.clients["cloudformation"].describe_stacks(StackName=STACK)["Stacks"]
        except self.clients["cloudformation"].exceptions.ClientError as error:
            check("does not exist" in str(error), error)
            return None
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
        return stack

    def resources(self):
        answer = self.clients["cloudformation"].describe_stack_resources(StackName=STACK)
        return {it["LogicalResourceId"]: it for it in answer["StackResources"]}

    # --- groups

    def members(self, group):
        answer = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[group])
        return answer["AutoScalingGroups"][0]["Instances"]

    def in_service(self, group):
        return {it["InstanceId"] for it in self.members(group) if it["LifecycleState"] == "InService"}

    def pool(self):
        return self.in_service(self.outputs["PoolGroupName"])

    def make_target(self, name):
        pool = self.outputs["PoolGroupName"]
        answer = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[pool])
        [described] = answer["AutoScalingGroups"]
        template = described["LaunchTemplate"]
        self.groups.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=4, DesiredCapacity=0,
            VPCZoneIdentifier=described["VPCZoneIdentifier"],
            LaunchTemplate={key: template[key] for key in ("LaunchTemplateId", "Version")},
            Tags=[{"ResourceId": name, "ResourceType": "auto-scaling-group",
                   "Key": "ready-pool:pool", "Value": pool, "PropagateAtLaunch": False}],
        )

    # --- claims

    def send(self, body, group=None, deduplication_id=None):
        self.clients["sqs"].send_message(
            QueueUrl=self.outputs["ProvisionQueueUrl"],
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageGroupId=group or self.outputs["PoolGroupName"],
            MessageDeduplicationId=deduplication_id or str(uuid.uuid4()),
        )

    def take_outcomes(self):
        """Whatever came, kept in `outcomes`."""
        queue = self.outputs["OutcomeQueueUrl"]
        answer = self.clients["sqs"].receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"],
        )
        for message in answer.get("Messages", []):
            self.clients["sqs"].delete_message(
                QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            outcome = json.loads(message["Body"])
            attribute = message["MessageAttributes"]["outcome"]["StringValue"]
            check(attribute == outcome["outcome"], f"the attribute says {attribute}: {outcome}")
            self.outcomes.append(outcome)

    def outcome(self, claim_id, number=1):
        """The claim's outcome, or its n-th one."""
        def look():
            self.take_outcomes()
            mine = [it for it in self.outcomes if it.get("claim_id") == claim_id]
            return len(mine) >= number and mine[number - 1]

        return wait_for(f"outcome {number} of {claim_id}", look)

    def waiting(self, output):
        """Messages on a queue, seen and unseen."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.clients["sqs"].get_queue_attributes(
            QueueUrl=self.outputs[output], AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


def claim(claim_id, target, *commands, **more):
    expires_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    return {
        "claim_id": claim_id, "target_group": target,
        "init": {"commands": list(commands or ["echo hello"]), "execution_timeout_seconds": 60},
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"), **more,
    }


# --- the acts


def what_must_not_be_deployed(stack):
    """A parameter that makes no pool is refused before anything is made."""
    for why, parameters, answer in differences.REFUSED:
        given = {} if parameters is None else {**PARAMETERS, **parameters}
        said = stack.deploy(succeeds=False, **given)
        check("Failed to create changeset" in said and answer in said, f"{why}: {said}")
        left = stack.described()
        nothing = left is None or left["StackStatus"] == "REVIEW_IN_PROGRESS"
        check(nothing, f"{why}: the stack is {left and left['StackStatus']}")
        say(f"refused before anything was made: {why}")


PARAMETERS = {
    "PoolSize": POOL_SIZE, "Subnets": SUBNETS, "SecurityGroups": SECURITY_GROUPS, "ImageId": IMAGE,
    "ScaleOutAlarmPrefix": "grow-", "ScaleOutCommand": "true", "InitDocument": DOCUMENT,
}


def it_deploys(stack):
    stack.clients["ssm"].put_parameter(Name=IMAGE, Type="String", Value="ami-0123456789abcdef0")
    what_must_not_be_deployed(stack)
    stack.deploy(**PARAMETERS)
    status = stack.described()["StackStatus"]
    check(status == "CREATE_COMPLETE", f"the stack is {status}")
    made = stack.resources()
    unmade = {name: it["ResourceStatus"] for name, it in made.items()
              if it["ResourceStatus"] != "CREATE_COMPLETE"}
    check(not unmade, f"not made: {unmade}")
    say(f"sam deploy made {len(made)} resources")


def the_pool_fills(stack, size):
    wait_for(f"a pool of {size}", lambda: len(stack.pool()) == size)
    say(f"the pool has {size} ready instances")


def a_claim(stack):
    stack.make_target("tenant-1")
    before = stack.pool()
    began = time.monotonic()
    stack.send(claim("first", "tenant-1", "echo hello from $AWS_SSM_INSTANCE_ID"))
    outcome = stack.outcome("first")
    check(outcome["outcome"] == "ready", f"not ready: {outcome}")
    instance = outcome["instance_id"]
    check(instance in before, f"{instance} was not in the pool")
    check(stack.in_service("tenant-1") == {instance}, f"{instance} is not what tenant-1 has")
    [command] = stack.commands.list_commands(InstanceId=instance)["Commands"]
    ran = stack.commands.get_command_invocation(
        CommandId=command["CommandId"], InstanceId=instance)
    check(f"hello from {instance}" in ran["StandardOutputContent"], f"it printed {ran}")
    say(f"first is ready after {time.monotonic() - began:.1f} s")


def many_claims(stack, number):
    ids = [f"crowd-{index}" for index in range(number)]
    for name in ids:
        stack.make_target(f"tenant-of-{name}")
    the_pool_fills(stack, POOL_SIZE)
    began = time.monotonic()
    for name in ids:
        stack.send(claim(name, f"tenant-of-{name}"), deduplication_id=name)
        # Once more: the queue takes it, and delivers it once.
        stack.send(claim(name, f"tenant-of-{name}"), deduplication_id=name)
    outcomes = [stack.outcome(name) for name in ids]
    check(all(it["outcome"] == "ready" for it in outcomes), f"not all ready: {outcomes}")
    instances = {it["instance_id"] for it in outcomes}
    check(len(instances) == number, f"{number} claims got {len(instances)} instances")
    for outcome in outcomes:
        check(stack.in_service(outcome["target_group"]) == {outcome["instance_id"]}, outcome)
        sent = stack.commands.list_commands(InstanceId=outcome["instance_id"])["Commands"]
        check(len(sent) == 1, f"not one command: {sent}")
    say(f"{number} of {number} claims ready after {time.monotonic() - began:.1f} s, each its own instance")


def the_command_line(stack):
    """The operator's, on the stack's own queues and their tags: a group opts in, is sent a claim, opts out."""
    pool = stack.outputs["PoolGroupName"]
    status = json.loads(stack.operate("status", "--json"))
    check(pool in json.dumps(status), f"the pool is not in its status: {status}")
    stack.make_target("tenant-by-hand")
    stack.operate("opt-out", "tenant-by-hand")
    stack.operate("opt-in", "tenant-by-hand")
    said = stack.operate(
        "send", "--target", "tenant-by-hand", "--id", "by-hand", "--command", "echo by hand", "--wait")
    check("ready" in said, f"not ready: {said}")
    [instance] = stack.in_service("tenant-by-hand")
    check(instance in stack.operate("claim", "by-hand"), "its story lacks its instance")
    stack.operate("pause")
    check("paused" in stack.operate("status"), "the pause is not in the status")
    stack.operate("resume")
    stack.operate("claim", "nobody-s", status=4)
    found = stack.operate("doctor")
    check("tenant-by-hand" in found, f"a target that doctor does not name: {found}")
    say("ready-pool opted a group in, sent it a claim, read its story, paused, resumed, and found nothing wrong")


def a_claim_sent_again(stack):
    """On purpose, with a fresh deduplication id: the same instance, the same outcome."""
    known = stack.outcome("first")
    stack.send(claim("first", "tenant-1"))
    again = stack.outcome("first", 2)
    for field in ("outcome", "reason", "instance_id"):
        check(again[field] == known[field], f"{field} was {known[field]}, is {again[field]}")
    check(stack.in_service("tenant-1") == {known["instance_id"]}, "tenant-1 got another one")
    say("first, sent again, heard its outcome again and got nothing new")


def bad_claims(stack):
    """Each gets its answer, and the original is kept."""
    kept = stack.waiting("RejectedQueueUrl")
    pool = stack.outputs["PoolGroupName"]
    cases = [
        ("misspelt", "malformed", claim("misspelt", "tenant-1", expires="never"), pool),
        ("lost", "unknown_target", claim("lost", "tenant-of-nobody"), pool),
        ("elsewhere", "wrong_message_group", claim("elsewhere", "tenant-1"), "another-pool"),
        ("ours", "target_is_ours", claim("ours", pool), pool),
    ]
    for claim_id, reason, body, group in cases:
        stack.send(body, group)
        outcome = stack.outcome(claim_id)
        ended = (outcome["outcome"], outcome["reason"])
        check(ended == ("rejected", reason), f"{claim_id}: {outcome}")
    stack.send("no claim at all")
    wait_for("five kept originals", lambda: stack.waiting("RejectedQueueUrl") == kept + 5)
    say(f"rejected, each with its reason: {', '.join(reason for _, reason, _, _ in cases)}")


def a_script_that_fails(stack):
    stack.make_target("tenant-2")
    stack.send(claim("fails", "tenant-2", "exit 3"))
    outcome = stack.outcome("fails")
    ended = (outcome["outcome"], outcome["reason"], outcome["command"]["exit_code"])
    check(ended == ("failed", "script_failed", 3), f"not failed: {outcome}")
    instance = outcome["instance_id"]
    wait_for(f"{instance} gone", lambda: not stack.groups.describe_auto_scaling_instances(
        InstanceIds=[instance])["AutoScalingInstances"])
    check(not stack.members("tenant-2"), "tenant-2 keeps the instance of a failed claim")
    say(f"a script that failed failed its claim, and {instance} was retired")


def a_dry_run(stack):
    before = stack.pool()
    stack.send(claim("perhaps", "tenant-2", dry_run=True), group="dry-run")
    outcome = stack.outcome("perhaps")
    ended = (outcome["outcome"], outcome["reason"])
    check(ended == ("dry_run", "would_be_served"), f"not a preview: {outcome}")
    check(before <= stack.pool(), "a dry run took an instance")
    say("a dry run said that it would be served, and took nothing")


def it_updates(stack):
    """A larger pool, and everything else as it was: a claim under way is not disturbed."""
    stack.send(claim("meanwhile", "tenant-2", "sleep 5"))
    # What is not given stays as it was.
    stack.deploy(PoolSize=LARGER_POOL)
    status = stack.described()["StackStatus"]
    check(status == "UPDATE_COMPLETE", f"the stack is {status}")
    outcome = stack.outcome("meanwhile")
    check(outcome["outcome"] == "ready", f"not ready: {outcome}")
    the_pool_fills(stack, LARGER_POOL)
    stack.send(claim("after", "tenant-2"))
    outcome = stack.outcome("after")
    check(outcome["outcome"] == "ready", f"not ready: {outcome}")
    say("sam deploy updated the stack; a claim during it and one after it are ready")


def nothing_is_left_over(stack):
    """No message waits, none is dead, and every event found its rule."""
    for output in ("ProvisionQueueUrl", "InitQueueUrl"):
        wait_for(f"{output} empty", lambda name=output: stack.waiting(name) == 0)
    for queue in stack.clients["sqs"].list_queues(QueueNamePrefix=STACK)["QueueUrls"]:
        if "dead-letter" in queue:
            answer = stack.clients["sqs"].get_queue_attributes(
                QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
            check(answer["Attributes"]["ApproximateNumberOfMessages"] == "0", f"dead letters: {queue}")
    # At least once: a look at a claim may fall between its command's end and the event that says so.
    heard = collections.defaultdict(set)
    for it in stack.outcomes:
        heard[it.get("claim_id")].add((it["outcome"], it["reason"], it.get("instance_id")))
    contradictions = {name: ends for name, ends in heard.items() if len(ends) > 1}
    check(not contradictions, f"claims heard outcomes that contradict each other: {contradictions}")
    say(f"no message waits, none is dead, and {len(heard)} claims heard one outcome each, "
        f"in {len(stack.outcomes)} messages")


def every_event_found_its_rule(relay):
    check(not relay.problems, f"events were not handed on: {relay.problems}")
    counts = collections.Counter(relay.handed_on)
    lost = {kind for kind, taken in counts if taken == 0}
    check(not lost, f"no rule took {lost}")
    check(any("Command Invocation" in kind for kind, _ in counts), f"no command ended: {counts}")
    say(f"{counts.total()} events of {len(counts)} kinds found their rules")


def what_differs(stack):
    for row in differences.ROWS:
        gone = row.still and not row.still(stack.clients)
        check(not gone, f"MiniStack does as AWS now, so the row can go: {row.what}")
        print(f"          differs: {row.what}: {row.ministack}. AWS: {row.aws}. So: {row.so}")


def the_other_processor():
    """`./build-arm64` hands sam the same template, but for the processor."""
    with tempfile.TemporaryDirectory() as scratch:
        stub, kept = pathlib.Path(scratch, "sam"), pathlib.Path(scratch, "kept.yaml")
        stub.write_text(f'#!/bin/sh\n[ "$1 $2" = "build --template-file" ] && cp "$3" {kept}\n')
        stub.chmod(0o755)
        path = f"{scratch}:{os.environ['PATH']}"
        subprocess.run([ROOT / "build-arm64"], env={**os.environ, "PATH": path}, check=True)
        pairs = list(zip((ROOT / "template.yaml").read_text().splitlines(),
                         kept.read_text().splitlines(), strict=True))
    changed = [(before.strip(), after.strip()) for before, after in pairs if before != after]
    check(changed == [("Architectures: [x86_64]", "Architectures: [arm64]")], changed)
    say("./build-arm64 changes the processor and nothing else")


def what_was_built(stack):
    """The functions are for the processor that their programs are for."""
    machines = {62: "x86_64", 183: "arm64"}
    for name in ("ClaimInstanceFunction", "InitInstanceFunction", "ReplenishPoolFunction"):
        header = (ROOT / ".aws-sam" / "build" / name / "bootstrap").read_bytes()[:20]
        machine = machines[int.from_bytes(header[18:20], "little")]
        deployed = stack.clients["lambda"].get_function_configuration(
            FunctionName=stack.resources()[name]["PhysicalResourceId"])["Architectures"]
        check(deployed == [machine], f"{name} is {machine}, deployed as {deployed}")
    say(f"the functions were deployed as {machine}, which is what their programs are for")


def in_which_order_it_went(stack, stack_id):
    """The hook goes before the group: deleting it abandons launches that wait in it."""
    events = stack.clients["cloudformation"].describe_stack_events(StackName=stack_id)["StackEvents"]
    gone = [it["LogicalResourceId"] for it in reversed(events)
            if it["ResourceStatus"] == "DELETE_COMPLETE"]
    check(gone.index("PoolHook") < gone.index("PoolGroup"), f"deleted in this order: {gone}")


def it_goes(stack):
    stack_id = stack.described()["StackId"]
    stack.sam("delete", "--no-prompts", "--stack-name", STACK, "--region", ministack.REGION)
    check(stack.described() is None, "the stack is still there")
    queues = stack.clients["sqs"].list_queues(QueueNamePrefix=STACK).get("QueueUrls", [])
    functions = [it["FunctionName"] for it in stack.clients["lambda"].list_functions()["Functions"]]
    rules = [it["Name"] for it in stack.clients["events"].list_rules()["Rules"]]
    check(not queues and not functions and not rules, f"left: {queues} {functions} {rules}")
    # On purpose: machines of tenants use it.
    roles = [it["RoleName"] for it in stack.clients["iam"].list_roles()["Roles"]]
    kept = [name for name in roles if name.startswith(STACK)]
    check(len(kept) == 1 and "PoolInstanceRole" in kept[0], f"roles that were kept: {kept}")
    in_which_order_it_went(stack, stack_id)
    say("sam delete left nothing but the role of the instances")


def main():
    the_other_processor()
    relay = Relay()
    with region(relay.address) as serve:
        elsewhere = {
            "AWS_ENDPOINT_URL_AUTO_SCALING": serve["endpoint"],
            "AWS_ENDPOINT_URL_SSM": serve["endpoint"],
        }
        with ministack.running(elsewhere) as endpoint:
            stack = Stack(endpoint, serve["endpoint"])
            it_deploys(stack)
            relay.connect(stack.clients)
            what_was_built(stack)
            what_differs(stack)
            the_pool_fills(stack, POOL_SIZE)
            a_claim(stack)
            many_claims(stack, 8)
            the_command_line(stack)
            a_claim_sent_again(stack)
            bad_claims(stack)
            a_script_that_fails(stack)
            a_dry_run(stack)
            it_updates(stack)
            nothing_is_left_over(stack)
            every_event_found_its_rule(relay)
            it_goes(stack)
    relay.stop()


if __name__ == "__main__":
    main()
