import type { Data, Layout } from "plotly.js";

/** A Plotly figure: traces and how they are laid out. */
export interface Figure {
  data: Data[];
  layout?: Partial<Layout>;
}

/** Width and height in CSS pixels. */
export interface Size {
  width: number;
  height: number;
}
