/** The figures that are drawn again and again. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CrossEntropyLoss, HuberLoss } from "@lossbook/losses";
import {
  arrows,
  barPanels,
  circle,
  confusionPanels,
  curve,
  dots,
  gapCurve,
  heatMap,
  line,
  lossAndGradient,
  naiveAndStable,
  optionSweep,
  pixelPanels,
  smallMultiples,
  titles,
  trainingCurves,
  tripletDots,
} from "../../notebooks/_kit/figures/figures.ts";
import { branches } from "../../notebooks/_kit/figures/kinks.ts";
import type { Figure } from "../../notebooks/_kit/still/figure.ts";
import { colour, sweep } from "../../notebooks/_kit/plot/style.ts";
import { assertClose, output, PLOTLY, svgOf, x } from "./drawing.ts";

describe("curves with kinks", () => {
  const grid = [-2, -1, 0, 1, 2];

  it("are broken where the gradient jumps; the value by convention is a dot", () => {
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

  it("are not broken where only the slope changes, or beyond the samples", () => {
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

  it("optionSweep breaks the gradients that jump, each at its own kink, in its colour", () => {
    const grid = [-2, -1, 0, 1, 2, 3];
    const loss = grid.map(() => 0);
    const stepAt = (at: number) => grid.map((x) => x > at ? 1 : 0);
    const { data } = optionSweep({
      title: "t",
      x: grid,
      xTitle: "x",
      curves: [
        { name: "jumps at 0", loss, gradient: stepAt(0), kinks: [{ x: 0 }] },
        { name: "jumps at 0.5", loss, gradient: stepAt(0.5), kinks: [{ x: 0.5 }] },
        { name: "no kink", loss, gradient: stepAt(1) },
      ],
    });
    const right = (data as { x: unknown[]; y: unknown[]; xaxis?: string; mode: string }[])
      .filter(({ xaxis }) => xaxis === "x2");
    assertEquals(right.map(({ mode, x, y }) => ({ mode, x, y })), [
      { mode: "lines", x: [-2, -1, 0, null, 0, 1, 2, 3], y: [0, 0, 0, null, 1, 1, 1, 1] },
      { mode: "markers", x: [0], y: [1] }, // the limit from the right
      { mode: "markers", x: [0], y: [0] }, // the value
      { mode: "lines", x: [-2, -1, 0, 0.5, null, 0.5, 1, 2, 3], y: [0, 0, 0, 0, null, 1, 1, 1, 1] },
      { mode: "markers", x: [0.5, 0.5], y: [0, 1] },
      { mode: "lines", x: grid, y: [0, 0, 0, 0, 1, 1] },
    ]);
    const marks = data as { marker?: { line: { color: string } }; yaxis?: string }[];
    assertEquals(
      marks.flatMap(({ marker, yaxis }) => marker ? [{ color: marker.line.color, yaxis }] : []),
      [0, 0, 1].map((i) => ({ color: sweep(3)[i], yaxis: "y2" })),
    );
  });

  it("lossAndGradient uses the given ranges", () => {
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

  it("a circle is a closed line at one distance from its centre", () => {
    const trace = circle("c", [3, -1], 2, "red") as { x: number[]; y: number[]; line: unknown };
    const { x, y } = trace;
    x.forEach((value, i) => assertClose(Math.hypot(value - 3, y[i] + 1), 2, 1e-14));
    assertClose(x[0] - x[x.length - 1], 0, 1e-14);
    assertClose(y[0] - y[y.length - 1], 0, 1e-14);
    assertEquals(new Set(x.map((value, i) => `${value > 3} ${y[i] > -1}`)).size, 4, "all around");
    assertEquals(trace.line, { color: "red", dash: "dot" });
  });

  it("a triplet is three dots, each with its own look", () => {
    const triple = [[0, 1], [2, 3], [4, 5]];
    const traces = tripletDots(triple) as { name: string; x: number[]; y: number[] }[];
    assertEquals(traces.map(({ name, x, y }) => [name, ...x, ...y]), [
      ["anchor", 0, 1],
      ["positive", 2, 3],
      ["negative", 4, 5],
    ]);
    assertEquals(tripletDots(triple.slice(0, 2)).length, 2);
  });

  it("dots, line and titles are parts of a Plotly figure", () => {
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

  it("arrows are one trace, without those of length 0", () => {
    const trace = arrows({ name: "−∇L", x: [0, 1], y: [0, 1], dx: [0, 2], dy: [0, 3] });
    assertEquals((trace as { x: unknown }).x, [1, 3, null]);
    assertEquals((trace as { y: unknown }).y, [1, 4, null]);
  });

  it("panels keep the wanted room between rows", () => {
    const panels = ["a", "b", "c", "d", "e"].map((title) => ({ title, data: [] }));
    const { layout } = smallMultiples({ title: "five rows", panels, columns: 1, rowGap: 0.05 });
    const domains = ["yaxis", "yaxis2", "yaxis3", "yaxis4", "yaxis5"].map((axis) =>
      (layout as Record<string, { domain: [number, number] }>)[axis].domain
    );
    for (let row = 1; row < 5; row++) {
      assertAlmostEquals(domains[row - 1][0] - domains[row][1], 0.05, 1e-12);
    }
    assertAlmostEquals(domains[4][0], 0, 1e-12);
  });

  it("are small", async () => {
    for (const [name, figure] of Object.entries(recurring())) {
      const { png, data } = await output(figure);
      assert(png.length < 70_000, `${name}: ${png.length} bytes of PNG`);
      const json = JSON.stringify(data[PLOTLY]).length;
      assert(json < 60_000, `${name}: ${json} bytes of JSON`);
    }
  });

  it("refuses no panels and too many classes", async () => {
    await assertRejects(
      () => Promise.try(() => smallMultiples({ title: "none", panels: [] })),
      TypeError,
      "there are none",
    );
  });
});

function recurring(): Record<"loss" | "multiples" | "heat" | "field", Figure> {
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
    field: {
      data: [
        { type: "contour", x: grid, y: grid, z: grid.map((b) => grid.map((a) => a * a + b * b)) },
        arrows({ name: "−∇L", x: grid, y: grid, dx: grid.map((a) => -a), dy: grid }),
      ],
    },
  };
}

describe("gapCurve", () => {
  it("is the loss of two classes and its derivative with respect to the first score", () => {
    const { name, loss, gradient } = gapCurve("CE", [-1, 2], (scores) => {
      assertEquals(scores[1], 0);
      return new CrossEntropyLoss().valueAndGrad(scores, 0);
    });
    assertEquals(name, "CE");
    assertClose(loss[0], Math.log1p(Math.E), 1e-15);
    assertClose(loss[1], Math.log1p(Math.exp(-2)), 1e-15);
    assertClose(gradient[1], -1 / (1 + Math.exp(2)), 1e-15);
  });
});

describe("figures of experiments", () => {
  it("barPanels has a panel for each series, with equal categories", () => {
    const { data } = barPanels({
      title: "t",
      categories: ["a", "b"],
      series: [{ title: "p", values: Float32Array.of(1, 2) }, {
        title: "q",
        values: [3, 4],
        color: "red",
      }],
      yTitle: "bits",
    });
    const bars = data as { x: string[]; y: number[]; marker: { color: string } }[];
    assertEquals(bars.map(({ x }) => x), [["a", "b"], ["a", "b"]]);
    assertEquals(bars.map(({ y }) => y), [[1, 2], [3, 4]]);
    assertEquals(bars.map(({ marker }) => marker.color), [colour.loss, "red"]);
  });

  it("trainingCurves draws the mean, and one standard error to both sides as a band", () => {
    const { data, layout } = trainingCurves({
      title: "t",
      steps: [0, 10],
      yTitle: "accuracy",
      curves: [{ name: "c", runs: [[0, 1], [2, 1], [4, 1]], dash: "dot" }],
    });
    const [band, curve] = data as { x: number[]; y: number[]; fill?: string }[];
    const error = 2 / Math.sqrt(3);
    assertEquals(curve.y, [2, 1]);
    assertEquals(band.x, [0, 10, 10, 0]);
    assertEquals(band.fill, "toself");
    [2 - error, 1, 1, 2 + error].forEach((y, i) => assertClose(band.y[i], y, 1e-15));
    assertEquals(layout?.xaxis?.title, { text: "step" });
  });

  it("pixelPanels shows rows from top to bottom", () => {
    const { data, layout } = pixelPanels("t", [
      { title: "grey", rows: [Uint8Array.of(0, 16), [8, NaN]], low: 0, high: 16 },
      { title: "slope", rows: [[-1, 1]], low: -1, high: 1, signed: true },
    ]);
    const maps = data as unknown as { z: number[][]; colorscale: unknown[][] }[];
    assertEquals(maps[0].z, [[0, 16], [8, NaN]]);
    assertEquals(maps.map(({ colorscale }) => colorscale[0][1]), ["#ffffff", "#00527f"]);
    assertEquals(layout?.yaxis?.autorange, "reversed");
  });

  it("confusionPanels adds up the splits and shows the shares of each row", () => {
    const { data } = confusionPanels({
      title: "t",
      classes: ["no", "yes"],
      panels: [{ title: "m", counts: [[[3, 1], [0, 2]], [[2, 2], [2, 0]]] }],
    });
    const [map] = data as unknown as { z: number[][]; text: string[][] }[];
    assertEquals(map.z, [[5 / 8, 3 / 8], [1 / 2, 1 / 2]]);
    assertEquals(map.text[0], ["0.63", "0.38"]);
  });

  it("naiveAndStable marks the ends of the naive curve", () => {
    const options = { title: "t", x: [0, 1, 2, 3], xTitle: "x", stable: [3, 2, 1, 0] };
    const { data } = naiveAndStable({ ...options, naive: [Infinity, 2, 1, NaN] });
    const [stable, naive, ends] = data as { name?: string; x: number[]; y: number[] }[];
    assertEquals([stable.name, stable.y], ["stable", [3, 2, 1, 0]]);
    assertEquals([naive.name, naive.y], ["naive", [Infinity, 2, 1, NaN]]);
    assertEquals([ends.x, ends.y], [[1, 2], [2, 1]]);
    assertEquals(naiveAndStable({ ...options, naive: [3, 2, 1, 0] }).data.length, 2);
  });
});
