"""Runs a function once in a container with `sam local invoke`, on the region of `cargo serve`.

    python tests/sam-local/invoke.py events/claim-instance.provision.json
    python tests/sam-local/invoke.py init-instance

The files in events/ are of a day that is past and name machines that nobody has. So the first
form makes a live event of one: the target group exists, the claim has an hour, the instance is
real, and the message is in its queue, received. The second form takes the message that waits for
the function. Either way the message is deleted when the function has done its work, as Lambda
does it.

Wants SAM's build (`sam build`), Docker, boto3, and a region:

    cargo serve --environment target/sam --pause claim-instance --pause init-instance
"""

import argparse
import datetime
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time
import uuid

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / "target" / "sam"
# Logical ids, and the queue that feeds each.
FUNCTIONS = {
    "claim-instance": ("ClaimInstanceFunction", "PROVISION_QUEUE_URL"),
    "init-instance": ("InitInstanceFunction", "INIT_QUEUE_URL"),
    "replenish-pool": ("ReplenishPoolFunction", None),
}
OPT_IN_TAG = "ready-pool:pool"
ENTRY_TAG = "ready-pool:claim/"
# Seconds to wait for a message or an instance that should be there.
PATIENCE = 180


class Region:
    """The served region: as a function sees it, and as its owner."""

    def __init__(self, environment=ENVIRONMENT):
        self.directory = environment
        self.variables = {}
        for name in FUNCTIONS:
            lines = (environment / f"{name}.env").read_text().splitlines()
            pairs = (shlex.split(line)[0].partition("=") for line in lines)
            self.variables[name] = {key: value for key, _, value in pairs}
        any_of = self.variables["claim-instance"]
        self.pool = any_of["POOL_GROUP"]
        self.name = any_of["AWS_REGION"]
        self.endpoint = any_of["AWS_ENDPOINT_URL"]
        services = ("autoscaling", "sqs", "ssm")
        self.clients = {service: self.client(service, "owner") for service in services}

    def client(self, service, access_key):
        """A client in somebody's name. The region knows a caller by the access key."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.name,
            aws_access_key_id=access_key,
            aws_secret_access_key="none",
        )

    def sender(self, function, body):
        """A client that may send this to the function's queue.

        The init queue takes messages of our own roles and rule only, whoever else owns the
        account. So each is sent by whoever sends it on AWS; and what EventBridge says, by a role
        that gets through.
        """
        if function != "init-instance":
            return self.clients["sqs"]
        name = "claim-instance" if "init" in body else "replenish-pool"
        return self.client("sqs", self.variables[name]["AWS_ACCESS_KEY_ID"])

    def queue(self, function):
        return self.variables[function][FUNCTIONS[function][1]]

    def group(self, name):
        answer = self.clients["autoscaling"].describe_auto_scaling_groups(
            AutoScalingGroupNames=[name]
        )
        return next(iter(answer["AutoScalingGroups"]), None)

    def in_service(self, name):
        members = self.group(name)["Instances"]
        return [it["InstanceId"] for it in members if it["LifecycleState"] == "InService"]

    def entry(self, target, claim_id):
        """The words of the claim's entry on its target; `None` without one."""
        for tag in self.group(target)["Tags"]:
            if tag["Key"] == ENTRY_TAG + claim_id:
                return tag["Value"].split()
        return None

    def tag(self, target, key, value):
        self.clients["autoscaling"].create_or_update_tags(
            Tags=[{
                "ResourceId": target, "ResourceType": "auto-scaling-group",
                "Key": key, "Value": value, "PropagateAtLaunch": False,
            }]
        )

    def make_target(self, name):
        if self.group(name):
            return
        pool = self.group(self.pool)
        template = pool["LaunchTemplate"]
        self.clients["autoscaling"].create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=0, MaxSize=10, DesiredCapacity=0,
            VPCZoneIdentifier=pool["VPCZoneIdentifier"],
            LaunchTemplate={key: template[key] for key in ("LaunchTemplateId", "Version")},
        )
        self.tag(name, OPT_IN_TAG, self.pool)

    def receive(self, function, message_id=None):
        """The event of the next message, or of a certain one, as Lambda makes it."""
        sqs, url = self.clients["sqs"], self.queue(function)

        def look():
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10 if message_id else 1, WaitTimeSeconds=2,
                AttributeNames=["All"], MessageAttributeNames=["All"],
            )
            found = None
            for message in answer.get("Messages", []):
                if message_id in (None, message["MessageId"]):
                    found = message
                else:
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                    )
            return found

        message = wait_for(f"a message for {function}", look)
        account, queue = url.split("/")[-2:]
        return {"Records": [{
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{self.name}:{account}:{queue}",
            "awsRegion": self.name,
        }]}

    def delete(self, function, event, answer):
        """Deletes the messages that the function did not report as failed."""
        failures = (answer or {}).get("batchItemFailures", [])
        failed = {failure["itemIdentifier"] for failure in failures}
        for record in event.get("Records", []):
            if record["messageId"] not in failed:
                self.clients["sqs"].delete_message(
                    QueueUrl=self.queue(function), ReceiptHandle=record["receiptHandle"]
                )


def wait_for(what, look):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise SystemExit(f"error: {what}: not within {PATIENCE} s")


def live(region, path, claim_id=None):
    """A live event of a file in events/, and the function that it is for."""
    function = path.name.partition(".")[0]
    event = json.loads(path.read_text())
    if "Records" in event:
        record = event["Records"][0]
        body = live_body(region, json.loads(record["body"]), claim_id)
        detail = body.get("detail", {})
        sent = region.sender(function, body).send_message(
            QueueUrl=region.queue(function),
            MessageBody=json.dumps(body),
            MessageGroupId=body.get("instance_id") or detail.get("instance-id") or region.pool,
            MessageDeduplicationId=str(uuid.uuid4()),
        )
        return function, region.receive(function, sent["MessageId"])
    event["time"] = timestamp()
    detail = event["detail"]
    if "AutoScalingGroupName" in detail:
        detail["AutoScalingGroupName"] = region.pool
    if detail.get("EC2InstanceId"):
        members = region.group(region.pool)["Instances"]
        waiting = [it for it in members if it["LifecycleState"] == "Pending:Wait"]
        detail["EC2InstanceId"] = ((waiting or members)[0])["InstanceId"]
    return function, event


def live_body(region, body, claim_id):
    """The message, with a deadline to come and instances that exist."""
    if "target_group" not in body:
        return live_command_event(region, body, claim_id)
    target = body["target_group"]
    region.make_target(target)
    body["claim_id"] = claim_id or body["claim_id"]
    if isinstance(body["expires_at"], dict):
        # So many seconds after an alarm, which was just now.
        body["expires_at"]["after"] = timestamp()
    else:
        body["expires_at"] = timestamp(hours=1)
    if "init" in body:
        # The folder and the script of the example are on a tenant's own image.
        body["init"]["working_directory"] = "/tmp"
        body["init"]["commands"] = ["echo \"hello from $AWS_SSM_INSTANCE_ID\""]
    if "instance_id" in body:
        body["instance_id"] = instance_of(region, body)
    return body


def instance_of(region, body):
    """The instance that the claim has; else one from the pool, entered and detached for it."""
    target, claim_id = body["target_group"], body["claim_id"]
    if entry := region.entry(target, claim_id):
        return entry[1]
    if "init" not in body:
        raise SystemExit(f"error: nobody knows {claim_id} in {target}: hand it over first")
    instance = wait_for("a ready instance in the pool", lambda: region.in_service(region.pool))[0]
    value = f"v1 {instance} {body['attempt']} assigned {body['expires_at']}"
    region.tag(target, ENTRY_TAG + claim_id, value)
    region.clients["autoscaling"].detach_instances(
        AutoScalingGroupName=region.pool, InstanceIds=[instance],
        ShouldDecrementDesiredCapacity=False,
    )
    return instance


def live_command_event(region, body, claim_id):
    """EventBridge's word on the newest command of the claim, or of all."""
    ssm = region.clients["ssm"]

    def look():
        commands = ssm.list_commands()["Commands"]
        mine = [it for it in commands if f" {claim_id or ''}" in it["Comment"]]
        final = [it for it in mine if it["Status"] in ("Success", "Failed", "TimedOut")]
        return max(final, key=lambda it: it["RequestedDateTime"], default=None)

    command = wait_for("a command that has ended: hand a claim over first", look)
    instance = command["InstanceIds"][0]
    body.update(time=timestamp(), resources=[f"arn:aws:ec2:::instance/{instance}"])
    body["detail"].update({
        "command-id": command["CommandId"],
        "instance-id": instance,
        "status": command["Status"],
    })
    return body


def timestamp(**later):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**later)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def sam_local_invoke(region, function, event, options=()):
    """What the function answered and logged. Its identity in the region is its own access key."""
    file = region.directory / "event.json"
    file.write_text(json.dumps(event, indent=2))
    command = [
        "sam", "local", "invoke", FUNCTIONS[function][0],
        "--event", str(file), "--env-vars", str(region.directory / "sam.json"), *options,
    ]
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
    identity = {name: region.variables[function][name] for name in names}
    shown = [f"AWS_ACCESS_KEY_ID={identity['AWS_ACCESS_KEY_ID']}", *command]
    print("$", shlex.join(shown), flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | identity, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )
    log = done.stderr
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise SystemExit(f"{log}\nerror: sam local invoke ended with status {done.returncode}")
    answer = json.loads(lines[-1])
    if isinstance(answer, dict) and "errorType" in answer:
        raise SystemExit(f"{log}\nerror: {function} failed: {answer}")
    return answer, log


def invoke(region, what, claim_id=None, options=()):
    """Invokes a function with a live event of a file, or with its next message."""
    if what in FUNCTIONS:
        function, event = what, region.receive(what)
    else:
        function, event = live(region, pathlib.Path(what), claim_id)
    answer, log = sam_local_invoke(region, function, event, options)
    region.delete(function, event, answer)
    return answer, log


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", help="a file in events/, or a function's package")
    parser.add_argument("--claim", help="the claim's id, instead of the file's")
    parser.add_argument("--environment", type=pathlib.Path, default=ENVIRONMENT)
    known, options = parser.parse_known_args()
    answer, log = invoke(Region(known.environment), known.what, known.claim, options)
    sys.stderr.write(log)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
