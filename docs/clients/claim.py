"""Sends a claim and waits for its outcome.

    python claim.py PROVISION_QUEUE_URL OUTCOME_QUEUE_URL POOL TARGET COMMAND

The first three are outputs of the stack. Needs the rights of SendClaimsPolicy and ReadOutcomesPolicy.
"""

import datetime
import json
import sys
import time
import uuid

import boto3

LIFETIME = datetime.timedelta(minutes=15)


def send(sqs, queue, pool, target, command):
    """Sends a claim for one instance; answers its id."""
    claim_id = f"signup-{uuid.uuid4()}"
    expires_at = datetime.datetime.now(datetime.timezone.utc) + LIFETIME
    sqs.send_message(
        QueueUrl=queue,
        MessageGroupId=pool,
        MessageBody=json.dumps({
            "claim_id": claim_id,
            "target_group": target,
            "init": {"commands": [command]},
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }),
    )
    return claim_id


def wait_for_outcome(sqs, queue, claim_id, target, patience):
    """The claim's outcome. Those of other claims show again after two seconds, for whoever waits for them."""
    end = time.monotonic() + patience.total_seconds()
    while time.monotonic() < end:
        answer = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=10, VisibilityTimeout=2)
        for message in answer.get("Messages", []):
            outcome = json.loads(message["Body"])
            if (outcome.get("claim_id"), outcome.get("target_group")) == (claim_id, target):
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                return outcome
    return None


def main(provision, outcomes, pool, target, command):
    sqs = boto3.client("sqs")
    claim_id = send(sqs, provision, pool, target, command)
    # A script that was started before the deadline may run for ten minutes, unless the claim says otherwise.
    patience = LIFETIME + datetime.timedelta(minutes=15)
    outcome = wait_for_outcome(sqs, outcomes, claim_id, target, patience)
    print(json.dumps(outcome))
    return 0 if outcome and outcome["outcome"] == "ready" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
