/** A figure as PNG without a browser: what is drawn, how texts and paths are measured, how pixels are encoded. */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { parseTransform, transformBox } from "../../notebooks/_kit/still/box.ts";
import type { Figure } from "../../notebooks/_kit/still/figure.ts";
import { fontFace } from "../../notebooks/_kit/still/font.ts";
import { localBox, pageBox, type SvgNode } from "../../notebooks/_kit/still/measure.ts";
import { pathBox, readPath } from "../../notebooks/_kit/still/path.ts";
import { encodeIndexed, encodeRgba } from "../../notebooks/_kit/still/png.ts";
import { assertClose, decode, output, size, svgOf } from "./drawing.ts";

describe("the still picture", () => {
  const kinds: [string, Figure["data"][number], RegExp][] = [
    ["scatter", { x: [1, 2], y: [3, 4] }, /class="js-line"/],
    ["bar", { type: "bar", x: ["a", "b"], y: [1, 2] }, /class="point"><path/],
    ["box", { type: "box", y: [1, 2, 3, 9] }, /<path [^>]*class="box"/],
    ["violin", { type: "violin", y: [1, 2, 3, 9] }, /<path [^>]*class="violin"/],
    ["histogram", { type: "histogram", x: [1, 2, 2] }, /class="point"><path/],
    ["heatmap", { type: "heatmap", z: [[1, 2], [3, 4]] }, /<image [^>]*href="data:image\/png/],
    ["histogram2d", { type: "histogram2d", x: [1, 2], y: [1, 2] }, /<image [^>]*href="data:image/],
    ["contour", { type: "contour", z: [[1, 2], [3, 5]] }, /class="contourfill"/],
  ];
  for (const [name, trace, drawn] of kinds) {
    it(`shows a ${name}`, async () => assert(drawn.test(await svgOf({ data: [trace] }))));
  }

  it("paints each cell of a heat map in its own colour", async () => {
    const scale: [number, string][] = [[0, "rgb(0,0,255)"], [1, "rgb(255,0,0)"]];
    const { png } = await output({
      data: [{ type: "heatmap", z: [[0, 1]], colorscale: scale, showscale: false }],
    });
    const { rgb } = decode(png);
    const at = (
      x: number,
      y: number,
    ): number[] => [...rgb.subarray(3 * (1440 * y + x)).slice(0, 3)];
    assertEquals([at(400, 400), at(1200, 400)], [[0, 0, 255], [255, 0, 0]]);
    assertEquals(at(5, 5), [255, 255, 255]);
  });

  it("keeps a long legend inside the picture, without overlapping entries", async () => {
    const names = [0.25, 0.5, 1, 2, 4].map((beta) => `Smooth L1, β = ${beta}`);
    const svg = await svgOf({ data: names.map((name, i) => ({ y: [i, i + 1], name })) });
    const [, left, width] = svg.match(
      /class="legend"[^>]*translate\(([\d.]+),[^>]*><rect class="bg"[^>]* width="([\d.]+)"/,
    ) ?? [];
    assert(Number(left) + Number(width) <= size.width, `legend from ${left}, ${width} wide`);
    const entries = [...svg.matchAll(/<g class="traces"[^>]*translate\(([\d.]+),([\d.]+)\)/g)]
      .map(([, x, y]) => [Number(x), Number(y)]);
    assertEquals(entries.length, 5);
    for (let i = 1; i < entries.length; i++) {
      const [[x0, y0], [x1, y1]] = [entries[i - 1], entries[i]];
      // 12 px text: "Smooth L1, β = 1" is 100 px wide, its line sample 40.
      assert(y1 > y0 + 15 || x1 > x0 + 130, `entry ${i} overlaps`);
    }
  });

  it("labels every tick, with true minus signs and powers of ten", async () => {
    const svg = await svgOf({
      data: [{ x: [-2, 0, 2], y: [1e-6, 1, 1e6] }],
      layout: { yaxis: { type: "log", dtick: 3 } },
    });
    const labels = [...svg.matchAll(/class="[xy]tick"><text[^>]*>(.*?)<\/text>/g)]
      .map(([, label]) => label.replaceAll(/<[^>]*>|\u200b/g, ""));
    assertEquals(labels, ["−2", "−1", "0", "1", "2", "10−6", "10−3", "1", "103", "106"]);
    assert(/font-size:\s*70%[^>]*>−6</.test(svg), "exponents are superscripts");
  });

  it("makes room for wide tick labels", async () => {
    const plotWidth = async (y: number[]): Promise<number> => {
      const layout = { yaxis: { title: { text: "loss" }, tickformat: ".6f" } };
      const svg = await svgOf({ data: [{ y }], layout });
      return Number(svg.match(/class="plotclip"[^>]*><rect width="([\d.]+)"/)?.[1]);
    };
    // Wider labels leave less room for the curve: five more digits of 12 px text, 7.6 px each.
    const [narrow, wide] = [await plotWidth([1, 2]), await plotWidth([100001, 100002])];
    assertClose(narrow - wide, 5 * 12 * 1303 / 2048, 1, "five digits");
  });
});

describe("text measurement", () => {
  const digit = 1303 / 2048; // every digit of DejaVu Sans

  it("reads the font's own widths", () => {
    assertEquals(fontFace(false, false).advance(0x30), digit);
    assertEquals(fontFace(true, false).advance(0x30), 1425 / 2048);
    assertEquals(fontFace(false, false).advance("损".charCodeAt(0)), undefined);
    for (const character of "ŷσ∂²−≤ε∇Σ∞₁⁻·×½→\u200b") {
      assert(fontFace(false, false).advance(character.charCodeAt(0)) !== undefined, character);
    }
  });

  it("places text at its anchor, in cells of whole pixels", () => {
    const text = (anchor: string) =>
      element("text", { x: "100", y: "50", style: "font-size: 20px", "text-anchor": anchor }, "00");
    const width = 2 * 20 * digit;
    // Ascent 0.928 × 20 rounds to 19, descent 0.236 × 20 to 5.
    const cell = { top: 31, bottom: 55 };
    assertEquals(localBox(text("start")), { left: 100, right: 100 + width, ...cell });
    assertEquals(localBox(text("middle")), {
      left: 100 - width / 2,
      right: 100 + width / 2,
      ...cell,
    });
    assertEquals(localBox(text("end")), { left: 100 - width, right: 100, ...cell });
  });

  it("measures superscripts, bold parts and lines", () => {
    const raised = element("tspan", { style: "font-size: 70%", dy: "-0.6em" }, "0");
    const bold = element("tspan", { style: "font-weight: bold" }, "0");
    const line = element("tspan", { x: "0", dy: "1.3em" }, "0");
    const box = localBox(element("text", { style: "font-size: 10px" }, "0", raised, bold, line));
    assertClose(box?.right ?? 0, 10 * digit + 7 * digit + 10 * 1425 / 2048, 1e-12, "right");
    assertClose(box?.top ?? 0, -0.6 * 7 - 9, 1e-12, "top");
    assertClose(box?.bottom ?? 0, -0.6 * 7 + 13 + 2, 1e-12, "bottom");
  });

  it("applies all transforms up to the page, and skips hidden elements", () => {
    const rect = element("rect", { x: "1", y: "2", width: "10", height: "20" });
    const hidden = element("rect", { width: "900", height: "900", style: "display: none" });
    const group = element("g", { transform: "translate(100,50)rotate(-90)" }, rect, hidden);
    element("svg", { transform: "scale(2)" }, group);
    // (x, y) → (y, −x) → + (100, 50) → × 2
    const box = pageBox(rect);
    assertClose(box?.left ?? 0, 204, 1e-9);
    assertClose(box?.right ?? 0, 244, 1e-9);
    assertClose(box?.top ?? 0, 78, 1e-9);
    assertClose(box?.bottom ?? 0, 98, 1e-9);
    assertEquals(pageBox(group), box);
  });

  it("rotates about a centre", () => {
    const point = { left: 3, right: 3, top: 1, bottom: 1 };
    const turned = transformBox(point, parseTransform("rotate(90, 2, 1)"));
    assertClose(turned.left, 2, 1e-12);
    assertClose(turned.top, 2, 1e-12);
  });
});

describe("path measurement", () => {
  const length = (data: string) => readPath(data).getTotalLength();

  it("goes along straight lines, absolute, relative and closed", () => {
    assertEquals(length("M1,1L4,5"), 5);
    assertEquals(length("M0,0h3v4Z"), 12);
    assertEquals(readPath("M0,0H10V10").getPointAtLength(15), { x: 10, y: 5 });
    assertEquals(readPath("M0,0H10").getPointAtLength(99), { x: 10, y: 0 });
    assertEquals(pathBox("m1 1 2 0l0-2H.5"), { left: 0.5, top: -1, right: 3, bottom: 1 });
  });

  it("follows curves", () => {
    // y = x² from 0 to 1: √5/2 + asinh(2)/4.
    assertClose(length("M0,0Q0.5,0 1,1"), Math.sqrt(5) / 2 + Math.asinh(2) / 4, 1e-12);
    // A cubic that imitates a quarter of the unit circle.
    assertClose(length("M1,0C1,0.5523 0.5523,1 0,1"), Math.PI / 2, 5e-4);
  });

  it("does not count the way from one part of a path to the next", () => {
    assertEquals(length("M0,0H1M5,0H6"), 2);
  });

  it("finds the box of a marker, which is drawn as two arcs", () => {
    const box = pathBox("M5,0A5,5 0 1,1 0,-5A5,5 0 0,1 5,0Z");
    assert(box !== undefined);
    for (const [side, want] of Object.entries({ left: -5, top: -5, right: 5, bottom: 5 })) {
      assertClose(box[side as keyof typeof box], want, 1e-9);
    }
  });

  it("finds no box where nothing is drawn", () => {
    assertEquals(pathBox(""), undefined);
    assertEquals(pathBox("M3,4"), undefined);
  });
});

describe("the PNG encoder", () => {
  it("keeps up to 256 colours exactly", () => {
    const rgba = Uint8Array.from(
      { length: 4 * 64 * 64 },
      (_, i) => i % 4 === 3 ? 255 : ((i >> 2) * 7 + i) % 256 & 0xc0,
    );
    const { rgb, width, height } = decode(encodeIndexed(rgba, 64));
    assertEquals([width, height], [64, 64]);
    assertEquals(rgb, rgba.filter((_, i) => i % 4 < 3));
  });

  it("changes more colours by less than can be seen, and white not at all", () => {
    const width = 256;
    const rgba = new Uint8Array(4 * width * 100).fill(255);
    // 90 rows of white under ten rows with 2,560 colours.
    for (let i = 0; i < 10 * width; i++) rgba.set([i % 256, 255 - i % 256, 25 * (i >> 8)], 4 * i);
    const { rgb } = decode(encodeIndexed(rgba, width));
    assertEquals(rgb.subarray(30 * width), new Uint8Array(270 * width).fill(255));
    for (let i = 0; i < 10 * width; i++) {
      for (let k = 0; k < 3; k++) assertClose(rgb[3 * i + k], rgba[4 * i + k], 24, `pixel ${i}`);
    }
  });

  it("keeps the main colour of a line exactly, beside the shades of its edge", () => {
    const blue = [0x00, 0x72, 0xb2];
    const rgba = new Uint8Array(4 * 100 * 100);
    for (let i = 0; i < 10_000; i++) {
      // Every tenth pixel is one of a thousand shades up to white.
      const share = i % 10 === 0 ? i / 10_000 : 0;
      const steps = [i % 3, i % 7, i % 11].map((step) => share === 0 ? 0 : step);
      rgba.set(blue.map((value, k) => value + share * (240 - value) + steps[k]), 4 * i);
    }
    const { rgb } = decode(encodeIndexed(rgba, 100));
    for (let i = 1; i < 10_000; i += 10) assertEquals([...rgb.subarray(3 * i, 3 * i + 3)], blue);
  });

  it("keeps transparent pixels of a canvas", () => {
    const rgba = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 0]);
    const { bytes } = decode(encodeRgba(rgba, 2));
    assertEquals(bytes, rgba);
  });
});

/** A stand-in for a DOM element. */
function element(
  localName: string,
  attributes: Record<string, string>,
  ...children: (string | SvgNode)[]
): SvgNode {
  const childNodes = children.map((child): SvgNode => {
    if (typeof child !== "string") return child;
    const text = { nodeType: 3, localName: "", childNodes: [], parentNode: null };
    return { ...text, textContent: child, getAttribute: () => null };
  });
  const node: SvgNode = {
    nodeType: 1,
    localName,
    textContent: "",
    childNodes,
    parentNode: null,
    getAttribute: (name) => attributes[name] ?? null,
  };
  for (const child of childNodes) Object.assign(child, { parentNode: node });
  return node;
}
