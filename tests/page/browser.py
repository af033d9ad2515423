"""The page of `serve` in a real browser, as a newcomer uses it.

Starts `serve` itself, and Chromium without a window (tests/page/install gets it). Run it from a
virtual environment with .ci/requirements.txt:

    python tests/page/browser.py
    python tests/page/browser.py --screenshot docs/page.png    # only takes the README's picture
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVE = ["cargo", "run", "--quiet", "--bin", "playground", "--", "serve", "--json", "--port", "0"]

# Seconds. `serve` may have to be built first.
START_LIMIT = 1200
STOP_LIMIT = 20
# A claim whose event is lost, or that is throttled, is looked at again once a minute.
MINUTE_LIMIT = 180
# Everything else takes seconds at the time scale used here.
LIMIT = 60

# On how many lines the longest reason stands beside a claim.
LINES_OF_A_REASON = """() => {
    const node = document.querySelector("#claim-rows .outcome");
    const before = node.textContent;
    node.textContent = "rejected: creating_not_allowed";
    const range = document.createRange();
    range.setStart(node.firstChild, "rejected: ".length);
    range.setEnd(node.firstChild, node.textContent.length);
    const lines = new Set([...range.getClientRects()].map((line) => line.top)).size;
    node.textContent = before;
    return lines;
}"""

# Instance ids that are broken into several lines.
BROKEN_IDS = """() => [...document.querySelectorAll(".machine code, .id, #elsewhere code")]
    .filter((node) => new Set([...node.getClientRects()].map((line) => line.top)).size > 1)
    .map((node) => node.textContent)"""

# What is cut off to the right, and shows no shadow there as a scrolled part does.
CUT_OFF = """() => [...document.querySelectorAll("main *")]
    .filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 1)
    .filter((node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX))
    .filter((node) => !getComputedStyle(node).backgroundImage.includes("gradient"))
    .map((node) => node.id || node.className)"""

# What the README says of the picture.
LARGEST_PICTURE = 220_000


def say(text):
    print(f"page  {text}", flush=True)


def check(holds, what):
    """Fails the run unless `holds`."""
    if not holds:
        raise AssertionError(what)


@contextlib.contextmanager
def served(*options):
    """Runs `serve`; gives the page's address."""
    process = subprocess.Popen(
        [*SERVE, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        line = process.stdout.readline()
        check(line, "serve did not start")
        yield json.loads(line)["page"]
    finally:
        process.terminate()
        process.wait(STOP_LIMIT)


@contextlib.contextmanager
def browser():
    """Chromium, as installed on this machine."""
    names = ["chromium", "chromium-browser", "google-chrome"]
    program = next(filter(None, map(shutil.which, names)), None)
    check(program, "no Chromium: tests/page/install gets it")
    # Chromium refuses to run as root with its sandbox, and containers are root's.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield chromium
        finally:
            chromium.close()


class Visit:
    """Somebody who looks at the page."""

    def __init__(self, chromium, address, width=1280, height=960):
        self.address = address
        self.problems = []
        self.page = chromium.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(LIMIT * 1000)
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self.see)
        self.page.goto(address)

    def hear(self, message):
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def see(self, request):
        if not request.url.startswith(self.address):
            self.problems.append(f"a request to {request.url}")

    def find(self, selector):
        return self.page.locator(selector)

    def sees(self, selector, text, limit=LIMIT):
        """Waits until there is that text."""
        expect(self.find(selector)).to_contain_text(text, timeout=limit * 1000)

    def pool_is_ready(self, size):
        self.sees("#pools .head .figure", f"{size} of {size} ready")

    def send(self, count=1, script="succeeds"):
        """Sends claims with a click; returns the id of the first."""
        self.page.get_by_label("how many").select_option(str(count))
        self.page.get_by_label("init script").select_option(script)
        before = int(self.find("[data-count=sent]").inner_text())
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.find("[data-count=sent]")).to_have_text(str(before + count))
        first = f"signup-{2001 + before}"
        expect(self.claim(first)).to_be_visible()
        return first

    def claim(self, claim_id):
        return self.find(f"#claim-rows > li[data-claim={claim_id}]")

    def ends(self, claim_id, words, limit=LIMIT):
        """Waits until the claim has ended so."""
        expect(self.claim(claim_id).locator(".outcome")).to_have_text(words, timeout=limit * 1000)
        took = self.claim(claim_id).locator(".took").inner_text()
        say(f"{claim_id} is {words} after {took}")

    def steps(self, claim_id):
        """Opens a claim that is ready; its steps in words."""
        self.claim(claim_id).locator("summary").click()
        steps = self.claim(claim_id).locator(".steps .what")
        # They are drawn a moment after the click.
        expect(steps.last).to_contain_text("outcome ready")
        return steps.all_inner_texts()

    def click(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def is_pressed(self, name, pressed):
        button = self.page.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-pressed", str(pressed).lower())

    def open_everything(self):
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    def is_accessible(self, where):
        """Asks axe-core, whose rules are those of WCAG 2.2 AA and its best practices."""
        results = Axe().run(self.page)
        found = [
            f"{violation['id']}: {violation['help']}: {node['html']}"
            for violation in results.response["violations"]
            for node in violation["nodes"]
        ]
        check(not found, f"{where}: " + "\n".join(found))
        say(f"{where}: axe-core passes {len(results.response['passes'])} rules, no violation")

    def has_no_problems(self):
        check(not self.problems, "the browser complains: " + "\n".join(self.problems))


def one_click(visit):
    """The newcomer: opens the page, clicks once, and sees a claim become ready."""
    expect(visit.find(".fill span")).to_have_count(3)
    visit.pool_is_ready(3)
    visit.is_accessible("at first")
    claim = visit.send()
    visit.ends(claim, "ready")
    steps = visit.steps(claim)
    wanted = ["message", "entered", "detached", "SendCommand", "script started", "script ended", "outcome ready"]
    found = [word for word in wanted if any(step.startswith(word) for step in steps)]
    check(found == wanted, f"steps: {steps}")
    check(any(step.startswith("attached") for step in steps), f"steps: {steps}")
    expect(visit.claim(claim).locator(".output")).to_contain_text("open for business")
    visit.sees("#outcome-rows", "the init script succeeded")
    visit.sees("#plot-figure", "1 claim: p50")
    visit.sees("#said", f"{claim} is ready")
    check(visit.find("#plot svg rect").count() >= 4, "the plot has too few parts")


def attached_after_init(visit):
    """The steps say in which order the command was sent and the instance attached."""
    wanted = {
        "before_init": ["AttachInstances", "SendCommand", "script ended"],
        "after_init": ["SendCommand", "script ended", "AttachInstances", "attached"],
    }
    for when, order in wanted.items():
        visit.find("#send select[name=attach_when]").select_option(when)
        claim = visit.send()
        visit.ends(claim, "ready")
        steps = visit.steps(claim)
        about = visit.claim(claim).locator(".about")
        check(("after_init" in about.inner_text()) == (when == "after_init"), about.inner_text())
        places = [next(i for i, step in enumerate(steps) if step.startswith(word)) for word in order]
        check(places == sorted(places), f"{when}: {steps}")
    visit.find("#send select[name=attach_when]").select_option("before_init")


def older_claims(visit):
    """Claims that have left the timeline are found by what one knows of them."""
    first = visit.find("#claim-rows > li").last.get_attribute("data-claim")
    last = visit.send(count=20)
    expect(visit.find("[data-count=open]")).to_have_text("0", timeout=MINUTE_LIMIT * 1000)
    expect(visit.claim(first)).to_have_count(0)
    visit.find("#older > summary").click()
    visit.find("#find").fill(first)
    expect(visit.find("#older-rows > li")).to_have_count(1)
    expect(visit.find("#older-rows > li .name")).to_have_text(first)
    visit.sees("#older-said", "1 found")
    visit.find("#find").fill("script_failed")
    expect(visit.find("#older-rows > li[data-outcome=failed]")).not_to_have_count(0)
    visit.find("#find").fill("nothing has this in it")
    visit.sees("#older-said", "0 found")
    visit.find("#find").fill("")
    visit.find("#older > summary").click()
    say(f"{first} is found among the older ones than {last}")


def by_keyboard(visit):
    """The same without a mouse."""
    visit.find("#send select").first.focus()
    before = int(visit.find("[data-count=sent]").inner_text())
    for _ in range(4):
        visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.ends(f"signup-{2001 + before}", "ready")


def dry_run(visit):
    """It is no claim, and its answer has a sign and a counter of its own."""
    def sqs(operation, body):
        request = urllib.request.Request(visit.address, json.dumps(body).encode(), {
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=me/20261122/eu-west-1/sqs/aws4_request",
        })
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    expect(visit.find("#dry-runs")).to_be_hidden()
    sent = visit.find("[data-count=sent]").inner_text()
    deadline = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    sqs("SendMessage", {
        "QueueUrl": sqs("GetQueueUrl", {"QueueName": "ready-pool-provision.fifo"})["QueueUrl"],
        "MessageGroupId": "dry-run",
        "MessageBody": json.dumps({
            "claim_id": "try", "target_group": "tenant-2001", "init": {"commands": ["true"]},
            "expires_at": deadline, "dry_run": True,
        }),
    })
    expect(visit.find("[data-count=dry_runs]")).to_have_text("1")
    expect(visit.find("[data-count=sent]")).to_have_text(sent)
    expect(visit.find("#outcome-rows > li").first.locator(".glyph")).to_have_text("◇")


def failing_script(visit):
    claim = visit.send(script="fails")
    visit.ends(claim, "failed: script_failed")
    visit.sees("#outcome-rows", "script_failed")
    visit.sees("#said", f"{claim} failed after")


def rejected(visit):
    """A claim that was rejected waited for nothing, and its bar says so."""
    visit.page.get_by_label("if no instance is ready").select_option("reject")
    expect(visit.find("#legend-refused")).to_be_hidden()
    # More than the pool has.
    visit.send(count=5)
    refused = visit.find("#claim-rows > li[data-outcome=rejected]")
    expect(refused.first.locator(".outcome")).to_have_text("rejected: pool_empty")
    expect(refused.first.locator(".bar [data-phase=waiting]")).to_have_count(0)
    expect(visit.find("#legend-refused")).to_be_visible()
    visit.page.get_by_label("if no instance is ready").select_option("wait")
    expect(visit.find("[data-count=open]")).to_have_text("0", timeout=MINUTE_LIMIT * 1000)
    visit.pool_is_ready(3)


def lost_events(visit):
    """With every event dropped the claim is ready nevertheless, up to a minute later."""
    visit.click("Drop every event")
    visit.is_pressed("Drop every event", True)
    visit.sees("#broken", "every event is lost")
    claim = visit.send()
    visit.sees("#claim-rows", "publishing the outcome")
    visit.ends(claim, "ready", MINUTE_LIMIT)
    visit.click("Drop every event")
    visit.is_pressed("Drop every event", False)
    # A full pool launches nothing: there is no event to lose before the page has said so.
    visit.pool_is_ready(3)
    visit.click("Drop the next event")
    visit.sees("#broken", "events that will be lost: 1")


def throttling(visit):
    visit.click("Throttle AWS")
    visit.is_pressed("Throttle AWS", True)
    claim = visit.send()
    visit.ends(claim, "ready", MINUTE_LIMIT)


def mending(visit):
    # The only function that nothing invokes until a claim is sent.
    visit.page.get_by_label("Function to crash").select_option("claim-instance")
    visit.click("Crash it")
    visit.sees("#broken", "functions that will crash: 1")
    visit.click("No new instances")
    visit.is_pressed("No new instances", True)
    visit.click("Clear all faults")
    visit.sees("#broken", "Nothing is broken")
    for name in ["Drop every event", "Throttle AWS", "No new instances"]:
        visit.is_pressed(name, False)


def killing(visit):
    """A dead agent shows at once, a dead machine goes, and both stay findable by their id."""
    ready = visit.find(".machines > li[data-state=ready]")
    expect(ready.first).to_be_visible(timeout=MINUTE_LIMIT * 1000)
    instance = ready.first.locator("code").inner_text()
    tile = visit.find(".machines > li").filter(has_text=instance)
    visit.page.get_by_role("button", name=f"Kill agent of {instance}").click()
    expect(tile).to_have_attribute("data-state", "agent_dead")
    expect(tile).to_contain_text("SSM still reports Online")
    visit.page.get_by_role("button", name=f"Kill instance {instance}").click()
    expect(tile).to_have_attribute("data-state", "terminating")
    say(f"{instance} lost its agent, then itself")


def other_looks(visit):
    """Narrow, dark, without motion, with more contrast: nothing is cut off or unreadable."""
    visit.open_everything()
    for width, scheme in [(1280, "light"), (1280, "dark"), (800, "light"), (360, "light"), (360, "dark")]:
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        check(wide <= 0, f"at {width} px the page is {wide} px too wide")
        broken = visit.page.evaluate(BROKEN_IDS)
        check(not broken, f"at {width} px ids are broken: {broken}")
        cut = visit.page.evaluate(CUT_OFF)
        check(not cut, f"at {width} px something is cut off: {cut}")
        lines = visit.page.evaluate(LINES_OF_A_REASON)
        check(lines == 1, f"at {width} px a reason is broken into {lines} lines")
        visit.is_accessible(f"{width} px, {scheme}")
    visit.page.emulate_media(contrast="more")
    visit.is_accessible("with more contrast")
    visit.page.emulate_media(contrast="no-preference", forced_colors="active")
    visit.is_accessible("with forced colours")


def other_pages(chromium, visit):
    """A stranger's page in the same browser cannot break anything."""
    stranger = chromium.new_page()
    stranger.goto("about:blank")
    body = json.dumps({"trouble": "drop_events", "on": True})
    for kind in ["text/plain", "application/json"]:
        stranger.evaluate(
            """([url, body, kind]) => fetch(url, {method: "POST", mode: "no-cors", body,
                headers: {"content-type": kind}}).then(() => "sent", () => "not sent")""",
            [f"{visit.address}_region/troubles", body, kind],
        )
    stranger.close()
    # What was asked for before would show by now: the page's own request is answered after it.
    visit.click("Throttle AWS")
    visit.is_pressed("Throttle AWS", True)
    visit.is_pressed("Drop every event", False)
    visit.click("Clear all faults")
    visit.sees("#broken", "Nothing is broken")


def two_pools(visit):
    """A family: both pools are there, and a claim is sent to either."""
    for pool, size in [("small", 2), ("large", 1)]:
        part = visit.find(f".of-pool[data-pool=ready-pool-{pool}-pool]")
        expect(part.locator("h3")).to_have_text(f"Pool {pool}")
        expect(part.locator(".head .figure")).to_contain_text(f"{size} of {size} ready", timeout=LIMIT * 1000)
    visit.is_accessible("with two pools")
    for pool in ["large", "small"]:
        visit.find("#pool-choice").select_option(label=pool)
        claim = visit.send()
        visit.ends(claim, "ready")
        outcome = visit.find("#outcome-rows > li").filter(has_text=claim)
        expect(outcome.locator(".took")).to_contain_text(pool)


def reconnecting(visit):
    """When the region is gone, the page says so."""
    visit.sees("#connection", "the region does not answer")


def test():
    with browser() as chromium:
        with served("--time-scale", "0.1", "--pool-size", "3") as address:
            visit = Visit(chromium, address)
            check(re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), address)
            visit.sees("#connection", "live")
            for step in [
                one_click,
                by_keyboard,
                attached_after_init,
                dry_run,
                failing_script,
                rejected,
                lost_events,
                throttling,
                mending,
                older_claims,
            ]:
                say(step.__name__.replace("_", " "))
                step(visit)
            other_pages(chromium, visit)
            killing(visit)
            other_looks(visit)
            visit.has_no_problems()
        reconnecting(visit)
        with served("--family", "--time-scale", "0.1", "--pool-size", "2") as address:
            visit = Visit(chromium, address)
            say("two pools")
            two_pools(visit)
            visit.has_no_problems()
    say("all is well")


def take_picture(path):
    """At the latencies observed on AWS: some claims ready, one failed, some on their way."""
    with browser() as chromium, served("--pool-size", "8") as address:
        visit = Visit(chromium, address, width=1120, height=1000)
        expect(visit.find("#pools .head .figure")).to_have_text("8 of 8 ready", timeout=MINUTE_LIMIT * 1000)
        for _ in range(2):
            visit.ends(visit.send(), "ready")
        visit.send(count=5)
        visit.ends(visit.send(script="fails"), "failed: script_failed")
        expect(visit.find("#pools .head .figure")).to_have_text("8 of 8 ready", timeout=MINUTE_LIMIT * 1000)
        visit.find(".machines button").first.click()
        visit.send(count=5)
        visit.sees("#claim-rows", "attaching")
        time.sleep(1.5)
        visit.send()
        visit.page.mouse.move(0, 0)
        visit.page.evaluate("document.activeElement.blur()")
        time.sleep(1.5)
        visit.page.screenshot(path=path, full_page=True)
    size = pathlib.Path(path).stat().st_size
    check(size <= LARGEST_PICTURE, f"{path} has {size} bytes")
    say(f"{path}: {size} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--screenshot", metavar="FILE", help="take the README's picture instead")
    arguments = parser.parse_args()
    if arguments.screenshot:
        take_picture(arguments.screenshot)
    else:
        test()
