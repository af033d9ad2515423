"""The region beside moto, a simulation that others wrote: single calls, answers compared.

Both get the same boto3 calls. What is compared is the shape of each answer: HTTP status, error code,
and every field with its type. A difference is either moto's, and then in `MOTO_DIFFERS` with the
source of the AWS fact, or the run fails. Run it from a virtual environment with
.ci/requirements.txt:

    python tests/conformance/peers.py
"""

import datetime
import logging
import os
import re
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from moto.server import ThreadedMotoServer

from clients import in_service, is_online, serving, wait_for
from differences import MOTO_DIFFERS

REGION = "eu-west-1"
NOBODY = "i-00000000000000000"


class Peer:
    """One of the two servers, and what the calls made there so far have answered."""

    def __init__(self, name, endpoint):
        self.name, self.endpoint = name, endpoint
        self.session = boto3.Session("anything", "anything", region_name=REGION)
        self.known = {}

    def client(self, service):
        # One try: a refusal that boto3 repeats is still one refusal.
        config = Config(retries={"total_max_attempts": 1})
        return self.session.client(service, endpoint_url=self.endpoint, config=config)

    def call(self, service, operation, **parameters):
        """For the calls that only prepare, and for `clients`' helpers."""
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        return getattr(self.client(service), method)(**parameters)

    def answer(self, service, method, parameters):
        """A call's answer as lines, one per field, and the answer itself."""
        client = self.client(service)
        try:
            answer = getattr(client, method)(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            answer = error.response["Error"]
            text = "a text" if answer.get("Message") else "no text"
            return {f"refused {status} {answer['Code']}, with {text}"}, None
        except ResponseParserError:
            return {"crashed"}, None
        status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
        return {f"answered {status}"} | set(shape(answer)), answer


def shape(value, path=""):
    """Every field of an answer with its type; members of a list count as one."""
    if isinstance(value, dict):
        for key, member in value.items():
            # Data in the place of a name is no part of the shape.
            yield from shape(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield f"{path}: list" if value else f"{path}: empty list"
        for member in value:
            yield from shape(member, f"{path}[]")
    else:
        kind = "time" if isinstance(value, datetime.datetime) else type(value).__name__
        yield f"{path}: {kind}"


# A call: its name in this file, the service, boto3's method, its parameters given what the
# peer's earlier calls answered, and what to remember of its answer.
def calls():
    standard, fifo = {"QueueUrl": "{standard}"}, {"QueueUrl": "{fifo}"}
    ordered = {"MessageGroupId": "a", "MessageDeduplicationId": "1"}

    def got(answer):
        return {"receipt": answer["Messages"][0]["ReceiptHandle"]}

    def entries(*ids, **more):
        return [{"Id": id, "MessageBody": id} | more for id in ids]

    yield "create a queue", "sqs", "create_queue", {"QueueName": "standard"}, (
        lambda answer: {"standard": answer["QueueUrl"]})
    yield "create it again", "sqs", "create_queue", {"QueueName": "standard"}, None
    yield "create it otherwise", "sqs", "create_queue", {
        "QueueName": "standard", "Attributes": {"VisibilityTimeout": "7"}}, None
    yield "create a FIFO queue", "sqs", "create_queue", {
        "QueueName": "first.fifo", "Attributes": {"FifoQueue": "true"}}, (
        lambda answer: {"fifo": answer["QueueUrl"]})
    yield "a FIFO queue without its suffix", "sqs", "create_queue", {
        "QueueName": "first", "Attributes": {"FifoQueue": "true"}}, None
    yield "an impossible queue name", "sqs", "create_queue", {"QueueName": "a b"}, None
    yield "find a queue", "sqs", "get_queue_url", {"QueueName": "standard"}, None
    yield "find no queue", "sqs", "get_queue_url", {"QueueName": "nobody"}, None
    yield "a queue's tags, none", "sqs", "list_queue_tags", standard, None
    yield "a FIFO queue's tags", "sqs", "list_queue_tags", fifo, None
    yield "tags of no queue", "sqs", "list_queue_tags", {"QueueUrl": "http://localhost/1/nobody"}, None
    yield "a queue's attributes", "sqs", "get_queue_attributes", standard | {
        "AttributeNames": ["All"]}, None
    yield "a FIFO queue's attributes", "sqs", "get_queue_attributes", fifo | {
        "AttributeNames": ["All"]}, None
    yield "an unknown attribute", "sqs", "get_queue_attributes", standard | {
        "AttributeNames": ["Colour"]}, None
    yield "set an attribute", "sqs", "set_queue_attributes", standard | {
        "Attributes": {"VisibilityTimeout": "30"}}, None
    yield "send", "sqs", "send_message", standard | {"MessageBody": "hello"}, None
    yield "send with attributes", "sqs", "send_message", standard | {
        "MessageBody": "hello", "MessageAttributes": {
            "reason": {"DataType": "String", "StringValue": "x"}}}, None
    yield "send to no queue", "sqs", "send_message", {
        "QueueUrl": "{standard}-not", "MessageBody": "hello"}, None
    yield "send a forbidden character", "sqs", "send_message", standard | {
        "MessageBody": "\uffff"}, None
    yield "send too much", "sqs", "send_message", standard | {"MessageBody": "x" * 1048577}, None
    yield "send an empty message", "sqs", "send_message", standard | {"MessageBody": ""}, None
    yield "delay for too long", "sqs", "send_message", standard | {
        "MessageBody": "x", "DelaySeconds": 901}, None
    yield "receive", "sqs", "receive_message", standard | {
        "MessageAttributeNames": ["All"], "AttributeNames": ["All"], "MaxNumberOfMessages": 1}, got
    yield "receive too many", "sqs", "receive_message", standard | {
        "MaxNumberOfMessages": 11}, None
    yield "hold", "sqs", "change_message_visibility", standard | {
        "ReceiptHandle": "{receipt}", "VisibilityTimeout": 60}, None
    yield "hold for too long", "sqs", "change_message_visibility", standard | {
        "ReceiptHandle": "{receipt}", "VisibilityTimeout": 43201}, None
    yield "hold with no receipt", "sqs", "change_message_visibility", standard | {
        "ReceiptHandle": "nonsense", "VisibilityTimeout": 60}, None
    yield "hold many", "sqs", "change_message_visibility_batch", standard | {"Entries": [
        {"Id": "a", "ReceiptHandle": "{receipt}", "VisibilityTimeout": 60},
        {"Id": "b", "ReceiptHandle": "nonsense", "VisibilityTimeout": 60}]}, None
    yield "delete", "sqs", "delete_message", standard | {"ReceiptHandle": "{receipt}"}, None
    yield "delete again", "sqs", "delete_message", standard | {"ReceiptHandle": "{receipt}"}, None
    yield "delete with no receipt", "sqs", "delete_message", standard | {
        "ReceiptHandle": "nonsense"}, None
    yield "hold what is deleted", "sqs", "change_message_visibility", standard | {
        "ReceiptHandle": "{receipt}", "VisibilityTimeout": 60}, None
    yield "send many", "sqs", "send_message_batch", standard | {
        "Entries": entries("a", "b")}, None
    yield "send none", "sqs", "send_message_batch", standard | {"Entries": []}, None
    yield "send eleven", "sqs", "send_message_batch", standard | {
        "Entries": entries(*"abcdefghijk")}, None
    yield "send one id twice", "sqs", "send_message_batch", standard | {
        "Entries": entries("a", "a")}, None
    yield "send an impossible id", "sqs", "send_message_batch", standard | {
        "Entries": entries("a b")}, None
    yield "delete many", "sqs", "delete_message_batch", standard | {"Entries": [
        {"Id": "a", "ReceiptHandle": "nonsense"}]}, None

    yield "send in order", "sqs", "send_message", fifo | ordered | {"MessageBody": "1"}, None
    yield "send a repeat", "sqs", "send_message", fifo | ordered | {"MessageBody": "2"}, None
    yield "send to no group", "sqs", "send_message", fifo | {
        "MessageBody": "3", "MessageDeduplicationId": "3"}, None
    yield "send without deduplication", "sqs", "send_message", fifo | {
        "MessageBody": "3", "MessageGroupId": "a"}, None
    yield "send many, one to no group", "sqs", "send_message_batch", fifo | {
        "Entries": entries("a", MessageDeduplicationId="c")}, None
    yield "delay one of a FIFO queue", "sqs", "send_message", fifo | ordered | {
        "MessageBody": "4", "DelaySeconds": 1}, None
    yield "deduplicate in a standard queue", "sqs", "send_message", standard | {
        "MessageBody": "5", "MessageDeduplicationId": "5"}, None
    yield "send many in order", "sqs", "send_message_batch", fifo | {
        "Entries": entries("a", MessageGroupId="b", MessageDeduplicationId="b")}, None
    yield "receive in order", "sqs", "receive_message", fifo | {
        "AttributeNames": ["All"], "MaxNumberOfMessages": 1}, got
    yield "delete in order", "sqs", "delete_message", fifo | {"ReceiptHandle": "{receipt}"}, None
    yield "purge", "sqs", "purge_queue", standard, None
    yield "receive nothing", "sqs", "receive_message", standard, None

    group = {"AutoScalingGroupName": "a-group"}
    tag = {"ResourceId": "a-group", "ResourceType": "auto-scaling-group", "Key": "colour"}
    yield "create a group", "autoscaling", "create_auto_scaling_group", group | {
        "MinSize": 0, "MaxSize": 4, "DesiredCapacity": 3, "VPCZoneIdentifier": "{subnets}",
        "LaunchTemplate": {"LaunchTemplateId": "{template}", "Version": "$Latest"}}, None
    small = {"AutoScalingGroupName": "small", "MinSize": 0, "MaxSize": 1,
             "VPCZoneIdentifier": "{subnets}",
             "LaunchTemplate": {"LaunchTemplateId": "{template}", "Version": "$Latest"}}
    yield "create an empty group", "autoscaling", "create_auto_scaling_group", small, None
    yield "create a group twice", "autoscaling", "create_auto_scaling_group", small, None
    yield "a group of nothing", "autoscaling", "create_auto_scaling_group", {
        "AutoScalingGroupName": "b-group", "MinSize": 0, "MaxSize": 4,
        "VPCZoneIdentifier": "{subnets}"}, None
    yield "describe the group", "autoscaling", "describe_auto_scaling_groups", {
        "AutoScalingGroupNames": ["a-group"]}, (
        lambda answer: {"instance": answer["AutoScalingGroups"][0]["Instances"][0]["InstanceId"]})
    yield "describe nobody", "autoscaling", "describe_auto_scaling_groups", {
        "AutoScalingGroupNames": ["nobody"]}, None
    yield "tag", "autoscaling", "create_or_update_tags", {"Tags": [
        tag | {"Value": "blue", "PropagateAtLaunch": False}]}, None
    yield "tag nobody", "autoscaling", "create_or_update_tags", {"Tags": [
        tag | {"ResourceId": "nobody", "Value": "blue", "PropagateAtLaunch": False}]}, None
    yield "describe tags", "autoscaling", "describe_tags", {"Filters": [
        {"Name": "key", "Values": ["colour"]}]}, None
    yield "describe the tagged group", "autoscaling", "describe_auto_scaling_groups", {
        "Filters": [{"Name": "tag:colour", "Values": ["blue"]}]}, None
    yield "untag", "autoscaling", "delete_tags", {"Tags": [tag]}, None
    yield "describe instances", "autoscaling", "describe_auto_scaling_instances", {
        "InstanceIds": ["{instance}"]}, None
    yield "describe no instance", "autoscaling", "describe_auto_scaling_instances", {
        "InstanceIds": [NOBODY]}, None
    yield "put a hook", "autoscaling", "put_lifecycle_hook", group | {
        "LifecycleHookName": "hook", "HeartbeatTimeout": 60,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}, None
    yield "describe hooks", "autoscaling", "describe_lifecycle_hooks", group, None
    yield "delete a hook", "autoscaling", "delete_lifecycle_hook", group | {
        "LifecycleHookName": "hook"}, None
    yield "suspend", "autoscaling", "suspend_processes", group | {
        "ScalingProcesses": ["AZRebalance"]}, None
    yield "suspend nonsense", "autoscaling", "suspend_processes", group | {
        "ScalingProcesses": ["Sleep"]}, None
    yield "describe what is suspended", "autoscaling", "describe_auto_scaling_groups", {
        "AutoScalingGroupNames": ["a-group"]}, None
    yield "resume", "autoscaling", "resume_processes", group, None
    yield "capacity", "autoscaling", "set_desired_capacity", group | {"DesiredCapacity": 3}, None
    yield "too much capacity", "autoscaling", "set_desired_capacity", group | {
        "DesiredCapacity": 5}, None
    yield "capacity of nobody", "autoscaling", "set_desired_capacity", {
        "AutoScalingGroupName": "nobody", "DesiredCapacity": 1}, None
    yield "update", "autoscaling", "update_auto_scaling_group", group | {"MaxSize": 6}, None
    yield "activities", "autoscaling", "describe_scaling_activities", group, None
    yield "health", "autoscaling", "set_instance_health", {
        "InstanceId": "{instance}", "HealthStatus": "Healthy"}, None
    yield "protect", "autoscaling", "set_instance_protection", group | {
        "InstanceIds": ["{instance}"], "ProtectedFromScaleIn": True}, None
    yield "protect a stranger", "autoscaling", "set_instance_protection", group | {
        "InstanceIds": [NOBODY], "ProtectedFromScaleIn": True}, None
    yield "detach a stranger", "autoscaling", "detach_instances", group | {
        "InstanceIds": [NOBODY], "ShouldDecrementDesiredCapacity": False}, None
    yield "detach from nobody", "autoscaling", "detach_instances", {
        "AutoScalingGroupName": "nobody", "InstanceIds": ["{instance}"],
        "ShouldDecrementDesiredCapacity": False}, None
    yield "attach a stranger", "autoscaling", "attach_instances", group | {
        "InstanceIds": [NOBODY]}, None
    yield "attach to nobody", "autoscaling", "attach_instances", {
        "AutoScalingGroupName": "nobody", "InstanceIds": ["{instance}"]}, None
    yield "terminate nobody", "autoscaling", "terminate_instance_in_auto_scaling_group", {
        "InstanceId": NOBODY, "ShouldDecrementDesiredCapacity": False}, None

    run = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    yield "tell", "ssm", "send_command", run | {
        "InstanceIds": ["{instance}"], "Comment": "hello", "TimeoutSeconds": 60}, (
        lambda answer: {"command": answer["Command"]["CommandId"]})
    yield "list its commands", "ssm", "list_commands", {"InstanceId": "{instance}"}, None
    yield "list one command", "ssm", "list_commands", {"CommandId": "{command}"}, None
    yield "list no command", "ssm", "list_commands", {
        "CommandId": "00000000-0000-0000-0000-000000000000"}, None
    yield "an invocation", "ssm", "get_command_invocation", {
        "CommandId": "{command}", "InstanceId": "{instance}"}, None
    yield "an invocation of nothing", "ssm", "get_command_invocation", {
        "CommandId": "00000000-0000-0000-0000-000000000000", "InstanceId": "{instance}"}, None
    yield "tell nobody", "ssm", "send_command", run | {"InstanceIds": [NOBODY]}, None

    yield "detach", "autoscaling", "detach_instances", group | {
        "InstanceIds": ["{instance}"], "ShouldDecrementDesiredCapacity": True}, None
    yield "terminate a member", "autoscaling", "terminate_instance_in_auto_scaling_group", {
        "InstanceId": "{other}", "ShouldDecrementDesiredCapacity": True}, None
    yield "delete an empty group", "autoscaling", "delete_auto_scaling_group", {
        "AutoScalingGroupName": "small"}, None
    yield "delete a group in use", "autoscaling", "delete_auto_scaling_group", group, None


def fill(parameters, known):
    """Parameters with what earlier calls answered in the place of `{name}`."""
    if isinstance(parameters, dict):
        return {key: fill(value, known) for key, value in parameters.items()}
    if isinstance(parameters, list):
        return [fill(value, known) for value in parameters]
    if isinstance(parameters, str):
        return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], parameters)
    return parameters


def prepare_region(peer, serve):
    """The pool's own launch template and subnets serve for the group of this run."""
    pool = peer.call("autoscaling", "DescribeAutoScalingGroups",
                     AutoScalingGroupNames=[serve["groups"]["pool"]])["AutoScalingGroups"][0]
    peer.known["subnets"] = pool["VPCZoneIdentifier"]
    peer.known["template"] = pool["LaunchTemplate"]["LaunchTemplateId"]


def prepare_moto(peer):
    ec2 = peer.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    peer.known["subnets"] = ",".join(subnet["SubnetId"] for subnet in subnets)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="a-template",
        LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"},
    )
    peer.known["template"] = template["LaunchTemplate"]["LaunchTemplateId"]


def settle(name, peer):
    """Waits where the region takes its time, as AWS does; moto does everything at once."""
    if name == "create a group":
        wait_for(f"the group of {peer.name}", lambda: len(in_service(peer, "a-group")) == 3)
        members = in_service(peer, "a-group")
        peer.known["other"] = members[1]
        if peer.name == "region":
            # moto has no agents: an instance takes commands at once.
            wait_for("the agents", lambda: all(is_online(peer, member) for member in members))
    elif name == "tell":
        # A moment passes before a command is listed at all.
        def statuses():
            answer = peer.call("ssm", "ListCommands", CommandId=peer.known["command"])
            return [command["Status"] for command in answer["Commands"]]

        wait_for("the command", lambda: statuses() == ["Success"])


def compare(region, moto):
    """Every difference, as (call, who has it alone, line)."""
    for name, service, method, parameters, remember in calls():
        lines = {}
        for peer in (region, moto):
            given = fill(parameters, peer.known)
            lines[peer.name], answer = peer.answer(service, method, given)
            if answer is not None:
                peer.known.update(remember(answer) if remember else {})
                settle(name, peer)
        alone = {
            "region": lines["region"] - lines["moto"],
            "moto": lines["moto"] - lines["region"],
        }
        same = len(lines["region"] & lines["moto"])
        print(f"{service:>11}  {name}: {same} the same, {sum(map(len, alone.values()))} not")
        for who, found in alone.items():
            yield from ((name, who, line) for line in sorted(found))


def main():
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    # Where moto crashes it says so at length; the comparison says it in a word.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        with serving() as serve:
            region = Peer("region", serve["endpoint"])
            moto = Peer("moto", "http://{}:{}".format(*server.get_host_and_port()))
            prepare_region(region, serve)
            prepare_moto(moto)
            found = list(compare(region, moto))
    finally:
        server.stop()

    explained, unexplained = set(), []
    for difference in found:
        rows = [row for row in MOTO_DIFFERS if row.explains(*difference)]
        explained.update(rows)
        if not rows:
            unexplained.append(difference)
    for name, who, line in unexplained:
        print(f"DIFFERS  {name}: only {who}: {line}", file=sys.stderr)
    stale = [row for row in MOTO_DIFFERS if row not in explained]
    for row in stale:
        print(f"STALE    {row}: moto no longer differs; remove the row", file=sys.stderr)
    print(f"{len(found)} differences, {len(found) - len(unexplained)} of them moto's")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())
