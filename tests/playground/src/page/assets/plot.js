// How long the last claims took until they were ready: stacked bars, p50 and p99.

import { byId, duration, element, longestUsual, mark, niceStep, say, shape } from "./dom.js";
import { PHASES } from "./claims.js";

const HEIGHT = 180;
const MARGIN = { top: 12, right: 58, bottom: 6, left: 40 };
const WIDEST_BAR = 26;

let drawn = "";
let latencies = null;

export function drawPlot(given) {
  latencies = given;
  draw();
}

new ResizeObserver(() => draw()).observe(byId("plot"));

function draw() {
  if (!latencies) return;
  const canvas = byId("plot");
  const claims = latencies.claims;
  const none = claims.length === 0;
  byId("no-plot").hidden = !none;
  byId("plot-details").hidden = none;
  canvas.hidden = none;
  if (none) return;
  const width = canvas.clientWidth;
  const state = `${width} ${JSON.stringify(latencies)}`;
  if (width === 0 || state === drawn) return;
  drawn = state;

  const total = (claim) => claim.parts.reduce((sum, part) => sum + part, 0);
  const longest = longestUsual(claims.map(total));
  const step = niceStep(longest, 4);
  const most = Math.ceil(longest / step) * step;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const y = (value) => MARGIN.top + inner.height * (1 - Math.min(value, most) / most);
  const pitch = Math.min(inner.width / claims.length, WIDEST_BAR);

  const words = `${claims.length} ${claims.length === 1 ? "claim" : "claims"}: p50 ${duration(latencies.p50)}, p99 ${duration(latencies.p99)}`;
  const beyond = claims.some((claim) => total(claim) > most) ? "; ▲ longer than shown" : "";
  say(byId("plot-figure"), words + beyond);
  const svg = shape("svg", {
    role: "img", "aria-label": `Time from message to ready of the last ${words}`,
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`,
  });
  for (let value = 0; value <= most; value += step) {
    svg.append(
      shape("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      shape("text", { class: "tick", x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, `${+(value / 1000).toFixed(2)} s`));
  }
  claims.forEach((claim, index) => {
    const bar = shape("g", {}, shape("title", {}, `${claim.id}: ${duration(total(claim))}`));
    let below = 0;
    claim.parts.forEach((part, phase) => {
      if (part > 0) {
        bar.append(shape("rect", {
          "data-phase": Object.keys(PHASES)[phase],
          x: MARGIN.left + index * pitch + pitch * 0.12, width: pitch * 0.76,
          y: y(below + part), height: Math.max(0, y(below) - y(below + part)),
        }));
      }
      below += part;
    });
    if (total(claim) > most) {
      const middle = MARGIN.left + (index + 0.5) * pitch;
      bar.append(shape("path", { class: "beyond", d: `M${middle - 4} ${MARGIN.top} l4 -6 l4 6 z` }));
    }
    svg.append(bar);
  });
  drawPercentiles(svg, width, y, most);
  canvas.replaceChildren(svg);
  drawTable(claims, total);
}

/** Two lines with labels that do not cover each other. */
function drawPercentiles(svg, width, y, most) {
  const [low, high] = [y(latencies.p50), y(latencies.p99)];
  const gap = 13;
  const same = latencies.p50 === latencies.p99;
  const lines = same
    ? [["p50, p99", low, low]]
    : [["p50", low, low - high < gap ? high + gap : low], [latencies.p99 > most ? "p99 ▲" : "p99", high, high]];
  for (const [name, at, label] of lines) {
    svg.append(
      shape("line", { class: "percentile", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at }),
      shape("text", { class: "percentile-label", x: width - MARGIN.right + 6, y: label + 4 }, name));
  }
}

function drawTable(claims, total) {
  const seconds = (value) => (value / 1000).toFixed(2);
  const heads = byId("plot-heads");
  if (!heads.firstChild) {
    const names = ["claim", ...Object.values(PHASES), "in all"];
    heads.append(...names.map((name) => element("th", { scope: "col" }, name)));
  }
  byId("plot-rows").replaceChildren(...[...claims].reverse().map((claim) => element("tr", {},
    element("th", { scope: "row" }, claim.id),
    ...claim.parts.map((part) => element("td", { class: "number" }, seconds(part))),
    element("td", { class: "number" }, seconds(total(claim))))));
  mark(byId("plot-rows"), "data-claims", String(claims.length));
}
