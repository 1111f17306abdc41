/** Draws how time grows with size, as an SVG that fits light and dark pages. */
import type { GrowingLoss, Growth } from "./growth.ts";
import { isOurs } from "./contender.ts";

/** CSS pixels. */
const PANEL = { width: 250, height: 230 };
const MARGIN = { left: 62, right: 14, top: 62, bottom: 46 };
const GAP = 24;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600; font-size: 13px }
.page { fill: #fff }
.grid { stroke: #e6e6e6 }
.line { fill: none; stroke-width: 2 }
.dot { stroke: none }
.ordinary { stroke: #56b4e9; fill: #56b4e9 }
.arena { stroke: #0072b2; fill: #0072b2 }
.pytorch { stroke: #d55e00; fill: #d55e00 }
.threads { stroke-dasharray: 5 3 }
path.line { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd }
  .page { fill: #0d1117 }
  .grid { stroke: #30363d }
  .arena { stroke: #2f9be8; fill: #2f9be8 }
  .ordinary { stroke: #a5d8f5; fill: #a5d8f5 }
  .pytorch { stroke: #ff8c42; fill: #ff8c42 }
}`;

/** The classes of a contender's curve: its colour, and dashes for several threads. */
function classOf(name: string): string {
  const colour = isOurs(name) ? name.split(",")[0] : "pytorch";
  return name.endsWith(" threads") ? `${colour} threads` : colour;
}

/** The contenders that are drawn: this library and PyTorch. */
function drawn({ seconds }: GrowingLoss): string[] {
  return Object.keys(seconds).filter((name) => isOurs(name) || name.startsWith("PyTorch"));
}

const nanoseconds = (loss: GrowingLoss, name: string) =>
  loss.seconds[name].map((seconds, i) => 1e9 * seconds / loss.sizes[i]);

/** The picture. */
export function growthPicture({ losses }: Growth): string {
  const all = losses.flatMap((loss) => drawn(loss).flatMap((name) => nanoseconds(loss, name)));
  const sizes = losses.flatMap((loss) => loss.sizes);
  const x = scale(Math.log2(Math.min(...sizes)), Math.log2(Math.max(...sizes)), PANEL.width);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const y = scale(high, low, PANEL.height);
  const width = MARGIN.left + losses.length * (PANEL.width + GAP) - GAP + MARGIN.right;
  const height = MARGIN.top + PANEL.height + MARGIN.bottom;

  const panel = (loss: GrowingLoss, index: number) => {
    const left = MARGIN.left + index * (PANEL.width + GAP);
    const parts = [tag("text", { class: "title", x: 0, y: -8 }, loss.loss)];
    for (let power = low; power <= high; power++) {
      const at = round(y(power));
      parts.push(tag("path", { class: "grid", d: `M0 ${at}H${PANEL.width}` }));
      if (index > 0) continue;
      parts.push(
        tag("text", { x: -8, y: at + 4, "text-anchor": "end" }, nanosecondsOf(power)),
      );
    }
    for (let power = 10; power <= x.end; power += 4) {
      const at = round(x(power));
      parts.push(
        tag("path", { class: "grid", d: `M${at} 0V${PANEL.height}` }),
        tag("text", { x: at, y: PANEL.height + 17, "text-anchor": "middle" }, powerOf2(power)),
      );
    }
    for (const name of drawn(loss)) {
      const points = nanoseconds(loss, name).map((ns, i) =>
        [round(x(Math.log2(loss.sizes[i]))), round(y(Math.log10(ns)))] as const
      );
      const path = points.map(([px, py]) => `${px} ${py}`).join("L");
      parts.push(tag("path", { class: `line ${classOf(name)}`, d: `M${path}` }));
      for (const [cx, cy] of points) {
        parts.push(tag("circle", { class: `dot ${classOf(name)}`, cx, cy, r: 2.5 }));
      }
    }
    return tag("g", { transform: `translate(${left} ${MARGIN.top})` }, "\n", ...parts, "\n");
  };

  let at = MARGIN.left;
  const legend = drawn(losses[0]).map((name) => {
    const entry = tag(
      "g",
      { transform: `translate(${at} 18)` },
      tag("path", { class: `line ${classOf(name)}`, d: "M0 0H28" }),
      tag("text", { x: 34, y: 4 }, name),
    );
    at += 60 + 6.5 * name.length;
    return entry;
  });
  const caption = tag(
    "text",
    { x: width / 2, y: height - 10, "text-anchor": "middle" },
    "elements; time per element of one call with value and gradient, float32",
  );
  return tag(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height },
    "\n",
    tag("style", {}, STYLE, "\n"),
    tag("rect", { class: "page", width, height, rx: 6 }),
    ...legend,
    ...losses.map(panel),
    caption,
  ) + "\n";
}

/** 10^power ns with a suitable unit. */
function nanosecondsOf(power: number): string {
  const [unit, shift] = power < 3 ? ["ns", 0] : power < 6 ? ["µs", 3] : ["ms", 6];
  return `${Number(`1e${power - shift}`)} ${unit}`;
}

function powerOf2(power: number): string {
  return `2${[...`${power}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/** A linear scale from [first, last] to pixels. */
function scale(first: number, last: number, pixels: number) {
  const at = (value: number) => pixels * (value - first) / (last - first);
  return Object.assign(at, { end: last });
}

/** Tenths of a pixel suffice. */
function round(pixels: number): number {
  return Math.round(10 * pixels) / 10;
}

function tag(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: string[]
): string {
  const text = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`).join("");
  return content.length === 0
    ? `<${name}${text}/>\n`
    : `<${name}${text}>${content.join("")}</${name}>\n`;
}
