// The pool, the machines elsewhere, and the queues.

import { age, byId, element, keep, mark, say } from "./dom.js";

/** With more machines than that their tiles are smaller. */
const MANY = 8;

const STATES = {
  booting: "booting",
  agent_awaited: "waiting for its agent",
  agent_online: "agent online",
  ready: "ready",
  agent_dead: "agent dead",
  free: "in no group",
  leaving: "detaching",
  standby: "in standby",
  stopped: "stopped",
  terminating: "terminating",
};

function words(machine) {
  if (machine.state === "ready" && machine.claim) return "in service";
  const state = STATES[machine.state];
  return machine.unnoticed ? `${state} (SSM still reports Online)` : state;
}

function killer(label, trouble, instance) {
  return element("button", {
    type: "button", class: "small", "data-trouble": trouble, "data-instance": instance,
    "aria-label": `${label} of ${instance}`,
  }, label);
}

const killers = (machine) => [
  killer("Kill agent", "kill_agent", machine.id),
  element("button", {
    type: "button", class: "small", "data-trouble": "kill_machine", "data-instance": machine.id,
    "aria-label": `Kill instance ${machine.id}`,
  }, "Kill instance"),
];

/** What cannot be broken any more is disabled, and does not take the focus with it. */
function updateKillers(node, machine) {
  const over = machine.state === "terminating";
  const [agent, itself] = node.querySelectorAll("button");
  mark(agent, "aria-disabled", String(over || machine.state === "agent_dead"));
  mark(itself, "aria-disabled", String(over));
}

function makeTile(machine) {
  const tile = element("li", { class: "machine" },
    element("span", { class: "glyph", "aria-hidden": "true" }),
    element("code", {}, machine.id),
    element("span", { class: "state" }),
    element("span", { class: "about" }, machine.zone, ", ", element("span", { class: "age" })),
    element("span", { class: "killers" }, ...killers(machine)));
  tile.launched = machine.launched;
  return tile;
}

function makePool() {
  return element("div", { class: "of-pool" },
    element("div", { class: "head" }, element("h3"), element("p", { class: "figure" })),
    element("div", { class: "fill", "aria-hidden": "true" }),
    element("p", { class: "sizing" }, element("span", { class: "figure" }), element("br"), element("span", { class: "hint" })),
    element("ul", { class: "machines" }));
}

/** The pool, or those of a family. */
export function drawPools(pools, now) {
  say(byId("pool-title"), pools.length === 1 ? "Pool" : "Pools");
  keep(byId("pools"), pools, (pool) => pool.name, makePool, (part, pool) => {
    mark(part, "data-pool", pool.name);
    say(part.querySelector("h3"), pools.length === 1 ? "Pool" : `Pool ${pool.title}`);
    drawFill(part, pool);
    drawSizing(part.querySelector(".sizing"), pool.sizing);
    mark(part.querySelector(".machines"), "data-many", String(pool.members.length > MANY));
    keep(part.querySelector(".machines"), pool.members, (machine) => machine.id, makeTile, (tile, machine) => {
      mark(tile, "data-state", machine.state);
      say(tile.querySelector(".state"), words(machine));
      updateKillers(tile, machine);
    });
  });
  tickMachines(now);
}

/** What stands between a launch and a machine that is ready, the furthest first. */
const FILLING = {
  agent_online: "agent online",
  agent_awaited: "waiting for the agent",
  booting: "booting",
  requested: "launch requested",
};

/** How far the pool is filled, in words and as a bar with a piece for each machine that it should have. */
function drawFill(part, pool) {
  const machines = pool.members.map((machine) => machine.state);
  const staying = machines.filter((state) => state !== "leaving" && state !== "terminating");
  const states = [...staying, ...Array(pool.requested).fill("requested")];
  const count = (wanted) => states.filter((state) => state === wanted).length;
  const rest = Object.entries(FILLING)
    .filter(([state]) => count(state) > 0)
    .map(([state, words]) => `, ${count(state)} ${words}`);
  say(part.querySelector(".head .figure"), `${pool.ready} of ${pool.desired} ready${rest.join("")}`);
  const order = ["ready", ...Object.keys(FILLING)];
  const place = (state) => (order.includes(state) ? order.indexOf(state) : 0.5);
  const pieces = states.sort((a, b) => place(a) - place(b)).map((state, index) => ({ state, index }));
  keep(part.querySelector(".fill"), pieces, (piece) => piece.index, () => element("span"),
    (node, piece) => mark(node, "data-state", piece.state));
}

/** The size that the hit rate asks for, where one is. */
function drawSizing(part, sizing) {
  part.hidden = sizing === null;
  if (sizing === null) return;
  say(part.querySelector(".figure"), sizing.figure);
  say(part.querySelector(".hint"), sizing.why);
}

/** Ages go on between two snapshots. */
export function tickMachines(now) {
  for (const tile of byId("pools").querySelectorAll(".machine")) {
    say(tile.querySelector(".age"), `${age(now - tile.launched)} old`);
  }
}

export function drawElsewhere(machines) {
  say(byId("elsewhere-count"), String(machines.length));
  const make = (machine) => element("tr", {},
    element("td", {}, element("code", {}, machine.id)),
    element("td", { class: "group" }),
    element("td", { class: "claim" }),
    element("td", { class: "state" }),
    element("td", { class: "killers" }, ...killers(machine)));
  keep(byId("elsewhere-rows"), machines, (machine) => machine.id, make, (row, machine) => {
    mark(row, "data-state", machine.state);
    say(row.querySelector(".group"), machine.group ?? "none");
    say(row.querySelector(".claim"), machine.claim ?? "");
    say(row.querySelector(".state"), words(machine));
    updateKillers(row, machine);
  });
}

export function drawQueues(queues) {
  const dead = queues.filter((queue) => queue.is_dead_letter);
  const sum = (field) => dead.reduce((total, queue) => total + queue[field], 0);
  const rows = queues.filter((queue) => !queue.is_dead_letter);
  rows.push({ name: "dead letters", visible: sum("visible"), in_flight: sum("in_flight"), alarms: true });
  const make = (queue) => element("tr", {},
    element("th", { scope: "row" }, queue.name),
    element("td", { class: "number visible" }),
    element("td", { class: "number in-flight" }));
  keep(byId("queue-rows"), rows, (queue) => queue.name, make, (row, queue) => {
    mark(row, "data-alarm", String(Boolean(queue.alarms) && queue.visible > 0));
    say(row.querySelector(".visible"), String(queue.visible));
    say(row.querySelector(".in-flight"), String(queue.in_flight));
  });
}

/** How many claims wait, and for how long. */
export function drawLine(line, now) {
  const oldest = line.oldest === null ? "" : `, the first for ${age(now - line.oldest)}`;
  const claims = line.waiting === 1 ? "1 claim waits" : `${line.waiting} claims wait`;
  say(byId("line-figure"), line.waiting === 0 ? "nobody waits" : claims + oldest);
}
