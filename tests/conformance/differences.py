"""Where moto answers otherwise than AWS, and how we know.

API: the service's API reference and model (errors and fields of that operation). CLI: the example
output of that command in the AWS CLI reference. SNAPSHOT: recorded at AWS by LocalStack's tests,
`tests/aws/services/sqs/test_sqs.snapshot.json`. Others are reports of what AWS answered.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One way in which moto differs."""

    calls: tuple
    """Names in `peers.calls`."""
    only_region: str
    """What only the region's answer has: a pattern for whole lines; nothing if empty."""
    only_moto: str
    """What only moto's answer has, likewise."""
    reason: str
    source: str

    def explains(self, call, who, line):
        """Whether the difference is this one."""
        pattern = self.only_region if who == "region" else self.only_moto
        return call in self.calls and bool(pattern) and bool(re.fullmatch(pattern, line))

    def __str__(self):
        return f"{', '.join(self.calls)}: {self.reason}"


def unchecked(call, code, source):
    """A request that AWS refuses with `code`, and moto accepts whatever it says."""
    return Row((call,), f"refused 400 {code}, with a text", "answered 200|[A-Z].*: .*",
               "moto does not check it", source)


def crashes(call, source):
    """A request that AWS refuses for its content, and that moto's code does not survive."""
    return Row((call,), "refused 400 ValidationError, with a text", "crashed",
               "moto crashes on a name it does not know", source)


DESCRIBE_GROUPS = ("describe the group", "describe the tagged group", "describe what is suspended")
COMMANDS = ("tell", "list its commands", "list one command")

MOTO_DIFFERS = [
    unchecked("send a forbidden character", "InvalidMessageContents", "API SendMessage"),
    unchecked("send an empty message", "MissingParameter", "SNAPSHOT test_send_empty_message"),
    unchecked("deduplicate in a standard queue", "InvalidParameterValue",
              "ethberry/nestjs-sqs#83; API SendMessage: only for FIFO queues"),
    Row(("send many, one to no group",), "refused 400 InvalidParameterValue, with a text",
        "refused 400 MissingParameter, with a text", "moto uses the code of the single call",
        "SNAPSHOT test_send_batch_missing_message_group_id_for_fifo_queue"),
    Row(("hold what is deleted",), "refused 400 InvalidParameterValue, with a text",
        "refused 400 ReceiptHandleIsInvalid, with a text",
        "moto forgets receipts with their message", "aws/aws-sdk-net#1927"),

    unchecked("create a group twice", "AlreadyExists", "API CreateAutoScalingGroup"),
    unchecked("suspend nonsense", "ValidationError", "API SuspendProcesses: the valid values"),
    unchecked("too much capacity", "ValidationError",
              "API SetDesiredCapacity: between minimum and maximum size"),
    unchecked("detach a stranger", "ValidationError", "reproio/ecs_deploy#56"),
    unchecked("protect a stranger", "ValidationError", "assumed: as for a detach"),
    unchecked("delete a group in use", "ResourceInUse", "API DeleteAutoScalingGroup"),
    crashes("tag nobody", "API CreateOrUpdateTags"),
    crashes("capacity of nobody", "API SetDesiredCapacity"),
    crashes("detach from nobody", "API DetachInstances"),
    crashes("attach to nobody", "API AttachInstances"),
    crashes("terminate nobody", "API TerminateInstanceInAutoScalingGroup"),
    Row(("attach a stranger",), "refused 400 ValidationError, with a text",
        "refused 400 InvalidInstanceID.NotFound, with a text",
        "a code of EC2's API, which this one does not have", "API AttachInstances"),
    Row(DESCRIBE_GROUPS, "", r"AutoScalingGroups\[\]\.CapacityRebalance: bool",
        "moto shows it where nobody set it", "CLI describe-auto-scaling-groups"),
    Row(("describe hooks",), "", r"LifecycleHooks\[\]\.(NotificationTargetARN|RoleARN): str",
        "moto shows empty texts for what nobody set", "CLI describe-lifecycle-hooks"),
    Row(("activities",), r"Activities(\[\]\..*)?: .*", "Activities: empty list",
        "moto keeps no activities", "CLI describe-scaling-activities"),
    Row(("detach",), r"Activities\[\]\.Details: str", r"Activities\[\]\.EndTime: time",
        "moto detaches at once; at AWS it is in progress", "CLI detach-instances"),
    Row(("detach",), r"Activities\[\]\.AutoScalingGroupARN: str", "",
        "moto leaves it out", "API Activity"),
    Row(("terminate a member",), r"Activity\.(AutoScalingGroupARN|Details): str",
        r"Activity\.EndTime: time", "moto terminates at once, and leaves fields out",
        "CLI terminate-instance-in-auto-scaling-group; API Activity"),

    Row(COMMANDS, r"Commands?(\[\])?\.DocumentVersion: str",
        r"Commands?(\[\])?\.OutputS3Region: str",
        "moto leaves the version out, and shows a region that nobody gave", "CLI send-command"),
    Row(COMMANDS, r"Commands?(\[\])?\.NotificationConfig\.NotificationEvents: empty list",
        r"Commands?(\[\])?\.NotificationConfig\.NotificationEvents(: list|\[\]: str)",
        "moto asks for every event where nobody did", "aws/aws-cli#3707; CLI send-command"),
    Row(("list no command",), "answered 200|Commands: empty list",
        "refused 400 InvalidCommandId, with a text",
        "what is not known, or not yet, is not listed",
        "aws/aws-cli#3546, of ListCommandInvocations"),
    Row(("an invocation",), "(DocumentVersion|StandardErrorUrl): str", "",
        "moto leaves them out", "CLI get-command-invocation"),
    Row(("an invocation of nothing",), "refused 400 InvocationDoesNotExist, with a text",
        "refused 400 InvalidCommandId, with a text", "moto looks for the command first",
        "API GetCommandInvocation"),
    unchecked("tell nobody", "InvalidInstanceId", "aws/aws-cli#3646"),
]
