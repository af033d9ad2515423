"""Where MiniStack says otherwise than AWS, or than the simulated region, and how we know.

MODEL: AWS's API model as botocore has it. PAGE: a page of AWS's documentation. MINISTACK: its
source, version 1.5.33. Others are reports of what AWS answered. `stack.py` prints the table; where
a row has a `still`, it asks MiniStack whether it is so, so that a row goes when it is not true any more.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Row:
    """One way in which MiniStack differs, and what this run does about it."""

    what: str
    ministack: str
    aws: str
    so: str
    source: str
    still: Callable | None = None


def path_is_a_name(clients):
    """Whether an event is put into the group that is the path itself."""
    sqs, events = clients["sqs"], clients["events"]
    name = f"probe-{uuid.uuid4().hex}.fifo"
    url = sqs.create_queue(
        QueueName=name, Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    path = "$.detail.instance-id"
    events.put_rule(Name="probe", EventPattern=json.dumps({"source": ["probe"]}))
    events.put_targets(Rule="probe", Targets=[
        {"Id": "queue", "Arn": arn, "SqsParameters": {"MessageGroupId": path}}])
    events.put_events(Entries=[{
        "Source": "probe", "DetailType": "probe", "Detail": json.dumps({"instance-id": "i-1"})}])
    [message] = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"]
    events.remove_targets(Rule="probe", Ids=["queue"])
    events.delete_rule(Name="probe")
    sqs.delete_queue(QueueUrl=url)
    return message["Attributes"]["MessageGroupId"] == path


ROWS = [
    Row("SqsParameters.MessageGroupId with a JSON path", "the path is the group's name",
        "contested: the path is followed, or refused",
        "both readings are played, in turn (relay.py)",
        "PAGE eb-targets lists SqsParameters among the dynamic paths; "
        "cloudformation-coverage-roadmap#2298, aws-cdk#23790, serverless-patterns#2764",
        path_is_a_name),
    Row("events of aws.autoscaling and aws.ssm", "nobody sends them, and PutEvents refuses them",
        "Auto Scaling and Systems Manager send them; PutEvents refuses them, too",
        "the region's are handed on, to what MiniStack's rules match (relay.py)",
        "PAGE eb-putevents: NotAuthorizedForSourceException"),
    Row("Auto Scaling", "no DetachInstances, no AttachInstances, and no instance in any group",
        "has them", "the region's, by AWS_ENDPOINT_URL_AUTO_SCALING", "MODEL autoscaling; MINISTACK"),
    Row("AWS::SSM::Document", "not known", "known",
        "deployed with AWS-RunShellScript as InitDocument; the region makes the stack's own",
        "MINISTACK services/cloudformation/provisioners.py"),
    Row("Run Command", "runs no command", "runs them", "the region's, by AWS_ENDPOINT_URL_SSM",
        "MINISTACK services/ssm.py"),
    Row("a Scheduler target that is an API call (PoolSuspension, RetirementSuspension)",
        "is kept, and not called", "is called",
        "the region calls it for its own groups", "PAGE scheduler, managing-targets-universal"),
    Row("policies of roles and queues", "kept, and not asked", "asked on every call",
        "the region asks them in every other test", "MINISTACK: only with AUTH=true"),
    Row("public SSM parameters of images", "none, and their names are reserved", "there",
        "an own parameter as ImageId", "PAGE parameter-store-public-parameters"),
    Row("List<AWS::EC2::Subnet::Id>, empty", "accepted", "refused",
        "the template refuses it itself, in Rules", "buildkite/on-demand#2; MINISTACK engine.py"),
]

# Deployments that must be refused before anything is made: why, the parameters that are given (`None`:
# nothing on the command line), and the answer.
REFUSED = [
    ("samconfig.toml as it comes", None, "Parameter 'Subnets' has no Default"),
    ("no subnets", {"Subnets": '""'}, "Subnets needs at least one subnet"),
    ("no security groups", {"SecurityGroups": '""'},
     "SecurityGroups needs at least one security group"),
]
