"""The region through other people's eyes: one claim each with boto3 and with the AWS CLI.

Both are unmodified and know nothing of ready-pool; their parsers judge the region's answers. Each
calls every operation that the template allows a function.
Starts `serve` itself, and checks that it stops with all its children. Run it from a virtual
environment with .ci/requirements.txt:

    python tests/conformance/clients.py
"""

import contextlib
import datetime
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

import boto3
import botocore
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVE = ["cargo", "run", "--quiet", "--bin", "playground", "--", "serve"]
SERVE += ["--json", "--port", "0", "--time-scale", "0.1", "--pool-size", "2"]

# Seconds. `serve` may have to be built first; the rest takes seconds at this time scale.
START_LIMIT = 1200
WAIT_LIMIT = 120
STOP_LIMIT = 20


class Refused(Exception):
    """An error answer: AWS's code and message."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Boto3:
    """Calls through boto3."""

    name = "boto3"

    def __init__(self, endpoint, environment):
        self.answered = set()
        self.endpoint = endpoint
        self.session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_DEFAULT_REGION"],
        )

    def call(self, service, operation, **parameters):
        client = self.session.client(service, endpoint_url=self.endpoint)
        try:
            answer = getattr(client, botocore.xform_name(operation))(**parameters)
            self.answered.add((service, operation))
            return answer
        except ClientError as error:
            answer = error.response["Error"]
            raise Refused(answer["Code"], answer["Message"]) from error


class AwsCli:
    """Calls through the `aws` command."""

    name = "aws"

    def __init__(self, endpoint, environment):
        self.answered = set()
        self.endpoint = endpoint
        self.environment = environment

    def call(self, service, operation, **parameters):
        # Not AWS_ENDPOINT_URL: `aws sqs` of version 1 does not heed it.
        command = ["aws", "--endpoint-url", self.endpoint, "--output", "json", service]
        command += [botocore.xform_name(operation, "-"), "--cli-input-json", json.dumps(parameters)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60,
            check=False,
        )
        if done.returncode != 0:
            # An error occurred (<code>) when calling the <operation> operation: <message>
            before, found, message = done.stderr.partition(" operation: ")
            if not found:
                raise RuntimeError(done.stderr)
            raise Refused(before.partition("(")[2].partition(")")[0], message.strip())
        self.answered.add((service, operation))
        return json.loads(done.stdout) if done.stdout.strip() else {}


def check(holds, what):
    """Fails the run unless `holds`."""
    if not holds:
        raise AssertionError(what)


def wait_for(what, look):
    """Asks `look` until it answers something; returns that."""
    deadline = time.monotonic() + WAIT_LIMIT
    while time.monotonic() < deadline:
        if answer := look():
            return answer
        time.sleep(0.5)
    raise TimeoutError(f"{what}: not within {WAIT_LIMIT} s")


def say(client, text):
    print(f"{client.name:>5}  {text}", flush=True)


def group(client, name):
    answer = client.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[name])
    check(len(answer["AutoScalingGroups"]) == 1, f"{name} is not described once: {answer}")
    return answer["AutoScalingGroups"][0]


def in_service(client, name):
    return [
        instance["InstanceId"]
        for instance in group(client, name)["Instances"]
        if (instance["LifecycleState"], instance["HealthStatus"]) == ("InService", "Healthy")
    ]


def is_online(client, instance):
    answer = client.call("ssm", "DescribeInstanceInformation",
                         Filters=[{"Key": "InstanceIds", "Values": [instance]}])
    agents = [(agent["InstanceId"], agent["PingStatus"])
              for agent in answer["InstanceInformationList"]]
    return agents == [(instance, "Online")]


def wait_for_pool(client, pool, size):
    wait_for("the pool", lambda: len(in_service(client, pool)) == size)
    say(client, f"{pool} has {size} ready instances")


def create_target(client, name, pool):
    """A tenant's empty group in the pool's zones, with the tag that opts in."""
    described = group(client, pool)
    template = described["LaunchTemplate"]
    client.call(
        "autoscaling", "CreateAutoScalingGroup",
        AutoScalingGroupName=name, MinSize=0, MaxSize=2, DesiredCapacity=0,
        VPCZoneIdentifier=described["VPCZoneIdentifier"],
        LaunchTemplate={key: template[key] for key in ("LaunchTemplateId", "Version")},
        Tags=[{
            "ResourceId": name, "ResourceType": "auto-scaling-group",
            "Key": "ready-pool:pool", "Value": pool, "PropagateAtLaunch": False,
        }],
    )
    check(group(client, name)["Instances"] == [], f"{name} is not empty")
    say(client, f"created {name}")


def send_claim(client, serve, claim_id, target, greeting):
    expires_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    client.call(
        "sqs", "SendMessage",
        QueueUrl=serve["queues"]["provision"],
        MessageGroupId=serve["groups"]["pool"],
        MessageDeduplicationId=claim_id,
        MessageBody=json.dumps({
            "claim_id": claim_id,
            "target_group": target,
            "init": {
                "commands": ['echo "$GREETING"', "echo careful >&2"],
                "environment": {"GREETING": greeting},
                "execution_timeout_seconds": 60,
            },
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }),
    )
    say(client, f"sent {claim_id}")


def wait_for_outcome(client, serve, claim_id):
    queue = serve["queues"]["outcome"]

    def look():
        answer = client.call("sqs", "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            client.call(
                "sqs", "DeleteMessage", QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"]
            )
            outcome = json.loads(message["Body"])
            if outcome["claim_id"] == claim_id:
                return outcome
        return None

    outcome = wait_for(f"the outcome of {claim_id}", look)
    say(client, f"{claim_id} is {outcome['outcome']}: {outcome.get('message')}")
    return outcome


def a_claim_gets_an_instance(client, serve):
    """Message in, initialised instance out, and its script's output."""
    target, claim_id = f"tenant-of-{client.name}", f"claim-of-{client.name}"
    greeting = f"it's {client.name}'s \"$HOME\" & `more`"
    create_target(client, target, serve["groups"]["pool"])
    send_claim(client, serve, claim_id, target, greeting)

    outcome = wait_for_outcome(client, serve, claim_id)
    check(outcome["outcome"] == "ready", f"not ready: {outcome}")
    instance = outcome["instance_id"]
    check(in_service(client, target) == [instance], f"{instance} is not in service in {target}")
    check(instance not in in_service(client, serve["groups"]["pool"]), "still in the pool")

    commands = client.call("ssm", "ListCommands", InstanceId=instance)["Commands"]
    check(len(commands) == 1, f"not one command: {commands}")
    command = {"CommandId": commands[0]["CommandId"], "InstanceId": instance}
    ran = client.call("ssm", "GetCommandInvocation", **command)
    check((ran["Status"], ran["ResponseCode"]) == ("Success", 0), f"not a success: {ran}")
    printed = ran["StandardOutputContent"]
    say(client, f"{instance} of {target} printed: {printed.strip()}")
    check(greeting in printed.splitlines(), f"{greeting!r} is not in {printed!r}")
    check("careful" in ran["StandardErrorContent"], "standard error is missing")
    return instance


def an_instance_moves_and_ends(client, serve, instance):
    """What happens to groups and instances, one call each."""
    target = f"tenant-of-{client.name}"
    tag = {"ResourceId": target, "ResourceType": "auto-scaling-group", "Key": "colour"}
    client.call("autoscaling", "CreateOrUpdateTags",
                Tags=[{**tag, "Value": "grün & blau", "PropagateAtLaunch": False}])
    colours = [tag["Value"] for tag in group(client, target)["Tags"] if tag["Key"] == "colour"]
    check(colours == ["grün & blau"], f"the tag reads {colours}")
    client.call("autoscaling", "DeleteTags", Tags=[tag])
    check("colour" not in [tag["Key"] for tag in group(client, target)["Tags"]], "the tag stayed")

    check(is_online(client, instance), f"the agent of {instance} is not online")

    def where():
        members = client.call(
            "autoscaling", "DescribeAutoScalingInstances", InstanceIds=[instance])
        return [(member["AutoScalingGroupName"], member["LifecycleState"])
                for member in members["AutoScalingInstances"]]

    check(where() == [(target, "InService")], f"it is {where()}")
    client.call("autoscaling", "DetachInstances", InstanceIds=[instance],
                AutoScalingGroupName=target, ShouldDecrementDesiredCapacity=True)
    wait_for("the detach", lambda: not where())
    client.call(
        "autoscaling", "AttachInstances", InstanceIds=[instance], AutoScalingGroupName=target)
    wait_for("the attach", lambda: where() == [(target, "InService")])
    for protected in (True, False):
        client.call("autoscaling", "SetInstanceProtection", InstanceIds=[instance],
                    AutoScalingGroupName=target, ProtectedFromScaleIn=protected)
        [member] = [it for it in group(client, target)["Instances"] if it["InstanceId"] == instance]
        check(member["ProtectedFromScaleIn"] == protected, member)
    client.call("autoscaling", "SuspendProcesses", AutoScalingGroupName=target,
                ScalingProcesses=["Terminate"])
    suspended = group(client, target)["SuspendedProcesses"]
    check([process["ProcessName"] for process in suspended] == ["Terminate"], suspended)
    client.call("autoscaling", "ResumeProcesses", AutoScalingGroupName=target)
    client.call("autoscaling", "TerminateInstanceInAutoScalingGroup", InstanceId=instance,
                ShouldDecrementDesiredCapacity=True)
    wait_for("the termination", lambda: not where())
    client.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=target,
                DesiredCapacity=0, HonorCooldown=False)
    refreshes = client.call(
        "autoscaling", "DescribeInstanceRefreshes", AutoScalingGroupName=target)
    check(refreshes.get("InstanceRefreshes", []) == [], refreshes)
    activities = client.call(
        "autoscaling", "DescribeScalingActivities", AutoScalingGroupName=target)["Activities"]
    about = " ".join(activity["Description"] for activity in activities)
    # It was attached twice: for its claim, and here.
    check(about.count(instance) == 4, f"not four activities of {instance}: {about}")
    say(client, f"{instance} was detached, attached and terminated")


def a_launch_waits_for_its_hook(client):
    """An instance stays pending until somebody completes its hook."""
    target = f"tenant-of-{client.name}"
    client.call("autoscaling", "PutLifecycleHook", AutoScalingGroupName=target,
                LifecycleHookName="wait", HeartbeatTimeout=600, DefaultResult="ABANDON",
                LifecycleTransition="autoscaling:EC2_INSTANCE_LAUNCHING")
    hooks = client.call("autoscaling", "DescribeLifecycleHooks", AutoScalingGroupName=target)
    check([hook["LifecycleHookName"] for hook in hooks["LifecycleHooks"]] == ["wait"], hooks)
    client.call("autoscaling", "SetDesiredCapacity", AutoScalingGroupName=target,
                DesiredCapacity=1)

    def states():
        return [(instance["InstanceId"], instance["LifecycleState"])
                for instance in group(client, target)["Instances"]]

    wait_for("the hook", lambda: [state for _, state in states()] == ["Pending:Wait"])
    (instance, _), = states()
    client.call("autoscaling", "CompleteLifecycleAction", AutoScalingGroupName=target,
                LifecycleHookName="wait", InstanceId=instance, LifecycleActionResult="CONTINUE")
    wait_for("the launch", lambda: states() == [(instance, "InService")])
    wait_for("the agent", lambda: is_online(client, instance))
    sent = client.call("ssm", "SendCommand", InstanceIds=[instance], TimeoutSeconds=60,
                       DocumentName="AWS-RunShellScript", Parameters={"commands": ["true"]})
    check(sent["Command"]["InstanceIds"] == [instance], sent)
    say(client, f"{instance} waited for its hook, and got its command")


def messages_are_held_and_deleted(client, serve):
    """The batch calls of a queue that nobody else reads."""
    queue = {"QueueUrl": serve["queues"]["rejected"]}
    client.call("sqs", "GetQueueAttributes", AttributeNames=["All"], **queue)
    tags = client.call("sqs", "ListQueueTags", QueueUrl=serve["queues"]["provision"])["Tags"]
    check(tags["ready-pool:pool"] == serve["groups"]["pool"], tags)
    sent = client.call("sqs", "SendMessageBatch", Entries=[{
        "Id": "0", "MessageBody": f"from {client.name}",
        "MessageAttributes": {"reason": {"DataType": "String", "StringValue": "ä"}},
    }], **queue)
    check([entry["Id"] for entry in sent["Successful"]] == ["0"], sent)

    def look():
        # The claim that was rejected lies here, too.
        answer = client.call("sqs", "ReceiveMessage", MessageAttributeNames=["All"],
                             VisibilityTimeout=5, WaitTimeSeconds=1, MaxNumberOfMessages=10,
                             **queue)
        return [message for message in answer.get("Messages", [])
                if message["Body"] == f"from {client.name}"]

    message, = wait_for("the message", look)
    check(message["MessageAttributes"]["reason"]["StringValue"] == "ä", message)
    receipt = {"ReceiptHandle": message["ReceiptHandle"]}
    held = client.call("sqs", "ChangeMessageVisibilityBatch", Entries=[
        {"Id": "0", "VisibilityTimeout": 60, **receipt},
        {"Id": "1", "VisibilityTimeout": 60, "ReceiptHandle": "nonsense"},
    ], **queue)
    check([entry["Id"] for entry in held["Successful"]] == ["0"], held)
    check([(entry["Id"], entry["SenderFault"]) for entry in held["Failed"]] == [("1", True)], held)
    client.call("sqs", "ChangeMessageVisibility", VisibilityTimeout=0, **receipt, **queue)
    message, = wait_for("the message again", look)
    client.call("sqs", "DeleteMessage", ReceiptHandle=message["ReceiptHandle"], **queue)
    say(client, "sent, held and deleted a message")


def the_example_of_the_docs_works(serve, environment):
    """docs/clients/claim.py as it is: it waits for its own outcome, and leaves another's where it is."""
    client = Boto3(serve["endpoint"], environment)
    queue = serve["queues"]["outcome"]
    others = json.dumps({"claim_id": "others", "target_group": "t", "outcome": "ready"})
    client.call("sqs", "SendMessage", QueueUrl=queue, MessageBody=others)
    example = subprocess.run(
        [sys.executable, ROOT / "docs/clients/claim.py", serve["queues"]["provision"], queue,
         serve["groups"]["pool"], "tenant-of-boto3", "echo hello"],
        env={**environment, "AWS_ENDPOINT_URL": serve["endpoint"]},
        stdout=subprocess.PIPE, text=True, timeout=WAIT_LIMIT, check=False,
    )
    check(example.returncode == 0, f"claim.py ended with status {example.returncode}")
    check(json.loads(example.stdout)["outcome"] == "ready", example.stdout)
    check(wait_for_outcome(client, serve, "others")["outcome"] == "ready", "it was swallowed")
    print("  doc  claim.py sent a claim and heard its own outcome", flush=True)


def everything_allowed_was_called(client):
    """No operation that the template allows is left out above."""
    text = (ROOT / "template.yaml").read_text()
    allowed = set(re.findall(r"\b(autoscaling|ssm|sqs):([A-Z][a-z]\w+)", text))
    # Keys of conditions; and what the agent calls, which the region plays itself.
    allowed -= {("autoscaling", "ResourceTag"), ("autoscaling", "LaunchTemplateVersionSpecified"), ("ssm", "UpdateInstanceInformation")}
    check(len(allowed) > 10, f"the template allows only {allowed}")
    missing = allowed - client.answered
    check(not missing, f"{client.name} did not call {sorted(missing)}")
    say(client, f"called {len(client.answered)} operations, all {len(allowed)} that are allowed")


def a_claim_is_rejected(client, serve):
    """A claim that cannot be served gets an answer that names the culprit."""
    claim_id = f"lost-of-{client.name}"
    send_claim(client, serve, claim_id, "tenant-of-nobody", "never")
    outcome = wait_for_outcome(client, serve, claim_id)
    check(outcome["outcome"] == "rejected", f"not rejected: {outcome}")
    check("tenant-of-nobody" in outcome["message"], f"does not name the target: {outcome}")


def errors_are_understood(client, serve):
    """Error answers arrive with AWS's code and text."""

    def refused(service, operation, **parameters):
        try:
            answer = client.call(service, operation, **parameters)
        except Refused as error:
            say(client, f"{operation}: {error}")
            return error
        raise AssertionError(f"{operation} was not refused: {answer}")

    error = refused(
        "autoscaling", "DetachInstances", InstanceIds=["i-00000000000000000"],
        AutoScalingGroupName=serve["groups"]["pool"], ShouldDecrementDesiredCapacity=False,
    )
    check(error.code == "ValidationError", error)
    check("i-00000000000000000 is not part of Auto Scaling group" in error.message, error)

    error = refused(
        "ssm", "SendCommand", InstanceIds=["i-00000000000000000"],
        DocumentName="AWS-RunShellScript", Parameters={"commands": ["true"]},
    )
    check(error.code == "InvalidInstanceId", error)

    error = refused("sqs", "GetQueueUrl", QueueName="nobody")
    check("NonExistentQueue" in error.code or "QueueDoesNotExist" in error.code, error)

    error = refused("ssm", "DescribeActivations")
    check("DescribeActivations" in f"{error.code} {error.message}", error)

    identity = client.call("sts", "GetCallerIdentity")
    check(identity["Arn"].endswith(":root"), identity)
    for service, operation in [("ec2", "DescribeRegions"), ("events", "ListRules"), ("lambda", "ListFunctions")]:
        error = refused(service, operation)
        check(f"the simulated region does not support {service}:" in error.message, error)


@contextlib.contextmanager
def serving():
    """`serve` in a session of its own; yields what it said, and stops it as Ctrl-C would."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            SERVE, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            text=True, start_new_session=True,
        )
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_LIMIT)
            line = process.stdout.readline() if ready else ""
            check(line, "serve did not say where it is")
            yield json.loads(line)
            stop(process)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise
        finally:
            # Only where something failed: a clean stop has left nobody.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stop(process):
    """Interrupts `serve` alone: its children must go because it ends them."""
    check(len(session(process.pid)) > 1, "serve runs no function of its own")
    process.send_signal(signal.SIGINT)
    code = process.wait(STOP_LIMIT)
    left = session(process.pid)
    check(not left, f"serve left {left} behind")
    check(code == 0, f"serve ended with status {code}")
    more = process.stdout.read()
    check(not more, f"serve printed more than one line: {more!r}")
    print("serve  stopped, with all its children", flush=True)


def session(leader):
    """The live processes of a session, by their ids and names (Linux)."""
    members = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (name) state ppid pgrp session ...; the name may hold anything.
            start, _, rest = stat.read_text().rpartition(")")
            state, _, _, session_id = rest.split()[:4]
            if int(session_id) == leader and state not in "ZX":
                members.append(start.replace("(", ""))
    return members


def main():
    with serving() as serve:
        print(f"serve  {serve['endpoint']} in {serve['region']}", flush=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "AWS_ACCESS_KEY_ID": "anything",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_DEFAULT_REGION": serve["region"],
            "AWS_PAGER": "",
            # No file of the user's may change what is tested.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        for kind in (Boto3, AwsCli):
            client = kind(serve["endpoint"], environment)
            wait_for_pool(client, serve["groups"]["pool"], 2)
            instance = a_claim_gets_an_instance(client, serve)
            an_instance_moves_and_ends(client, serve, instance)
            a_launch_waits_for_its_hook(client)
            a_claim_is_rejected(client, serve)
            messages_are_held_and_deleted(client, serve)
            errors_are_understood(client, serve)
            everything_allowed_was_called(client)
            wait_for_pool(client, serve["groups"]["pool"], 2)
        the_example_of_the_docs_works(serve, environment)


if __name__ == "__main__":
    main()
