// The page: draws the snapshots that the region sends, and asks for what is clicked.

import { byId, element, keep, mark, reducedMotion, say, withIds } from "./dom.js";
import { drawClaims, drawLegend, drawOlder, drawOutcomes, news, tickClaims } from "./claims.js";
import { drawElsewhere, drawLine, drawPools, drawQueues, tickMachines } from "./machines.js";
import { drawPlot } from "./plot.js";

let snapshot = null;
// The region's clock less this machine's own, which only goes forward.
let offset = 0;
let lastOutcome = null;

const now = () => performance.now() + offset;

function draw(next) {
  offset = next.now - performance.now();
  const first = snapshot === null;
  snapshot = next;
  for (const node of byId("counts").querySelectorAll("[data-count]")) {
    say(node, String(next.counts[node.dataset.count]));
  }
  byId("dry-runs").hidden = next.counts.dry_runs === 0;
  say(byId("dry-runs").querySelector("dt"), next.counts.dry_runs === 1 ? "dry run" : "dry runs");
  drawPools(next.pools, now());
  drawPoolChoice(next.pools);
  drawElsewhere(next.elsewhere);
  drawQueues(next.queues);
  drawLine(next.line, now());
  drawClaims(next.claims, now());
  drawOlderCount(next.older);
  drawPlot(next.latencies);
  drawOutcomes(next.outcomes);
  drawTroubles(next.troubles);
  drawFunctions(next.functions);
  if (byId("story").open) drawStory();
  const newest = next.outcomes[0]?.at ?? 0;
  if (!first && newest > lastOutcome) tell(news(next.outcomes, lastOutcome).slice(-3).join("; "));
  lastOutcome = newest;
}

function drawTroubles(troubles) {
  for (const button of document.querySelectorAll("[data-shows]")) {
    mark(button, "aria-pressed", String(troubles[button.dataset.shows]));
  }
  const broken = [];
  if (troubles.drops_events) broken.push("every event is lost: claims are checked only once a minute");
  else if (troubles.events_to_drop > 0) broken.push(`events that will be lost: ${troubles.events_to_drop}`);
  if (troubles.throttles) broken.push("AWS throttles every other call");
  if (troubles.refuses_capacity) broken.push("no launch gets an instance");
  if (troubles.crashes > 0) broken.push(`functions that will crash: ${troubles.crashes}`);
  const words = broken.length > 0
    ? `Now: ${broken.join("; ")}.`
    : "Nothing is broken. Agents and instances can be killed in the pool.";
  say(byId("broken"), words);
  mark(byId("broken"), "data-broken", String(broken.length > 0));
}

function drawFunctions(functions) {
  keep(byId("function"), functions, ([name]) => name,
    ([name, short]) => element("option", { value: name }, short), () => {});
}

/** Who sends a claim says for which pool, where there are several. */
function drawPoolChoice(pools) {
  byId("which-pool").hidden = pools.length === 1;
  keep(byId("pool-choice"), pools, (pool) => pool.name,
    (pool) => element("option", { value: pool.name }, pool.title), () => {});
}

/** There are more, or others: who looks at them sees them. */
function drawOlderCount(older) {
  byId("older").hidden = older === 0;
  const changed = byId("older-count").textContent !== String(older);
  say(byId("older-count"), String(older));
  if (changed && byId("older").open) findOlder();
}

let asked = null;
/** Asks for older claims, a moment later: whoever types, types on. */
function findOlder() {
  if (asked !== null) return;
  asked = setTimeout(async () => {
    asked = null;
    const text = byId("find").value.trim();
    try {
      const answer = await fetch(`/_region/older${text ? `/${encodeURIComponent(text)}` : ""}`);
      drawOlder(await answer.json(), now());
    } catch {
      say(byId("older-said"), "the region did not answer");
    }
  }, 200);
}

let storyKey = 0;

function drawStory() {
  const started = snapshot.story.at(-1)?.at ?? 0;
  // Lines have no ids; they are few, and rewritten only when there is a new one.
  const key = JSON.stringify([snapshot.story.length, snapshot.story[0], started]);
  if (key === storyKey) return;
  storyKey = key;
  byId("story-rows").replaceChildren(...snapshot.story.map((line) => element("li", { "data-tone": line.tone },
    element("time", {}, new Date(line.at).toLocaleTimeString("en-GB")),
    element("span", { class: "label" }, line.label),
    element("span", { class: "what" }, ...withIds(line.text)))));
}

function tell(text, bad = false) {
  say(byId("said"), text);
  mark(byId("said"), "data-bad", String(bad));
}

async function ask(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const { said } = await answer.json();
    tell(said, !answer.ok);
  } catch {
    tell("the region did not answer", true);
  }
}

byId("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  ask("/_region/claims", {
    count: Number(fields.get("count")),
    script: fields.get("script"),
    waits: fields.get("waits") === "true",
    attach_when: fields.get("attach_when"),
    pool: fields.get("pool"),
  });
});

byId("crash").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("/_region/troubles", { trouble: "crash", function: new FormData(event.target).get("function") });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-trouble]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  const body = { trouble: button.dataset.trouble };
  if (button.dataset.instance) body.instance = button.dataset.instance;
  if (button.dataset.shows) body.on = button.getAttribute("aria-pressed") !== "true";
  ask("/_region/troubles", body);
});

byId("older").addEventListener("toggle", () => {
  if (byId("older").open) findOlder();
});
byId("find").addEventListener("input", findOlder);

byId("story").addEventListener("toggle", () => {
  if (byId("story").open && snapshot) drawStory();
});

function connection(state, words) {
  mark(byId("connection"), "data-state", state);
  say(byId("connection").querySelector(".words"), words);
}

const stream = new EventSource("/_region/snapshots");
stream.addEventListener("open", () => connection("live", "live"));
stream.addEventListener("error", () => connection("lost", "the region does not answer"));
stream.addEventListener("message", (event) => draw(JSON.parse(event.data)));

/** Goes on between two snapshots: smoothly, or once a second for who wants no motion. */
let ticked = 0;
function tick(time) {
  const live = byId("connection").dataset.state === "live";
  if (snapshot && live && time - ticked >= (reducedMotion.matches ? 1000 : 0)) {
    ticked = time;
    tickClaims(now());
    tickMachines(now());
    drawLine(snapshot.line, now());
  }
  requestAnimationFrame(tick);
}

drawLegend();
requestAnimationFrame(tick);
