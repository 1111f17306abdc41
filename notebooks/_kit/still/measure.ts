/**
 * Bounding boxes of SVG elements, which Plotly gets from a browser's layout engine. happy-dom has none.
 *
 * @module
 */

import { type Box, parseTransform, transformBox, union } from "./box.ts";
import { pathBox } from "./path.ts";
import { textBox } from "./text.ts";

/** The part of a DOM node that is needed to measure it. */
export interface SvgNode {
  readonly nodeType: number;
  readonly localName: string;
  readonly textContent: string;
  readonly childNodes: Iterable<SvgNode>;
  readonly parentNode: SvgNode | null;
  getAttribute(name: string): string | null;
}

const ELEMENT_NODE = 1;
/** Elements that are not drawn where they stand. */
const INVISIBLE = new Set(["defs", "clipPath", "style", "title", "linearGradient", "pattern"]);

/**
 * The box of an element in its own user space, before its own transform (`getBBox`).
 *
 * @param node An SVG element.
 */
export function localBox(node: SvgNode): Box | undefined {
  const number = (name: string): number => parseFloat(node.getAttribute(name) ?? "0") || 0;
  switch (node.localName) {
    case "text":
      return textBox(node);
    case "rect":
    case "image": {
      const [left, top] = [number("x"), number("y")];
      return { left, top, right: left + number("width"), bottom: top + number("height") };
    }
    case "circle": {
      const [x, y, r] = [number("cx"), number("cy"), number("r")];
      return { left: x - r, top: y - r, right: x + r, bottom: y + r };
    }
    case "path":
      return pathBox(node.getAttribute("d") ?? "");
    default:
      return union(
        [...node.childNodes].filter(isVisible).flatMap((child) => {
          const box = localBox(child);
          return box ? [transformBox(box, parseTransform(child.getAttribute("transform")))] : [];
        }),
      );
  }
}

/**
 * The box of an element on the page (`getBoundingClientRect`): its own transform and those of all
 * its ancestors applied.
 *
 * @param node An SVG element.
 */
export function pageBox(node: SvgNode): Box | undefined {
  let box = localBox(node);
  for (let at: SvgNode | null = node; box && at?.nodeType === ELEMENT_NODE; at = at.parentNode) {
    box = transformBox(box, parseTransform(at.getAttribute("transform")));
  }
  return box;
}

function isVisible(node: SvgNode): boolean {
  if (node.nodeType !== ELEMENT_NODE || INVISIBLE.has(node.localName)) return false;
  return !/display:\s*none/.test(node.getAttribute("style") ?? "");
}
