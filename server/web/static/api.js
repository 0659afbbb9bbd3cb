/** The server's answers. Every error is one of two: it cannot be reached, or it says no. */

const PATIENCE = 8000; // ms

export class Unreachable extends Error {}

export class Refused extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/**
 * @typedef {{instance: string, alias: string, source: string, name?: string, last_seen: number,
 *   state: "live" | "late" | "paused" | "gone", cpu_busy: number | null, memory_used_ratio: number | null,
 *   disk_read_bytes_per_second: number | null, disk_write_bytes_per_second: number | null, cores: number | null,
 *   memory_total_bytes: number | null}} Instance
 * @typedef {(number | null)[]} Values
 * @typedef {{mean: number | null, median: number | null, min: number | null, max: number | null, p5?: number | null, p95: number | null}} Summary
 * @typedef {{part: string | null, columns: Record<string, Record<string, Values>>, summary: Record<string, Summary>}} Group
 * @typedef {{table: string, start: number, end: number, bucket_ms: number, time: number[], groups: Group[]}} Series
 */

/**
 * GET as JSON. Raises Unreachable or Refused; an abort by the caller passes through.
 * @param {string} path @param {Record<string, string | number>} [parameters] @param {AbortSignal} [signal]
 */
export async function get(path, parameters = {}, signal) {
  const limit = AbortSignal.timeout(PATIENCE);
  let answer;
  try {
    answer = await fetch(address(path, parameters), {
      cache: "no-store",
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    if (answer.ok) return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable("the server cannot be reached");
  }
  if (answer.status >= 500 || answer.status === 429) throw new Unreachable("the server cannot answer now");
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.detail ?? "the server refused");
}

/** @param {string} path @param {Record<string, string | number>} parameters */
export function address(path, parameters) {
  const parts = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  const text = parts.toString();
  return text ? `${path}?${text}` : path;
}

/** One machine, if it has samples and may be seen. @param {string} instance @returns {Promise<{cursor: number, now: number, instances: Instance[]}>} */
export const machine = (instance) => get("/api/v1/instances", { instance });

/** @param {{instance: string, start: number, end: number}} question @param {AbortSignal} [signal] @returns {Promise<{gaps: import("./charts_gaps.js").Gap[]}>} */
export const gaps = (question, signal) => get("/api/v1/gaps", question, signal);

/**
 * More than `most` changes come as null: anything may have changed.
 * @param {number} after @param {number} [most] @returns {Promise<{cursor: number, now: number, changed: string[] | null}>}
 */
export const live = (after, most) => get("/api/v1/live", { after, ...(most === undefined ? {} : { most }) });

/**
 * @param {{instance: string, table: string, start: number, end: number, points: number, by?: string, columns?: string, statistics?: string}} question
 * @param {AbortSignal} [signal] @returns {Promise<Series>}
 */
export const series = (question, signal) => get("/api/v1/series", question, signal);
