/**
 * From the answer of the server to what is drawn.
 *
 * A bucket without samples is null. Buckets narrower than the sampling period are null in between by nature (a machine
 * that samples every 10 s has nothing in nine of ten one-second buckets), so those are left out; what remains null is a
 * gap: two or more samples in a row are missing. Nothing is ever interpolated.
 */

/** @typedef {import("./api.js").Series} Series @typedef {import("./api.js").Values} Values */

/**
 * @typedef {{bucket: number, step: number, time: number[], columns: Record<string, Record<string, Values>>,
 *   summary: Record<string, import("./api.js").Summary>, empty: boolean}} Drawn
 */

/** @param {Series} answer @param {string} part the core or device; "" for the whole machine @returns {Drawn} */
export function drawn(answer, part) {
  const group = answer.groups.find((entry) => !part || entry.part === part);
  const sampled = answer.time.map(() => false);
  for (const statistics of Object.values(group?.columns ?? {})) {
    statistics.mean.forEach((value, index) => {
      if (value !== null) sampled[index] = true;
    });
  }
  const { keep, step } = kept(answer.time, sampled);
  const columns = Object.fromEntries(
    Object.entries(group?.columns ?? {}).map(([column, statistics]) => [
      column,
      Object.fromEntries(Object.entries(statistics).map(([name, values]) => [name, keep.map((index) => values[index])])),
    ]),
  );
  return {
    bucket: answer.bucket_ms,
    step: Math.max(step, answer.bucket_ms),
    time: keep.map((index) => answer.time[index]),
    columns,
    summary: group?.summary ?? {},
    empty: !sampled.includes(true),
  };
}

/** The places of the buckets to keep, and the usual step between filled ones in ms. @param {number[]} time @param {boolean[]} sampled */
export function kept(time, sampled) {
  const filled = time.map((_, index) => index).filter((index) => sampled[index]);
  const steps = filled.slice(1).map((index, at) => time[index] - time[filled[at]]);
  const usual = steps.length ? [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] : 0;
  /** @type {number[]} */
  const keep = [];
  filled.forEach((index, at) => {
    if (at && time[index] - time[filled[at - 1]] > 2 * usual) {
      for (let gap = filled[at - 1] + 1; gap < index; gap += 1) keep.push(gap);
    }
    keep.push(index);
  });
  const regular = steps.filter((step) => step <= 2 * usual); // without the gaps; buckets round 15 s to 14 and 16
  const mean = regular.reduce((sum, step) => sum + step, 0) / regular.length;
  return { keep, step: regular.length ? Math.round(mean / 1000) * 1000 : 0 };
}

/** The newest value there is, and its place; place -1 when there is none. @param {Values} values */
export function newest(values) {
  for (let place = values.length - 1; place >= 0; place -= 1) {
    if (values[place] !== null) return { place, value: values[place] };
  }
  return { place: -1, value: null };
}
