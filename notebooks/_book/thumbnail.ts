/** A small picture of a loss and its gradient, as SVG whose colours the style sheet knows. */
import type { LossPanel } from "../_kit/contents/loss_panels.ts";

const SAMPLES = 80;
const WIDTH = 120;
const HEIGHT = 72;
/** All pictures have the same y-axis, so that they can be compared. */
const [LOW, HIGH] = [-2.4, 4.2];

/**
 * Draws a loss and its gradient over one number.
 *
 * @param panel The curves of the loss; of two the first is drawn.
 */
export function thumbnail(
  { curves: [{ at }], range: [from, to], isOpen = false }: LossPanel,
): string {
  const margin = isOpen ? (to - from) / SAMPLES : 0;
  const paths = ["", ""];
  for (let i = 0; i <= SAMPLES; i++) {
    const x = from + margin + (to - from - 2 * margin) * i / SAMPLES;
    at(x).forEach((y, k) => {
      const left = (x - from) / (to - from) * WIDTH;
      const top = (HIGH - y) / (HIGH - LOW) * HEIGHT;
      // A line that leaves the picture is cut there by the browser; far outside it loses its digits.
      const inside = Math.min(Math.max(top, -HEIGHT), 2 * HEIGHT);
      paths[k] += `${paths[k] === "" ? "M" : "L"}${left.toFixed(1)} ${inside.toFixed(1)}`;
    });
  }
  const zero = (HIGH / (HIGH - LOW) * HEIGHT).toFixed(1);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">` +
    `<path class="axis" d="M0 ${zero}H${WIDTH}"/><path class="gradient" d="${paths[1]}"/>` +
    `<path class="loss" d="${paths[0]}"/></svg>`;
}
