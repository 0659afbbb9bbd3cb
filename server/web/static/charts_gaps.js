/** Where nothing was sampled: hatched bands behind the lines, each with its reason when there is room for the words. */

import { css } from "./dom.js";
import { t } from "./locale.js";

/** `end` null is now. @typedef {{start: number, end: number | null, reason: string}} Gap */

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** The words of a reason; one that is not known yet is said as it is. @param {Gap} gap */
export const reason = (gap) => t(`instance.gap.${gap.reason}`);

/** @param {CanvasRenderingContext2D} context @param {number} ratio device pixels */
function hatch(context, ratio) {
  const size = Math.round(8 * ratio);
  const tile = new OffscreenCanvas(size, size);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (tile.getContext("2d"));
  pen.strokeStyle = css("line");
  pen.lineWidth = ratio;
  for (const at of [-size, 0, size]) {
    pen.moveTo(at, size);
    pen.lineTo(at + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? css("line");
}

/** Paint the gaps of a uPlot chart. @param {any} u @param {Gap[]} gaps */
export function paintGaps(u, gaps) {
  if (!gaps.length) return;
  /** @type {CanvasRenderingContext2D} */
  const context = u.ctx;
  const ratio = devicePixelRatio;
  const { left, top, width, height } = u.bbox;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  const pattern = hatch(context, ratio);
  context.font = `${11 * ratio}px ${FONT}`;
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const gap of gaps) {
    const from = Math.max(left, u.valToPos(gap.start, "x", true));
    const to = Math.min(left + width, gap.end === null ? left + width : u.valToPos(gap.end, "x", true));
    if (to - from < 1) continue;
    context.fillStyle = css("sunken");
    context.fillRect(from, top, to - from, height);
    context.fillStyle = pattern;
    context.fillRect(from, top, to - from, height);
    label(context, reason(gap), from, to, top, ratio);
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {string} words @param {number} from @param {number} to @param {number} top @param {number} ratio */
function label(context, words, from, to, top, ratio) {
  const wide = context.measureText(words).width + 12 * ratio;
  if (wide > to - from) return;
  const middle = (from + to) / 2;
  context.fillStyle = css("surface");
  context.beginPath();
  context.roundRect(middle - wide / 2, top + 4 * ratio, wide, 19 * ratio, 5 * ratio);
  context.fill();
  context.fillStyle = css("muted");
  context.fillText(words, middle, top + 8 * ratio);
}
