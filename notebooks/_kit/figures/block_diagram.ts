/** Boxes and arrows, such as the parts of a network. */

import type { Annotations, Data, Layout, Shape } from "plotly.js";
import { colour } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";

/** A box of {@linkcode blockDiagram}. */
export interface Block {
  /** Its centre. */
  at: readonly [x: number, y: number];
  /** What is written in it; `<br>` begins a new line. */
  text: string;
  /** Its width and height. @default {[2, 1]} */
  size?: readonly [width: number, height: number];
  /** Colour of its border; text alone if it is "none". @default {colour.ink} */
  color?: string;
}

/** What {@linkcode blockDiagram} draws. */
export interface BlockDiagramOptions {
  /** Title of the figure. */
  title: string;
  /** The boxes by name. */
  blocks: Readonly<Record<string, Block>>;
  /** From which box to which. */
  arrows: readonly (readonly [from: string, to: string])[];
  /** The part of the plane that is shown, in units of the boxes. */
  width: number;
  /** The same upwards. */
  height: number;
}

/**
 * Boxes joined by arrows, which run from left to right between the middles of two sides.
 *
 * @throws {TypeError} If an arrow names a box that does not exist.
 */
export function blockDiagram(
  { title, blocks, arrows, width, height }: BlockDiagramOptions,
): Figure {
  const find = (name: string) => {
    const { size = [2, 1], ...block } = blocks[name] ?? unknown(name);
    return { ...block, size };
  };
  const shapes = Object.keys(blocks).map(find).filter(({ color }) => color !== "none").map(
    ({ at: [x, y], size: [w, h], color = colour.ink }): Partial<Shape> => ({
      type: "rect",
      x0: x - w / 2,
      x1: x + w / 2,
      y0: y - h / 2,
      y1: y + h / 2,
      line: { color, width: 1.5 },
    }),
  );
  const labels = Object.values(blocks).map(({ at: [x, y], text }): Partial<Annotations> => ({
    x,
    y,
    text,
    showarrow: false,
  }));
  const joins = arrows.map(([from, to]): Partial<Annotations> => {
    const start = find(from);
    const end = find(to);
    return {
      ax: start.at[0] + start.size[0] / 2,
      ay: start.at[1],
      x: end.at[0] - end.size[0] / 2,
      y: end.at[1],
      axref: "x",
      ayref: "y",
      text: "",
      showarrow: true,
    };
  });
  const bare = { visible: false, fixedrange: true };
  const layout: Partial<Layout> = {
    title: { text: title },
    xaxis: { ...bare, range: [0, width] },
    yaxis: { ...bare, range: [0, height] },
    margin: { l: 8, r: 8, t: 44, b: 8 },
    shapes,
    annotations: [...labels, ...joins],
  };
  // Plotly needs a trace; this point is invisible.
  const trace = { x: [0], y: [0], mode: "markers", marker: { opacity: 0 } } as const;
  return { data: [{ ...trace, hoverinfo: "skip", showlegend: false } as Data], layout };
}

function unknown(name: string): never {
  throw new TypeError(`Cannot draw an arrow at "${name}" as there is no such box`);
}
