/**
 * A page without a browser: happy-dom's DOM, the measurements that it lacks, and Plotly. Plotly's source is evaluated with the
 * page's objects as parameters, so that no global variable changes.
 *
 * @module
 */

import { Window } from "happy-dom";
// Imported to be found: `import.meta.resolve` finds only packages that are imported somewhere.
import plotly from "plotly.js-dist/package.json" with { type: "json" };
import type { Data, Layout } from "plotly.js";
import { Mt19937 } from "../../../tests/reference/torch/mt19937.ts";
import type { Box } from "./box.ts";
import { Canvas } from "./canvas.ts";
import { localBox, pageBox, type SvgNode } from "./measure.ts";
import { readPath } from "./path.ts";

/** The one function of Plotly that a still picture needs. */
export interface Plotly {
  toImage(
    figure: { data: Data[]; layout: Partial<Layout>; config: Record<string, unknown> },
    options: { format: "svg"; width: number; height: number; imageDataOnly: true },
  ): Promise<string>;
}

/** Plotly in its page. */
export interface Page {
  plotly: Plotly;
  /** Starts Plotly's random numbers again. */
  reseed(): void;
}

type Globals = Record<string, unknown>;

/** Any seed will do: Plotly draws only the names of clip paths. */
const SEED = 1n;

let page: Page | undefined;

/** Opens the page at the first call (about half a second: Plotly is 10 MB of text). */
export function openPage(): Page {
  return page ??= createPage();
}

function createPage(): Page {
  const window = new Window({ url: "about:blank" });
  addMeasurements(window);
  let bits = new Mt19937(SEED);
  const math = Object.defineProperties({}, {
    ...Object.getOwnPropertyDescriptors(Math),
    random: { value: () => bits.uniform53() },
  });
  const own = window as unknown as Globals;
  const globals: Globals = { window: own, self: own, document: own.document, Math: math };
  for (const name of ["navigator", "Element", "HTMLElement", "DOMParser", "XMLSerializer"]) {
    globals[name] = own[name];
  }
  globals.getComputedStyle = window.getComputedStyle.bind(window);
  const source = Deno.readTextFileSync(new URL(import.meta.resolve(plotly.name)));
  new Function(...Object.keys(globals), source).apply(own, Object.values(globals));
  return {
    plotly: own.Plotly as Plotly,
    reseed: () => {
      bits = new Mt19937(SEED);
    },
  };
}

/** Gives the page's elements the sizes and lengths that a layout engine would compute. */
function addMeasurements(window: Window): void {
  const { Element, SVGElement, SVGGraphicsElement, SVGGeometryElement, document } = window;
  override(Element.prototype, {
    getBoundingClientRect: () => rect(undefined),
  });
  override(SVGElement.prototype, {
    getBoundingClientRect(this: SvgNode) {
      return rect(pageBox(this));
    },
  });
  override(SVGGraphicsElement.prototype, {
    getBBox(this: SvgNode) {
      return rect(localBox(this));
    },
  });
  override(SVGGeometryElement.prototype, {
    getTotalLength(this: SvgNode): number {
      return readPath(this.getAttribute("d") ?? "").getTotalLength();
    },
    getPointAtLength(this: SvgNode, length: number): { x: number; y: number } {
      return readPath(this.getAttribute("d") ?? "").getPointAtLength(length);
    },
  });
  const createElement = document.createElement.bind(document) as (name: string) => unknown;
  override(document, {
    createElement: (name: string) => name === "canvas" ? new Canvas() : createElement(name),
  });
  // Plotly then draws one pixel for each cell of a heat map, which stays sharp when the picture is scaled.
  override(window, { CSS: { supports: () => true } });
}

function override(target: object, members: Globals): void {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
  }
}

function rect(box: Box | undefined): Globals {
  const { left, top, right, bottom } = box ?? { left: 0, top: 0, right: 0, bottom: 0 };
  const [width, height] = [right - left, bottom - top];
  return { x: left, y: top, left, top, right, bottom, width, height };
}
