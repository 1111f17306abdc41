/** `plot`: one output in three forms, refusals before anything is drawn, and the style of all figures. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Figure, plot, type PlotOptions } from "../../notebooks/_kit/plot/plot.ts";
import { portable } from "../../notebooks/_kit/plot/portable.ts";
import { classColours, classSymbols, colour, sweep } from "../../notebooks/_kit/plot/style.ts";
import { output, parabola, PLOTLY, svgOf } from "./drawing.ts";

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

  it("has an alt text in both languages, one line each", async () => {
    const alt = { zh: "一条抛物线", en: "A parabola" };
    const { data, metadata } = await output(parabola, { alt });
    assertEquals(data["text/plain"], "一条抛物线\nA parabola");
    assertEquals(metadata["image/png"], { width: 720, height: 420, alt: "一条抛物线 A parabola" });
  });

  it("follows the wanted size", async () => {
    const options = { alt: "a figure", width: 500, height: 300 };
    const { metadata, png } = await output(parabola, options);
    assertEquals([png.readUInt32BE(16), png.readUInt32BE(20)], [1000, 600]);
    assertEquals(metadata, { "image/png": { width: 500, height: 300, alt: "a figure" } });
  });

  it("does not modify the figure", async () => {
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

  it("draws figures one after the other if they are requested together", async () => {
    const other: Figure = { data: [{ x: [1, 2], y: [2, 1], name: "other" }] };
    const [alone, alike] = [await svgOf(parabola), await svgOf(other)];
    assertEquals(await Promise.all([svgOf(parabola), svgOf(other)]), [alone, alike]);
  });

  it("continues after a figure that could not be drawn", async () => {
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
    ["an alt text without English", parabola, { alt: { zh: "图" } }, TypeError, "is undefined"],
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

  it("have more digits if they differ by little", () => {
    assertEquals(copy([1000.00001, 1000.00002, 1000.00003]), [1000.00001, 1000.00002, 1000.00003]);
  });

  it("are null where JSON has no number", () => {
    assertEquals(copy([NaN, Infinity, -Infinity, null, -0]), [null, null, null, null, 0]);
    assert(Object.is((copy([-0]) as number[])[0], 0));
  });

  it("leave out what is undefined", () => {
    assertEquals(Object.keys(portable({ data: [{ y: [1], x: undefined }] }).data[0]), ["y"]);
  });
});

describe("the palette", () => {
  it("has one colour for each meaning", () => {
    const all = Object.values(colour);
    assertEquals(new Set(all).size, all.length);
    assertEquals(classColours.length, classSymbols.length);
  });

  it("is distinct for colour-blind readers", () => {
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

  it("goes from light to dark for the values of an option", () => {
    assertEquals(sweep(3), ["rgb(158, 202, 225)", "rgb(83, 125, 166)", "rgb(8, 48, 107)"]);
    assertEquals(sweep(1), ["rgb(8, 48, 107)"]);
  });
});

/** Viénot, Brettel and Mollon (1999): linear RGB as seen without red or green cones. */
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
