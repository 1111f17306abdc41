/** What is drawn, and how large. */

import type { Data, Layout } from "plotly.js";

/** A Plotly figure: traces and how they are laid out. */
export interface Figure {
  /** What is drawn. */
  data: Data[];
  /** What differs from the common style: axes, titles and the like. */
  layout?: Partial<Layout>;
}

/** Width and height in CSS pixels. */
export interface Size {
  /** From left to right. */
  width: number;
  /** From top to bottom. */
  height: number;
}
