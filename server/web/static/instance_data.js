/**
 * What the charts of one machine ask for: one question per table, the cores of the strip, and the gaps, which change
 * less often than anything else.
 */

import { Refused, gaps, series } from "./api.js";

/** What a chart needs of each point; the files and the numbers have the rest. */
const STATISTICS = "mean,p5,p95";
const GAPS_AGE = 10e3;
const DAY = 86400e3;
/** So many cores are drawn; more would be rows thinner than a hair. */
const MOST_CORES = 256;

/** @typedef {import("./api.js").Series} Series */
/** @typedef {{start: number, end: number, points: number}} Frame */

export class Questions {
  /** @param {string} instance */
  constructor(instance) {
    this.instance = instance;
    /** @type {import("./charts_gaps.js").Gap[]} */
    this.gaps = [];
    this.gapsFor = "";
    this.gapsAt = 0;
    /** @type {string[] | null} */
    this.devices = null;
  }

  /**
   * @param {Frame} frame @param {{core: string, device: string}} parts @param {number} cores of the machine @param {boolean} live
   * @param {AbortSignal} signal @returns {Promise<{cpu: Series, memory: Series, disk: Series, heat: Series | null}>}
   */
  async ask(frame, parts, cores, live, signal) {
    const { instance } = this;
    const table = (/** @type {string} */ name, /** @type {string} */ part) =>
      series({ instance, table: name, ...frame, statistics: STATISTICS, ...(part ? { by: "part" } : {}) }, signal);
    const strip = cores > 1 && cores <= MOST_CORES;
    const heat = strip ? series({ instance, table: "cpu", ...frame, by: "part", columns: "busy", statistics: "mean" }, signal) : null;
    const [cpu, memory, disk, cells] = await Promise.all([table("cpu", parts.core), table("memory", ""), table("disk", parts.device), heat, this.#gaps(frame, live, signal)]);
    return { cpu, memory, disk, heat: cells };
  }

  /** The disks of the last day. @param {number} lastSeen */
  async disks(lastSeen) {
    if (!this.devices) {
      const end = lastSeen + 1;
      const question = { instance: this.instance, table: "disk", start: Math.max(0, end - DAY), end, points: 50, by: "part", columns: "busy", statistics: "mean" };
      const answer = await series(question).catch(() => null);
      this.devices = answer?.groups.map((group) => group.part ?? "").filter(Boolean).sort() ?? null;
    }
    return this.devices ?? [];
  }

  /** Whether the machine is no longer here or for this viewer, rather than without samples. */
  async lost() {
    const nothing = series({ instance: this.instance, table: "memory", start: 0, end: 1, points: 1 });
    return nothing.then(() => false, (error) => error instanceof Refused && error.status === 404);
  }

  /** Anything may have changed. */
  forget() {
    this.devices = null;
    this.gapsAt = 0;
  }

  /** @param {Frame} frame @param {boolean} live @param {AbortSignal} signal */
  async #gaps({ start, end }, live, signal) {
    const about = String(end - start);
    if (live && about === this.gapsFor && Date.now() - this.gapsAt < GAPS_AGE) return;
    this.gaps = (await gaps({ instance: this.instance, start, end }, signal)).gaps;
    this.gapsFor = about;
    this.gapsAt = Date.now();
  }
}
