/// <reference lib="dom" />
/** A drawing area with axes: places in the data become places on the screen, and back. */
import { svg } from "./dom.ts";

/** Ends of an axis. */
export type Range = readonly [low: number, high: number];

const WIDTH = 640;
const MARGIN = { left: 44, right: 14, top: 12, bottom: 34 };

/** A drawing area. */
export class Plane {
  readonly element: SVGSVGElement;
  /** What is drawn; emptied by {@linkcode clear}. */
  readonly #content = svg("g");
  readonly #axes = svg("g", { class: "axes" });
  readonly #height: number;
  #x: Range = [0, 1];
  #y: Range = [0, 1];

  /**
   * @param height In units of which the width has 640.
   * @param label What is drawn, for readers who cannot see it.
   */
  constructor(height: number, label: string) {
    this.#height = height;
    this.element = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label, class: "plane" },
      this.#axes,
      this.#content,
    );
  }

  /**
   * Sets the ends of the axes and their title.
   *
   * @param names Names of the whole numbers on the y-axis, from 0 on, in place of numbers.
   */
  setAxes(x: Range, y: Range, title: string, names?: readonly string[]): void {
    this.#x = x;
    this.#y = y;
    this.#axes.replaceChildren();
    const { left, right, top, bottom } = MARGIN;
    for (const value of ticks(x)) {
      const at = this.left(value);
      this.#axes.append(
        svg("path", {
          class: value === 0 ? "zero" : "grid",
          d: `M${at} ${top}V${this.#height - bottom}`,
        }),
        svg("text", { x: at, y: this.#height - bottom + 15, "text-anchor": "middle" }, show(value)),
      );
    }
    for (const value of names?.keys() ?? ticks(y)) {
      const at = this.top(value);
      this.#axes.append(
        svg("path", { class: value === 0 ? "zero" : "grid", d: `M${left} ${at}H${WIDTH - right}` }),
        svg(
          "text",
          { x: left - 6, y: at + 4, "text-anchor": "end" },
          names?.[value] ?? show(value),
        ),
      );
    }
    this.#axes.append(
      svg("text", {
        x: (WIDTH + left) / 2,
        y: this.#height - 4,
        "text-anchor": "middle",
        class: "title",
      }, title),
    );
  }

  /** The horizontal place of a number on the screen. */
  left(x: number): number {
    const [low, high] = this.#x;
    return round(MARGIN.left + (x - low) / (high - low) * (WIDTH - MARGIN.left - MARGIN.right));
  }

  /** The vertical place of a number; numbers outside of the axis lie a little outside. */
  top(y: number): number {
    const [low, high] = this.#y;
    const share = Math.min(Math.max((y - low) / (high - low), -0.2), 1.2);
    return round(
      this.#height - MARGIN.bottom - share * (this.#height - MARGIN.top - MARGIN.bottom),
    );
  }

  /** The place in the data that a pointer is at. */
  place(
    { clientX, clientY }: { clientX: number; clientY: number },
  ): readonly [x: number, y: number] {
    const box = this.element.getBoundingClientRect();
    const { left, right, top, bottom } = MARGIN;
    const share = (value: number, from: number, to: number) => (value - from) / (to - from);
    const scale = WIDTH / box.width;
    const across = share((clientX - box.left) * scale, left, WIDTH - right);
    const up = share((clientY - box.top) * scale, this.#height - bottom, top);
    const inside = (value: number) => Math.min(Math.max(value, 0), 1);
    return [
      this.#x[0] + inside(across) * (this.#x[1] - this.#x[0]),
      this.#y[0] + inside(up) * (this.#y[1] - this.#y[0]),
    ];
  }

  /** Removes what was drawn, but not the axes. */
  clear(): void {
    this.#content.replaceChildren();
  }

  /** Draws a line through points; it is broken where a number is not finite. */
  line(xs: ArrayLike<number>, ys: ArrayLike<number>, kind: string): void {
    let path = "";
    let isOpen = false;
    for (let i = 0; i < xs.length; i++) {
      if (!Number.isFinite(ys[i])) {
        isOpen = false;
        continue;
      }
      path += `${isOpen ? "L" : "M"}${this.left(xs[i])} ${this.top(ys[i])}`;
      isOpen = true;
    }
    this.#content.append(svg("path", { class: kind, d: path }));
  }

  /** Draws a dot. */
  dot(x: number, y: number, kind: string, radius = 5): void {
    if (!Number.isFinite(y)) return;
    this.#content.append(
      svg("circle", { class: kind, cx: this.left(x), cy: this.top(y), r: radius }),
    );
  }

  /** Draws a bar from 0. */
  bar(from: number, to: number, y: number, kind: string): void {
    const [top, zero] = [this.top(y), this.top(0)];
    this.#content.append(svg("rect", {
      class: kind,
      x: this.left(from),
      width: Math.max(0, this.left(to) - this.left(from)),
      y: Math.min(top, zero),
      height: Math.abs(top - zero),
    }));
  }

  /** Draws an arrow. */
  arrow(from: readonly [number, number], to: readonly [number, number], kind: string): void {
    const [x1, y1, x2, y2] = [
      this.left(from[0]),
      this.top(from[1]),
      this.left(to[0]),
      this.top(to[1]),
    ];
    const length = Math.hypot(x2 - x1, y2 - y1);
    if (!(length > 0.5)) return;
    const head = Math.min(9, length / 2);
    const [ux, uy] = [(x2 - x1) / length * head, (y2 - y1) / length * head];
    const tip = [[-1, 0.5], [-1, -0.5]].map(([along, across]) =>
      `M${round(x2 + along * ux + across * uy)} ${round(y2 + along * uy - across * ux)}L${x2} ${y2}`
    );
    this.#content.append(
      svg("path", { class: kind, d: `M${x1} ${y1}L${x2} ${y2}${tip.join("")}` }),
    );
  }

  /** Writes a word. */
  text(x: number, y: number, word: string, kind = "word"): void {
    this.#content.append(
      svg("text", { class: kind, x: this.left(x), y: this.top(y), "text-anchor": "middle" }, word),
    );
  }

  /** Calls back where the pointer is as long as it is pressed. */
  onDrag(move: (x: number, y: number, isStart: boolean) => void): void {
    this.element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.element.setPointerCapture(event.pointerId);
      move(...this.place(event), true);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) move(...this.place(event), false);
    });
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function show(value: number): string {
  return `${+value.toPrecision(6)}`.replace("-", "−");
}

/** Round numbers along an axis, about six. */
function ticks([low, high]: Range): number[] {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const found: number[] = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
}

/**
 * The ends of an axis that shows most of the numbers, 0 included: steep ends of a curve do not flatten the rest.
 */
export function rangeOf(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (finite.length === 0) return [-1, 1];
  const at = (share: number) => finite[Math.round(share * (finite.length - 1))];
  const low = Math.min(0, at(0.04));
  const high = Math.max(0, at(0.96));
  const room = (high - low || 1) * 0.08;
  return [low - room, high + room];
}
