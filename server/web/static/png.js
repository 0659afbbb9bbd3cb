/** A chart as a picture that says what it is: machine, range, lines with their colours and means, unit, in the theme that is on. */

import { css, make } from "./dom.js";
import { moment, span, zone } from "./format.js";
import { label } from "./panels.js";
import { t } from "./locale.js";

const EDGE = 16;
const HEAD = 50;
const LINE = 20;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/**
 * @param {{title: string, alias: string, canvases: HTMLCanvasElement[], picture: import("./charts.js").Picture,
 *   summary: Record<string, import("./api.js").Summary>, now: number}} shown
 */
export function paint({ title, alias, canvases, picture, summary, now }) {
  const ratio = devicePixelRatio;
  const wide = Math.max(...canvases.map((canvas) => canvas.width)) / ratio;
  const drawn = picture.lines.filter((line) => line.style === "none" || !picture.hidden.has(line.column));
  const high = canvases.reduce((sum, canvas) => sum + canvas.height / ratio + 4, 0);
  const columns = Math.max(1, Math.floor(wide / 230));
  const height = HEAD + high + Math.ceil(drawn.length / columns) * LINE + 2 * EDGE;
  const sheet = /** @type {HTMLCanvasElement} */ (make("canvas", { width: String(Math.round((wide + 2 * EDGE) * ratio)), height: String(Math.round(height * ratio)) }));
  const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  pen.scale(ratio, ratio);
  pen.fillStyle = css("surface");
  pen.fillRect(0, 0, wide + 2 * EDGE, height);
  pen.textBaseline = "top";
  pen.fillStyle = css("text");
  pen.font = `600 15px ${FONT}`;
  pen.fillText(`${alias} – ${title}`, EDGE, EDGE);
  pen.fillStyle = css("muted");
  pen.font = `12px ${FONT}`;
  const range = t("instance.shown.fixed", { from: moment(picture.start, now), to: moment(picture.end, now), span: span(picture.end - picture.start) });
  pen.fillText([range, zone(), t("instance.step", { span: span(picture.step) }), picture.unit.name].join(" · "), EDGE, EDGE + 21);
  let top = HEAD + EDGE / 2;
  for (const canvas of canvases) {
    pen.drawImage(canvas, EDGE, top, canvas.width / ratio, canvas.height / ratio);
    top += canvas.height / ratio + 4;
  }
  drawn.forEach((line, index) => {
    const [x, y] = [EDGE + (index % columns) * 230, top + 6 + Math.floor(index / columns) * LINE];
    if (line.colour) {
      pen.fillStyle = css(`c-${line.colour}`);
      pen.fillRect(x, y + (line.style === "stack" || line.style === "area" ? 2 : 6), 11, line.style === "stack" || line.style === "area" ? 11 : 3);
    }
    const write = picture.unit.write;
    const { mean, max } = summary[line.column] ?? {};
    pen.fillStyle = css("text");
    pen.fillText(`${label(line)}: ${t("instance.stats.mean")} ${write(mean)}, ${t("instance.stats.max")} ${write(max)}`, x + 18, y, 208);
  });
  return sheet;
}

/** Hand a canvas to the person as a file. @param {HTMLCanvasElement} sheet @param {string} name */
export function save(sheet, name) {
  sheet.toBlob((blob) => {
    if (!blob) return;
    const url = URL.createObjectURL(blob);
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10e3);
  }, "image/png");
}
