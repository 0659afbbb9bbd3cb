/**
 * Moving in time by hand: a drag with Shift, a finger that moves sideways, a wheel that turns sideways. While it lasts
 * the charts only slide; when it ends the new window is told once.
 */

const SETTLED = 220; // ms without a turn of the wheel
const STARTS = 6; // px until a finger means it

/**
 * @param {HTMLElement} host the place of a uPlot chart
 * @param {{window: () => {start: number, end: number}, slide: (by: number) => void, settle: () => void}} hooks `by` in ms since the beginning
 */
export function pans(host, { window: shown, slide, settle }) {
  /** @type {{x: number, length: number, width: number, moving: boolean} | null} */
  let drag = null;
  let turned = 0;
  let timer = 0;
  const over = () => /** @type {HTMLElement | null} */ (host.querySelector(".u-over"));
  const begin = (/** @type {number} */ x) => {
    const { start, end } = shown();
    return { x, length: end - start, width: over()?.clientWidth || 1, moving: false };
  };

  host.addEventListener(
    "pointerdown",
    (event) => {
      const touched = event.pointerType === "touch";
      if ((!event.shiftKey && !touched) || event.button || event.target !== over()) return;
      drag = begin(event.clientX);
      if (!touched) drag.moving = true;
    },
    true,
  );
  // uPlot would begin to select
  host.addEventListener("mousedown", (event) => (event.shiftKey ? event.stopImmediatePropagation() : undefined), true);
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = event.clientX - drag.x;
    drag.moving ||= Math.abs(by) > STARTS;
    if (drag.moving) slide((-by / drag.width) * drag.length);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => {
      if (drag?.moving) settle();
      drag = null;
    });
  }
  host.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
      if (!sideways || (!event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY))) return;
      event.preventDefault();
      if (!timer) turned = 0;
      clearTimeout(timer);
      turned += sideways;
      const { length, width } = begin(0);
      slide((turned / width) * length);
      timer = setTimeout(() => {
        timer = 0;
        settle();
      }, SETTLED);
    },
    { passive: false },
  );
}
