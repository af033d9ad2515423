// Small helpers: elements, text that is only touched when it changes, lists with keys.

/** An element with attributes and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An SVG element. */
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Sets a text, unless it is that already: a selection and a screen reader stay where they are. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A text whose instance ids are not broken after their `i-`. */
export function withIds(text) {
  const parts = text.split(/(\bi-[0-9a-f]{8,17}\b)/);
  return parts.map((part, index) => (index % 2 === 0 ? part : element("span", { class: "id" }, part)));
}

/** The same as `say`, with such ids. */
export function sayWithIds(node, text) {
  if (node.textContent !== text) node.replaceChildren(...withIds(text));
}

/** Sets an attribute, unless it is that already. */
export function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * Makes the children of `parent` those of `items`, in their order. What stays is updated in
 * place and not moved without need, so that focus and open details survive.
 */
export function keep(parent, items, keyOf, make, update) {
  const known = parent.known ??= new Map();
  const wanted = new Set(items.map(keyOf));
  for (const [key, node] of known) {
    if (!wanted.has(key)) {
      node.remove();
      known.delete(key);
    }
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let node = known.get(key);
    if (!node) {
      node = make(item);
      known.set(key, node);
    }
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
    update(node, item);
  }
}

/** Milliseconds for people. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return age(milliseconds);
}

/** An age, coarsely. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h`;
}

/** A step between gridlines, so that there are about `count` of them up to `most`. */
export function niceStep(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

/** Of so many lengths the longest that is not far beyond the usual: one alone must not squash all others. */
export function longestUsual(lengths) {
  const sorted = [...lengths].sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  return sorted.findLast((length) => length <= 4 * median);
}

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
