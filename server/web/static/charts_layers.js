/**
 * From what is to be shown to the layers of a chart, back to front: the band of p5 to p95 behind its line, the top of a
 * stack before its bottom. A missing value stays missing in every layer.
 */

/** @typedef {import("./panels.js").Line} Line @typedef {(number | null)[]} Values */

/**
 * `lows` and `highs` are p5 and p95 of each point; empty where the server does not say. `reach` makes the ends of the
 * axis of how far the layers go up and down.
 * @typedef {{time: number[], bucket: number, step: number, lines: Line[], hidden: Set<string>, means: Values[], lows: Values[],
 *   highs: Values[], start: number, end: number, gaps: import("./charts_gaps.js").Gap[],
 *   reach: (up: number, down: number) => [number, number], unit: import("./format.js").Unit}} Picture
 *
 * @typedef {{line: Line, kind: "line" | "high" | "low", values: Values}} Layer
 */

/** @param {Picture} picture @returns {Layer[]} */
export function layersOf({ lines, hidden, means, lows, highs }) {
  const drawn = lines.map((line, index) => ({ line, index })).filter(({ line }) => line.style !== "none" && !hidden.has(line.column));
  const stack = drawn.filter(({ line }) => line.style === "stack");
  if (stack.length > 1) return stacked(stack.map(({ line, index }) => ({ line, kind: "line", values: means[index] })));
  const single = drawn.filter(({ line }) => line.style !== "dash");
  return drawn.flatMap(({ line, index }) => {
    const values = upright(line, means[index]);
    const layer = /** @type {Layer} */ ({ line, kind: "line", values });
    // a line of its own, or one on each side of zero: there the band hides nothing
    const alone = line.style !== "dash" && single.filter((other) => other.line.sign === line.sign).length === 1;
    if (!alone || !lows[index]?.length || !highs[index]?.length) return [layer];
    return [
      { line, kind: /** @type {const} */ ("high"), values: upright(line, highs[index]) },
      { line, kind: /** @type {const} */ ("low"), values: upright(line, lows[index]) },
      layer,
    ];
  });
}

/** Each on top of the ones before it; the top comes first. @param {Layer[]} layers */
function stacked(layers) {
  layers.forEach((layer, index) => {
    if (!index) return;
    const below = layers[index - 1].values;
    layer.values = layer.values.map((value, at) => (value == null ? null : value + (below[at] ?? 0)));
  });
  return layers.reverse();
}

/** @param {Line} line @param {Values} values @returns {Values} */
const upright = (line, values) => (line.sign ? values.map((value) => (value == null ? null : -value)) : values);

/** How far the layers go up and down, both as sizes. @param {Layer[]} layers */
export function extent(layers) {
  let [up, down] = [0, 0];
  for (const { values } of layers) {
    for (const value of values) {
      if (value === null) continue;
      if (value > up) up = value;
      else if (-value > down) down = -value;
    }
  }
  return { up, down };
}

/** Whether a band is drawn that can be seen. @param {Layer[]} layers @param {[number, number]} reach of the axis */
export function banded(layers, [least, most]) {
  return layers.some(({ kind, values }, index) => {
    if (kind !== "high") return false;
    const lows = layers[index + 1].values;
    return values.some((value, at) => value !== null && Math.abs(value - (lows[at] ?? value)) > (most - least) / 100);
  });
}

/** `share` of one colour over another, both as #rrggbb. @param {string} over @param {string} under @param {number} share */
export function blend(over, under, share) {
  const channel = (/** @type {string} */ hex, /** @type {number} */ at) => parseInt(hex.slice(at, at + 2), 16);
  return `#${[1, 3, 5]
    .map((at) => Math.round(channel(over, at) * share + channel(under, at) * (1 - share)).toString(16).padStart(2, "0"))
    .join("")}`;
}

/** A point between two gaps has no line, so it gets a dot. @param {any} u @param {number} index */
export function alone(u, index) {
  const values = u.data[index];
  /** @type {number[]} */
  const places = [];
  values.forEach((/** @type {number | null} */ value, /** @type {number} */ at) => {
    if (value != null && values[at - 1] == null && values[at + 1] == null) places.push(at);
  });
  return places.length ? places : null;
}
