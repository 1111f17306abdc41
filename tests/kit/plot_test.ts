import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { HuberLoss } from "@lossbook/losses";
import {
  arrows,
  curve,
  decisionBoundary,
  dots,
  heatMap,
  line,
  lossAndGradient,
  optionSweep,
  smallMultiples,
  titles,
} from "../../notebooks/_kit/figures/figures.ts";
import { type Figure, plot, type PlotOptions } from "../../notebooks/_kit/plot/plot.ts";
import { parseTransform, transformBox } from "../../notebooks/_kit/still/box.ts";
import { fontFace } from "../../notebooks/_kit/still/font.ts";
import { branches } from "../../notebooks/_kit/figures/kinks.ts";
import { localBox, pageBox, type SvgNode } from "../../notebooks/_kit/still/measure.ts";
import { pathBox, readPath } from "../../notebooks/_kit/still/path.ts";
import { encodeIndexed, encodeRgba } from "../../notebooks/_kit/still/png.ts";
import { portable } from "../../notebooks/_kit/plot/portable.ts";
import { toSvg } from "../../notebooks/_kit/still/still.ts";
import {
  classColours,
  classSymbols,
  colour,
  layout,
  sweep,
} from "../../notebooks/_kit/plot/style.ts";

const PLOTLY = "application/vnd.plotly.v1+json";
const size = { width: 720, height: 420 };
const x = Array.from({ length: 121 }, (_, i) => (i - 60) / 20);
const parabola: Figure = { data: [{ x, y: x.map((x) => x * x / 2), mode: "lines", name: "½x²" }] };

async function output(figure: Figure, options: PlotOptions = { alt: "a figure" }) {
  const shown = await plot(figure, options);
  assert(shown !== undefined, "outside the kernel the output is returned");
  return { ...shown, png: Buffer.from(String(shown.data["image/png"]), "base64") };
}

/** The SVG that the picture is made from, house style included. */
function svgOf(figure: Figure): Promise<string> {
  return toSvg(portable({ data: figure.data, layout: layout(figure.layout, size) }), size);
}

function assertClose(actual: number, expected: number, tolerance: number, what = ""): void {
  const message = `${what} ${actual} is not within ${tolerance} of ${expected}`;
  assert(Math.abs(actual - expected) <= tolerance, message);
}

describe("plot", () => {
  it("gives one output: live figure, picture, text", async () => {
    const { data, metadata, png } = await output(parabola, { alt: "A parabola" });
    assertEquals(Object.keys(data).sort(), [PLOTLY, "image/png", "text/plain"].sort());
    assertEquals(data["text/plain"], "A parabola");
    assertEquals(metadata, { "image/png": { width: 720, height: 420, alt: "A parabola" } });
    assertEquals([png.readUInt32BE(16), png.readUInt32BE(20)], [1440, 840]);
    const live = data[PLOTLY] as Figure;
    assertEquals(JSON.parse(JSON.stringify(live)), live);
    assertEquals([live.layout?.width, live.layout?.height], [720, 420]);
  });

  it("follows the wanted size", async () => {
    const options = { alt: "a figure", width: 500, height: 300 };
    const { metadata, png } = await output(parabola, options);
    assertEquals([png.readUInt32BE(16), png.readUInt32BE(20)], [1000, 600]);
    assertEquals(metadata, { "image/png": { width: 500, height: 300, alt: "a figure" } });
  });

  it("leaves the figure as it was", async () => {
    const before = structuredClone(parabola);
    await output(parabola);
    assertEquals(parabola, before);
  });

  it("gives the same bytes in another process, whatever was drawn before", async () => {
    const heat = `{ data: [{ type: "heatmap", z: [[1, 2], [3, 4]] }] }`;
    const draw = (figure: string) => `await plot(${figure}, { alt: "a figure" })`;
    const child = async (...figures: string[]): Promise<string> => {
      const kit = new URL("../../notebooks/_kit/plot/plot.ts", import.meta.url);
      const script = `import { plot } from ${JSON.stringify(kit.href)};
        const outputs = [${figures.map(draw).join(", ")}];
        console.log(JSON.stringify(outputs.at(-1)));`;
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", "--no-lock", script],
        cwd: new URL("../../", import.meta.url),
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout).trim();
    };
    const here = await output(parabola);
    const there = await child(heat, JSON.stringify(parabola));
    assertEquals(there, JSON.stringify({ data: here.data, metadata: here.metadata }));
  });

  it("draws figures one by one when they are asked for together", async () => {
    const other: Figure = { data: [{ x: [1, 2], y: [2, 1], name: "other" }] };
    const [alone, alike] = [await svgOf(parabola), await svgOf(other)];
    assertEquals(await Promise.all([svgOf(parabola), svgOf(other)]), [alone, alike]);
  });

  it("goes on after a figure that could not be drawn", async () => {
    const bad: Figure = { data: parabola.data, layout: { title: { text: "损失" } } };
    await assertRejects(() => plot(bad, { alt: "a figure" }), RangeError);
    const unclonable = { data: parabola.data, layout: { title: () => {} } } as unknown as Figure;
    await assertRejects(() => svgOf(unclonable), DOMException);
    await output(parabola);
  });
});

describe("plot refuses", () => {
  const cases: [string, unknown, unknown, typeof TypeError | typeof RangeError, string][] = [
    ["no options", parabola, undefined, TypeError, "the options must be an object"],
    ["no alt text", parabola, {}, TypeError, "needs an alt text: current is undefined"],
    ["a blank alt text", parabola, { alt: " " }, TypeError, 'current is " "'],
    ["an alt text of two lines", parabola, { alt: "a\nb" }, TypeError, "one line"],
    ["an unknown option", parabola, { alt: "a", witdh: 3 }, TypeError, "current is witdh"],
    ["a width in words", parabola, { alt: "a", width: "wide" }, TypeError, 'current is "wide"'],
    ["a negative width", parabola, { alt: "a", width: -1 }, RangeError, "current is -1"],
    ["half a pixel", parabola, { alt: "a", height: 300.5 }, RangeError, "current is 300.5"],
    ["NaN pixels", parabola, { alt: "a", height: NaN }, RangeError, "current is NaN"],
    ["no figure", null, { alt: "a" }, TypeError, "must have traces: current is null"],
    ["no traces", { data: [] }, { alt: "a" }, TypeError, "no traces"],
    ["a trace that is none", { data: [3] }, { alt: "a" }, TypeError, "data[0] is not a trace"],
    ["a trace without values", { data: [{}] }, { alt: "a" }, TypeError, "data[0] has no values"],
    ["an empty trace", { data: [{ y: [] }] }, { alt: "a" }, TypeError, "data[0].y is empty"],
    ["an empty matrix", { data: [{ type: "heatmap", z: [[]] }] }, { alt: "a" }, TypeError, "empty"],
    ["a number as y", { data: [{ y: 3 }] }, { alt: "a" }, TypeError, "data[0].y must be an array"],
    ["only NaN", { data: [{ y: [NaN] }] }, { alt: "a" }, RangeError, "current is NaN"],
    [
      "x longer than y",
      { data: [{ x: [1, 2, 3], y: [1, 2] }] },
      { alt: "a" },
      TypeError,
      "the lengths of data[0] differ: current is 3 in x and 2 in y",
    ],
    [
      "a surface",
      { data: [{ type: "surface", z: [[1]] }] },
      { alt: "a" },
      TypeError,
      'needs WebGL, which a still picture cannot use: current is type "surface", wanted is contour',
    ],
    ["3-D points", { data: [{ type: "scatter3d" }] }, { alt: "a" }, TypeError, "needs WebGL"],
    ["a map", { data: [{ type: "choropleth" }] }, { alt: "a" }, TypeError, 'type "choropleth"'],
    [
      "a size in the layout",
      { ...parabola, layout: { width: 300 } },
      { alt: "a" },
      TypeError,
      "wanted is plot(figure, { width })",
    ],
    [
      "text that the font cannot draw",
      { ...parabola, layout: { title: { text: "Huber 损失" } } },
      { alt: "a" },
      RangeError,
      'DejaVu Sans has no "损"',
    ],
  ];
  for (const [name, figure, options, error, message] of cases) {
    it(name, async () => {
      await assertRejects(
        () => plot(figure as Figure, options as PlotOptions),
        error,
        message,
      );
    });
  }
});

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

  it("keeps a long legend inside the picture, each entry after the one before", async () => {
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

  it("is small, whatever the figure", async () => {
    for (const [name, figure] of Object.entries(recurring())) {
      const { png, data } = await output(figure);
      assert(png.length < 70_000, `${name}: ${png.length} bytes of PNG`);
      const json = JSON.stringify(data[PLOTLY]).length;
      assert(json < 60_000, `${name}: ${json} bytes of JSON`);
    }
  });
});

describe("numbers in the stored figure", () => {
  const copy = (values: unknown): unknown => {
    const trace = portable({ data: [{ y: values as number[] }] }).data[0] as { y: unknown };
    return trace.y;
  };

  it("are plain arrays, of six digits", () => {
    assertEquals(copy(new Float32Array([0.1, 2])), [0.1, 2]);
    assertEquals(copy([1 / 3, 12345678]), [0.333333, 12345678]);
    assertEquals(copy([[1 / 3], new Float64Array([2 / 3])]), [[0.333333], [0.666667]]);
  });

  it("keep the digits that a small wiggle needs", () => {
    assertEquals(copy([1000.00001, 1000.00002, 1000.00003]), [1000.00001, 1000.00002, 1000.00003]);
  });

  it("have gaps where JSON has no word", () => {
    assertEquals(copy([NaN, Infinity, -Infinity, null, -0]), [null, null, null, null, 0]);
    assert(Object.is((copy([-0]) as number[])[0], 0));
  });

  it("leave out what is undefined", () => {
    assertEquals(Object.keys(portable({ data: [{ y: [1], x: undefined }] }).data[0]), ["y"]);
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

  it("knows superscripts, bold parts and lines", () => {
    const raised = element("tspan", { style: "font-size: 70%", dy: "-0.6em" }, "0");
    const bold = element("tspan", { style: "font-weight: bold" }, "0");
    const line = element("tspan", { x: "0", dy: "1.3em" }, "0");
    const box = localBox(element("text", { style: "font-size: 10px" }, "0", raised, bold, line));
    assertClose(box?.right ?? 0, 10 * digit + 7 * digit + 10 * 1425 / 2048, 1e-12, "right");
    assertClose(box?.top ?? 0, -0.6 * 7 - 9, 1e-12, "top");
    assertClose(box?.bottom ?? 0, -0.6 * 7 + 13 + 2, 1e-12, "bottom");
  });

  it("follows transforms up to the page, and skips what is hidden", () => {
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

  it("turns about a centre", () => {
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

  it("reduces more colours by no more than can be seen, and leaves white white", () => {
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

  it("leaves the main colour of a line as it is among the shades of its edge", () => {
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

describe("curves with kinks", () => {
  const grid = [-2, -1, 0, 1, 2];

  it("are cut where the gradient jumps; the value by convention is a dot", () => {
    assertEquals(branches(grid, grid.map(Math.sign), [{ x: 0 }]), {
      x: [-2, -1, 0, null, 0, 1, 2],
      y: [-1, -1, -1, null, 1, 1, 1],
      limits: { x: [0, 0], y: [-1, 1] },
      dots: { x: [0], y: [0] },
    });
  });

  it("have one open circle where the value is one of the limits", () => {
    const step = grid.map((x) => x >= 0 ? 1 : 0);
    const { limits, dots } = branches(grid, step, [{ x: 0 }]);
    assertEquals([limits, dots], [{ x: [0], y: [0] }, { x: [0], y: [1] }]);
  });

  it("have no dot where the kink was not sampled", () => {
    const { x, dots } = branches([-3, -1, 1, 3], [-1, -1, 1, 1], [{ x: 0 }]);
    assertEquals(x, [-3, -1, 0, null, 0, 1, 3]);
    assertEquals(dots, { x: [], y: [] });
  });

  it("stay whole where only the slope changes, or beyond the samples", () => {
    const clamp = x.map((x) => Math.max(-1, Math.min(1, x)));
    for (const at of [-1, 1, 99, -99]) {
      assertEquals(branches(x, clamp, [{ x: at }]).y, clamp, `kink at ${at}`);
    }
  });
});

describe("curves of a loss", () => {
  const x = [-3, -1, 0, 0.5];
  const none = (delta: number) => new HuberLoss({ delta, reduction: "none" });

  it("are computed by the loss, one value for each x", () => {
    const { name, loss, gradient } = curve("Huber", none(1), x, 0.5);
    assertEquals(name, "Huber");
    assertEquals([...loss as Float64Array], [3, 1, 0.125, 0]);
    assertEquals([...gradient as Float64Array], [-1, -1, -0.5, 0]);
    assertThrows(() => curve("Huber", new HuberLoss(), x), TypeError, 'reduction is not "none"');
  });

  it("optionSweep puts losses left and gradients right, light to dark, one legend entry each", () => {
    const curves = [0.5, 1, 2].map((delta) => curve(`delta = ${delta}`, none(delta), x));
    const { data, layout } = optionSweep({
      title: "t",
      x,
      xTitle: "residual",
      curves,
      lossRange: [0, 4],
      gradientRange: [-3, 3],
    });
    const traces = data as { yaxis?: string; showlegend?: boolean; line: { color: string } }[];
    assertEquals(traces.map(({ yaxis = "y" }) => yaxis), ["y", "y2", "y", "y2", "y", "y2"]);
    assertEquals(traces.filter(({ showlegend }) => showlegend !== false).length, 3);
    assertEquals(traces.filter((_, i) => i % 2).map(({ line }) => line.color), sweep(3));
    assertEquals(layout?.yaxis?.range, [0, 4]);
    assertEquals(layout?.yaxis2?.range, [-3, 3]);
  });

  it("lossAndGradient shows the ranges that it is given", () => {
    const { layout } = lossAndGradient({
      ...curve("Huber", none(1), x),
      x,
      title: "t",
      xTitle: "e",
      lossRange: [0, 5],
      gradientRange: [-2, 2],
    });
    assertEquals([layout?.yaxis?.range, layout?.yaxis2?.range], [[0, 5], [-2, 2]]);
  });

  it("dots, line and titles are plain parts of a figure", () => {
    assertEquals(dots("d", [1], Float32Array.of(2), "red", "x"), {
      name: "d",
      x: [1],
      y: [2],
      mode: "markers",
      marker: { color: "red", symbol: "x" },
    });
    assertEquals(line("l", [1, 2], [3, 4], "red", "dot"), {
      name: "l",
      x: [1, 2],
      y: [3, 4],
      mode: "lines",
      line: { color: "red", dash: "dot" },
    });
    const axis = (text: string) => ({ title: { text }, type: "log" });
    assertEquals(titles("t", "a", "b", "log"), {
      title: { text: "t" },
      xaxis: axis("a"),
      yaxis: axis("b"),
    } as ReturnType<typeof titles>);
  });
});

describe("recurring figures", () => {
  const figures = recurring();

  it("loss and gradient share the x-axis, siblings are grey, kinks are marked", async () => {
    const { data, layout } = figures.loss as { data: Record<string, unknown>[] } & Figure;
    const colours = data.map(({ line }) => (line as { color: string } | undefined)?.color);
    assert(colours.includes(colour.loss) && colours.includes(colour.gradient));
    assert(colours.includes(colour.sibling));
    assert(data.every(({ xaxis }) => xaxis === undefined));
    assertEquals(data.filter(({ yaxis }) => yaxis === "y2").length > 1, true);
    assertEquals(layout?.shapes?.map(({ x0 }) => x0), [-1, 1]);
    const svg = await svgOf(figures.loss);
    const entries = [...svg.matchAll(/class="legendtext"[^>]*>([^<]+)</g)].map(([, text]) => text);
    assertEquals(entries, ["L1", "Huber", "gradient of Huber"]);
  });

  it("small multiples have equal axes and one legend entry per name", async () => {
    const svg = await svgOf(figures.multiples);
    assertEquals(svg.match(/class="subplot /g)?.length, 6);
    assertEquals(svg.match(/class="legendtext"/g)?.length, 1);
    const { layout } = figures.multiples as unknown as {
      layout: Record<string, { matches?: string }>;
    };
    assertEquals([2, 3, 4, 5, 6].map((i) => layout[`xaxis${i}`].matches), Array(5).fill("x"));
    assertEquals([2, 3, 4, 5, 6].map((i) => layout[`yaxis${i}`].matches), Array(5).fill("y"));
  });

  it("a heat map writes its numbers with a true minus and without minus zero", async () => {
    const svg = await svgOf(figures.heat);
    for (const text of ["−0.25", "0.75", "0.00"]) assert(svg.includes(`>${text}<`), text);
    assert(!svg.includes("−0.00"));
  });

  it("a decision boundary has a band border on the level", () => {
    const [bands, line] = figures.boundary.data as { contours: Record<string, number> }[];
    const { start, end, size } = bands.contours;
    assertClose((start + end) / 2, 0.5, 1e-12, "middle of the bands");
    assertEquals(Number.isInteger(Math.round((0.5 - start) / size * 1e9) / 1e9), true);
    assertEquals([line.contours.start, line.contours.end], [0.5, 0.5]);
  });

  it("arrows are one trace, without those of no length", () => {
    const trace = arrows({ name: "−∇L", x: [0, 1], y: [0, 1], dx: [0, 2], dy: [0, 3] });
    assertEquals((trace as { x: unknown }).x, [1, 3, null]);
    assertEquals((trace as { y: unknown }).y, [1, 4, null]);
  });

  it("refuses no panels and too many classes", async () => {
    await assertRejects(
      () => Promise.try(() => smallMultiples({ title: "none", panels: [] })),
      TypeError,
      "there are none",
    );
    const classes = Array.from({ length: 5 }, () => ({ name: "c", x: [0], y: [0] }));
    const axes = { title: "many", x: [0, 1], y: [0, 1], xTitle: "x", yTitle: "y" };
    await assertRejects(
      () => Promise.try(() => decisionBoundary({ ...axes, score: [[0, 1], [1, 2]], classes })),
      RangeError,
      "current is 5, wanted is at most 4",
    );
  });
});

describe("the palette", () => {
  it("has one colour per meaning", () => {
    const all = Object.values(colour);
    assertEquals(new Set(all).size, all.length);
    assertEquals(classColours.length, classSymbols.length);
  });

  it("stays apart for colour-blind readers", () => {
    const names = ["loss", "gradient", "sibling", "kink", "data", "emphasis"] as const;
    for (const blindness of Object.values(BLINDNESS)) {
      for (const [i, a] of names.entries()) {
        for (const b of names.slice(i + 1)) {
          const [p, q] = [colour[a], colour[b]].map((hex) => seen(hex, blindness));
          const distance = Math.hypot(...p.map((value, k) => value - q[k]));
          assert(distance > 0.15, `${a} and ${b} differ by ${distance.toFixed(3)} only`);
        }
      }
    }
  });

  it("goes from light to dark over an option", () => {
    assertEquals(sweep(3), ["rgb(158, 202, 225)", "rgb(83, 125, 166)", "rgb(8, 48, 107)"]);
    assertEquals(sweep(1), ["rgb(8, 48, 107)"]);
  });
});

function recurring(): Record<"loss" | "multiples" | "heat" | "boundary" | "field", Figure> {
  const clamp = x.map((x) => Math.max(-1, Math.min(1, x)));
  const grid = Array.from({ length: 41 }, (_, i) => (i - 20) / 10);
  const loss = lossAndGradient({
    title: "Huber",
    name: "Huber",
    x,
    xTitle: "ŷ − y",
    loss: x.map((x) => Math.abs(x) < 1 ? x * x / 2 : Math.abs(x) - 0.5),
    gradient: Float64Array.from(clamp),
    kinks: [{ x: -1, label: "−δ" }, { x: 1, label: "δ" }],
    siblings: [{
      name: "L1",
      loss: x.map(Math.abs),
      gradient: x.map(Math.sign),
      kinks: [{ x: 0 }],
    }],
  });
  const panels = [1, 2, 3, 4, 5, 6].map((power) => ({
    title: `p = ${power}`,
    data: [{ x, y: x.map((x) => Math.abs(x) ** power), name: "|x|<sup>p</sup>" }],
  }));
  const z = [[-0.25, 0.75, -0.001], [0.5, -0.5, 0.3]];
  const titles = { xTitle: "x₁", yTitle: "x₂" };
  return {
    loss,
    multiples: smallMultiples({ title: "Powers", panels, xTitle: "x", yTitle: "y" }),
    heat: heatMap({ title: "Gradient", z, ...titles, zTitle: "∂L", decimals: 2, signed: true }),
    boundary: decisionBoundary({
      title: "Boundary",
      x: grid,
      y: grid,
      score: grid.map((b) => grid.map((a) => a + b * b)),
      level: 0.5,
      classes: [{ name: "A", x: [-1, 0], y: [0, 1] }, { name: "B", x: [1], y: [1] }],
      ...titles,
    }),
    field: {
      data: [
        { type: "contour", x: grid, y: grid, z: grid.map((b) => grid.map((a) => a * a + b * b)) },
        arrows({ name: "−∇L", x: grid, y: grid, dx: grid.map((a) => -a), dy: grid }),
      ],
    },
  };
}

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

/** Reads what the encoder writes: unfiltered rows, indexed or RGBA. */
function decode(png: Uint8Array): Record<"bytes" | "rgb", Uint8Array> & {
  width: number;
  height: number;
} {
  const view = Buffer.from(png);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < view.length; at += 12 + view.readUInt32BE(at)) {
    const end = at + 8 + view.readUInt32BE(at);
    chunks.set(view.toString("latin1", at + 4, at + 8), view.subarray(at + 8, end));
  }
  const [width, height] = [view.readUInt32BE(16), view.readUInt32BE(20)];
  const lines = inflateSync(chunks.get("IDAT") ?? new Uint8Array());
  const row = lines.length / height;
  const bytes = new Uint8Array(height * (row - 1));
  for (let y = 0; y < height; y++) {
    assertEquals(lines[y * row], 0, "row filter");
    bytes.set(lines.subarray(y * row + 1, (y + 1) * row), y * (row - 1));
  }
  const palette = chunks.get("PLTE") ?? new Uint8Array();
  const rgb = new Uint8Array(3 * width * height);
  bytes.forEach((index, i) => {
    if (i < width * height) rgb.set(palette.subarray(3 * index, 3 * index + 3), 3 * i);
  });
  return { bytes, rgb, width, height };
}

/** Viénot, Brettel and Mollon (1999): what is left of linear RGB without red or green cones. */
const BLINDNESS = {
  protan: [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
  deutan: [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
};

function seen(hex: string, matrix: number[][]): number[] {
  const linear = [1, 3, 5].map((at) => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2);
  return matrix.map((row) => {
    const value = row.reduce((sum, weight, k) => sum + weight * linear[k], 0);
    return Math.max(value, 0) ** (1 / 2.2);
  });
}
