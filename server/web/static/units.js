/** Units of an axis that are no bytes, and how the axis of a chart is labelled. */

import { NONE, count, digits } from "./format.js";
import { number } from "./locale.js";

/** Operations: groups of digits rather than k and M, for people count them. @type {import("./format.js").Unit} */
export const OPERATIONS = {
  name: "/s",
  size: 1,
  write: (value) => (value == null ? NONE : Math.abs(value) < 99.95 ? digits(value) : count(Math.round(value))),
};

/** Steps of an axis in powers of two, so that binary units get round numbers. */
export const BINARY = Array.from({ length: 60 }, (_, power) => 2 ** power);

/** The labels of a value axis; what is drawn downwards has no sign. @param {number[]} splits @param {import("./format.js").Unit} unit */
export function labels(splits, unit) {
  const step = splits.length > 1 ? (splits[1] - splits[0]) / unit.size : 1;
  const places = Math.min(3, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));
  const tail = unit.name === "%" ? "%" : unit.name.startsWith("/") ? unit.name : ` ${unit.name}`;
  return splits.map((value) => (value === 0 ? "0" : `${number(Number((Math.abs(value) / unit.size).toFixed(places)))}${tail}`));
}
