/**
 * The beat: one question a second, "has anything changed after this cursor?", while somebody is looking. A hidden tab
 * asks nothing. When the server cannot be reached it is asked less often, up to every ten seconds, and again at once
 * when the network or the tab comes back.
 */

import { live } from "./api.js";

const BEAT = 1000;
const SLOWEST = 10e3;

/**
 * @param {{cursor: () => number, most?: number, changed: (answer: {cursor: number, now: number, changed: string[] | null}) => Promise<void>,
 *   reached: (yes: boolean, now: number | null) => void}} hooks
 */
export function start({ cursor, most, changed, reached }) {
  let failures = 0;
  let timer = 0;
  let asking = false;

  async function beat() {
    clearTimeout(timer);
    if (document.hidden || asking) return;
    asking = true;
    const began = performance.now();
    try {
      const answer = await live(cursor(), most);
      failures = 0;
      reached(true, answer.now);
      if (answer.changed === null || answer.changed.length) await changed(answer);
    } catch {
      failures += 1;
      reached(false, null);
    } finally {
      asking = false;
    }
    const pause = failures ? Math.min(BEAT * 2 ** (failures - 1), SLOWEST) : BEAT - (performance.now() - began);
    timer = setTimeout(beat, Math.max(pause, 100));
  }

  document.addEventListener("visibilitychange", beat);
  addEventListener("online", beat);
  beat();
}
