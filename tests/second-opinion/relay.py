"""The simulated region's events, on MiniStack's bus.

Groups and agents live in the region, rules in MiniStack. Neither AWS nor MiniStack lets anybody put
an event whose source is AWS, so each one takes the way that the bus would: which rules take it is
asked of MiniStack (`TestEventPattern`), where it goes then is what the rule's targets say.

MiniStack uses a `MessageGroupId` that is a JSON path as it stands; AWS's page on targets says that
the path is followed. ready-pool must do with both, so both are played, in turn.
"""

import http.server
import itertools
import json
import re
import threading
import uuid


class Relay:
    """An address that answers Lambda's Invoke for the region's functions, and hands on what comes."""

    def __init__(self):
        self.clients = None
        self.handed_on = []
        self.problems = []
        self.readings = itertools.cycle([followed, as_it_stands])
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return "http://127.0.0.1:%d/2015-03-31/functions/relay/invocations" % self.server.server_port

    def connect(self, clients):
        """From here on there is a stack to hand events to; what came before it, nobody misses."""
        self.clients = clients

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    relay.invoked(payload)
                except Exception as error:  # Whatever it is, it belongs in the run's verdict.
                    relay.problems.append(f"{type(error).__name__}: {error}")
                answer = json.dumps({"batchItemFailures": []}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler

    def invoked(self, payload):
        """An event itself, or the messages of the region's own init queue that hold one."""
        if self.clients is None:
            return
        if "Records" in payload:
            for record in payload["Records"]:
                self.hand_on(json.loads(record["body"]))
        elif payload["source"] != "aws.events":
            # MiniStack has a clock of its own for the schedules.
            self.hand_on(payload)

    def hand_on(self, event):
        events = self.clients["events"]
        taken = 0
        for rule in events.list_rules()["Rules"]:
            pattern = rule.get("EventPattern")
            if not pattern or rule["State"] != "ENABLED":
                continue
            if not events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]:
                continue
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                self.deliver(event, target)
                taken += 1
        self.handed_on.append((event["detail-type"], taken))

    def deliver(self, event, target):
        service, name = target["Arn"].split(":")[2], target["Arn"].split(":")[-1]
        if service == "lambda":
            self.clients["lambda"].invoke(
                FunctionName=target["Arn"], InvocationType="Event", Payload=json.dumps(event)
            )
        elif service == "sqs":
            path = target["SqsParameters"]["MessageGroupId"]
            url = self.clients["sqs"].get_queue_url(QueueName=name)["QueueUrl"]
            self.clients["sqs"].send_message(
                QueueUrl=url, MessageBody=json.dumps(event), MessageDeduplicationId=str(uuid.uuid4()),
                MessageGroupId=next(self.readings)(path, event),
            )
        else:
            raise ValueError(f"a target that nobody expected: {target}")


def followed(path, event):
    """What the JSON path points to."""
    found = event
    for key in re.fullmatch(r"\$\.([\w.-]+)", path)[1].split("."):
        found = found[key]
    return found


def as_it_stands(path, _):
    """The path, taken as a name."""
    return path
