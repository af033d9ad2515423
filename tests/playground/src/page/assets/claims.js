// Claims as a timeline: one row each, with its steps as a bar.

import { byId, duration, element, keep, longestUsual, mark, niceStep, say, sayWithIds, withIds } from "./dom.js";

/** What takes time on a claim's way, in order. */
export const PHASES = {
  waiting: "waiting for an instance",
  detaching: "detaching",
  attaching: "attaching",
  sending: "command sent",
  running: "script running",
  joining: "waiting for InService",
  reporting: "publishing the outcome",
};

/** Of a claim that was rejected: it was not tried. */
const REFUSED = "refused";

const STEPS = {
  message: "message on the queue",
  entered: "entered: an instance is assigned",
  detached: "detached from the pool",
  given_up: "instance given up, another asked for",
  attaching: "AttachInstances: attaching to the target",
  attached: "attached: InService in the target",
  command_sent: "SendCommand: init command sent",
  started: "script started",
  ended: "script ended",
};

export function drawLegend() {
  for (const [phase, words] of Object.entries(PHASES)) {
    byId("legend").append(element("li", {},
      element("span", { class: "swatch", "data-phase": phase, "aria-hidden": "true" }), words));
  }
  byId("legend").append(
    element("li", {}, swatch("tick"), "InService in the target"),
    element("li", { id: "legend-refused" },
      element("span", { class: "swatch", "data-phase": REFUSED, "aria-hidden": "true" }), "checked and rejected"),
    element("li", { id: "legend-torn" }, swatch("torn"), "longer than shown"));
}

const swatch = (kind) => element("span", { class: `swatch ${kind}`, "aria-hidden": "true" });


/** The phases of a claim as [phase, from, to], milliseconds after its message. */
function spans(claim, now) {
  const zero = claim.steps[0].at;
  const end = (claim.end?.at ?? now) - zero;
  const begun = claim.steps.filter((step) => step.phase);
  const refused = claim.end?.outcome === "rejected";
  return begun.map((step, index) => [
    refused ? REFUSED : step.phase,
    step.at - zero,
    index + 1 < begun.length ? begun[index + 1].at - zero : Math.max(end, step.at - zero),
  ]);
}

const length = (claim, now) => (claim.end?.at ?? now) - claim.steps[0].at;

function stateOf(claim) {
  if (!claim.end) {
    const phases = claim.steps.filter((step) => step.phase);
    return PHASES[phases[phases.length - 1].phase];
  }
  return claim.end.outcome === "ready" ? "ready" : `${claim.end.outcome}: ${claim.end.reason}`;
}

function makeRow(claim) {
  const row = element("li", {}, element("details", { class: "claim" },
    element("summary", {},
      element("span", { class: "name" }, claim.id),
      element("span", { class: "bar", "aria-hidden": "true" }),
      element("span", { class: "took" }),
      element("span", { class: "outcome" })),
    element("div", { class: "more" },
      element("p", { class: "about" }),
      element("ol", { class: "steps" }),
      element("pre", { class: "output", tabindex: "0", role: "group", "aria-label": `Output of ${claim.id}` }))));
  row.querySelector("details").addEventListener("toggle", () => drawMore(row, row.claim));
  return row;
}

/** The part of a row that is seen only when it is open. */
function drawMore(row, claim) {
  if (!row.querySelector("details").open) return;
  const zero = claim.steps[0].at;
  const times = claim.attempts > 1 ? `, its instance number ${claim.attempts}` : "";
  const machine = claim.instance ? `, ${claim.instance}${times}` : "";
  const when = claim.attach_when === "after_init" ? ", attach_when: after_init" : "";
  sayWithIds(row.querySelector(".about"), `for ${claim.target}${machine}${when}`);
  const steps = claim.steps.map((step) => [step.at, STEPS[step.step]]);
  if (claim.end) {
    const again = claim.end.published > 1 ? ` (published ${claim.end.published} times)` : "";
    steps.push([claim.end.at, `outcome ${claim.end.outcome}, ${claim.end.reason}: ${claim.end.message}${again}`]);
  }
  // In the order of time: a step of AWS may be noted after one of ours.
  keep(row.querySelector(".steps"), steps.map(([at, text], index) => ({ at, text, index })),
    (step) => step.index,
    () => element("li", {}, element("span", { class: "at" }), element("span", { class: "what" })),
    (item, step) => {
      say(item.querySelector(".at"), duration(step.at - zero));
      sayWithIds(item.querySelector(".what"), step.text);
    });
  const output = row.querySelector(".output");
  say(output, claim.output.join("\n"));
  output.hidden = claim.output.length === 0;
}

let shown = [];
let most = 0;

export function drawClaims(claims, now) {
  shown = claims;
  byId("no-claims").hidden = claims.length > 0;
  byId("axis").hidden = claims.length === 0;
  drawRows("claim-rows", claims);
  tickClaims(now, true);
}

/** Claims that are not among those any more, and were asked for. */
export function drawOlder({ found, claims }, now) {
  drawRows("older-rows", claims);
  const words = found > claims.length ? `${found} found, the last ${claims.length} are shown` : `${found} found`;
  say(byId("older-said"), words);
  tickClaims(now, true);
}

function drawRows(id, claims) {
  const key = (claim) => `${claim.target}/${claim.id}/${claim.steps[0].at}`;
  keep(byId(id), claims, key, makeRow, (row, claim) => {
    row.claim = claim;
    mark(row, "data-outcome", claim.end?.outcome ?? "open");
    mark(row, "data-claim", claim.id);
    say(row.querySelector(".outcome"), stateOf(claim));
    drawMore(row, claim);
  });
}

/** Bars of open claims grow between two snapshots; `all` draws those of the others, too. */
export function tickClaims(now, all = false) {
  if (shown.length === 0) return;
  const longest = Math.max(2000, longestUsual(shown.map((claim) => length(claim, now))));
  const step = niceStep(longest, 6);
  const wanted = Math.ceil(longest / step) * step;
  const rescaled = wanted !== most;
  if (rescaled) {
    most = wanted;
    drawAxis(step);
  }
  for (const row of [...byId("claim-rows").children, ...byId("older-rows").children]) {
    if (all || rescaled || !row.claim.end) drawBar(row, row.claim, now);
  }
  byId("legend-torn").hidden = document.querySelector(".bar[data-torn=true]") === null;
  byId("legend-refused").hidden = document.querySelector(`.bar [data-phase=${REFUSED}]`) === null;
}

function drawAxis(step) {
  const axis = byId("axis");
  axis.replaceChildren();
  for (let at = 0; at <= most; at += step) {
    const tick = element("span", {}, `${+(at / 1000).toFixed(1)} s`);
    tick.style.left = `${(at / most) * 100}%`;
    axis.append(tick);
  }
}

function drawBar(row, claim, now) {
  const bar = row.querySelector(".bar");
  const parts = spans(claim, now);
  const attached = claim.steps.find((step) => step.step === "attached");
  const ticks = attached ? [["attached", attached.at - claim.steps[0].at, null]] : [];
  const pieces = [...parts, ...ticks];
  while (bar.children.length > pieces.length) bar.lastElementChild.remove();
  while (bar.children.length < pieces.length) bar.append(element("span"));
  pieces.forEach(([phase, from, to], index) => {
    const piece = bar.children[index];
    mark(piece, "data-phase", phase);
    piece.style.left = `${(from / most) * 100}%`;
    piece.style.width = to === null ? "" : `${((to - from) / most) * 100}%`;
  });
  mark(bar, "data-torn", String(length(claim, now) > most));
  say(row.querySelector(".took"), duration(length(claim, now)));
}

/** What became of a claim, after its id. */
const ENDINGS = { ready: "is ready", failed: "failed", rejected: "was rejected", dry_run: "is a dry run, answered" };

const GLYPHS = { ready: "✓", failed: "✗", rejected: "⊘", dry_run: "◇" };

/** How long it took, and in which pool, where there are several. */
function about(outcome) {
  const took = outcome.took === null ? [] : [duration(outcome.took)];
  return [...took, ...(outcome.pool ? [outcome.pool] : [])].join(", ");
}

export function drawOutcomes(outcomes) {
  byId("no-outcomes").hidden = outcomes.length > 0;
  const key = (outcome) => `${outcome.at}/${outcome.id}/${outcome.reason}`;
  const make = (outcome) => element("li", { "data-outcome": outcome.outcome },
    element("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[outcome.outcome] ?? "?"),
    element("span", { class: "name" }, outcome.id ?? "a message"),
    element("span", { class: "outcome" }, outcome.outcome),
    element("code", {}, outcome.reason),
    element("span", { class: "took" }, about(outcome)),
    element("span", { class: "message" }, ...withIds(outcome.message)));
  keep(byId("outcome-rows"), outcomes, key, make, () => {});
}

/** What is new among the outcomes, in words. */
export function news(outcomes, since) {
  return outcomes
    .filter((outcome) => outcome.at > since)
    .map((outcome) => {
      const took = outcome.took === null ? "" : ` after ${duration(outcome.took)}`;
      const why = outcome.outcome === "ready" ? "" : `, ${outcome.reason}`;
      return `${outcome.id ?? "a message"} ${ENDINGS[outcome.outcome] ?? outcome.outcome}${took}${why}`;
    })
    .reverse();
}
