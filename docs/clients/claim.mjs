// Sends a claim and waits for its outcome.
//
//     npm install @aws-sdk/client-sqs
//     node claim.mjs PROVISION_QUEUE_URL OUTCOME_QUEUE_URL POOL TARGET COMMAND
//
// The first three are outputs of the stack. Needs the rights of SendClaimsPolicy and ReadOutcomesPolicy.

import { randomUUID } from "node:crypto";
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

const LIFETIME_MS = 15 * 60 * 1000;

/** Sends a claim for one instance; answers its id. */
async function send(sqs, queue, pool, target, command) {
  const claimId = `signup-${randomUUID()}`;
  await sqs.send(new SendMessageCommand({
    QueueUrl: queue,
    MessageGroupId: pool,
    MessageBody: JSON.stringify({
      claim_id: claimId,
      target_group: target,
      init: { commands: [command] },
      expires_at: new Date(Date.now() + LIFETIME_MS).toISOString(),
    }),
  }));
  return claimId;
}

/** The claim's outcome. Those of other claims show again after two seconds, for whoever waits for them. */
async function waitForOutcome(sqs, queue, claimId, target, patienceMs) {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({
      QueueUrl: queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, VisibilityTimeout: 2,
    }));
    for (const message of Messages) {
      const outcome = JSON.parse(message.Body);
      if (outcome.claim_id === claimId && outcome.target_group === target) {
        await sqs.send(new DeleteMessageCommand({
          QueueUrl: queue, ReceiptHandle: message.ReceiptHandle,
        }));
        return outcome;
      }
    }
  }
  return null;
}

const [provision, outcomes, pool, target, command] = process.argv.slice(2);
const sqs = new SQSClient();
const claimId = await send(sqs, provision, pool, target, command);
// A script that was started before the deadline may run for ten minutes, unless the claim says otherwise.
const outcome = await waitForOutcome(sqs, outcomes, claimId, target, LIFETIME_MS + 15 * 60 * 1000);
console.log(JSON.stringify(outcome));
process.exitCode = outcome?.outcome === "ready" ? 0 : 1;
