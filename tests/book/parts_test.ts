/** Parts of the book that need no browser. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as lossbook from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { highlight } from "../../notebooks/_book/highlight.ts";
import { partOf } from "../../notebooks/_book/language.ts";
import { markdownRenderer, mathml } from "../../notebooks/_book/markdown.ts";
import { searchTerms } from "../../notebooks/_book/search_terms.ts";
import { differencesAlong, kinksOf } from "../../notebooks/_book/site/calculus.ts";
import { FORMULAS, LOSS_FORMULAS } from "../../notebooks/_book/site/formula_list.ts";
import { toMathml } from "../../notebooks/_book/site/mathml.ts";
import { type PanelClass, PANELS } from "../../notebooks/_book/site/panel_definitions.ts";
import { withNumbers } from "../../notebooks/_book/site/panel_formula.ts";
import {
  asPyTorch,
  asTypeScript,
  callArguments,
  readState,
  writeState,
} from "../../notebooks/_book/site/panel_state.ts";
import { listingOf } from "../../notebooks/_book/site/program.ts";
import { contents } from "../../notebooks/_kit/contents/contents.ts";

describe("a bilingual line", () => {
  const lines: [line: string, zh: string, en: string][] = [
    ["3 推导 · Derivation", "3 推导", "3 Derivation"],
    ["MSELoss · 均方误差损失", "MSELoss · 均方误差损失", "MSELoss"],
    ["✓ 8 个算例 · 8 examples", "✓ 8 个算例", "✓ 8 examples"],
    ["练习 1 ★ 手算 · By hand", "练习 1 ★ 手算", "By hand"],
    ["一 · 二 · one · two", "一 · 二", "one · two"],
    ["f · g", "f · g", "f · g"],
    ["只有中文", "只有中文", "只有中文"],
  ];
  for (const [line, zh, en] of lines) {
    it(line, () => {
      assertEquals([partOf(line, "zh"), partOf(line, "en")], [zh, en]);
    });
  }
});

describe("Markdown", () => {
  const render = markdownRenderer({ link: (href) => href.replace(".ipynb", ".html") });

  it("typesets formulas, in lines and on their own", () => {
    assertEquals(
      render("a $x^2$ b"),
      `<p>a ${mathml("x^2", false)} b</p>\n`,
    );
    assertMatch(
      render("$$\\frac{a}{b}$$"),
      /^<p><span class="display"><math [^>]*display="block">.*<mfrac>/,
    );
  });

  it("leaves a dollar in code, or escaped, alone", () => {
    assertEquals(render("`$x$` and \\$5"), "<p><code>$x$</code> and $5</p>\n");
  });

  it("has no LaTeX left in its MathML", () => {
    assert(!mathml("\\frac{a}{b}", true).includes("frac{"));
  });

  it("refuses a formula that KaTeX does not know", () => {
    assertThrows(() => mathml("\\unknown", false), Error, "Undefined control sequence");
  });

  it("leads links into the book", () => {
    assertMatch(render("[a](huber.ipynb)"), /href="huber.html"/);
  });

  it("leaves out heads that say nothing", () => {
    assert(!render("| | |\n|-|-|\n| a | b |").includes("<th"));
    assert(render("| c | d |\n|-|-|\n| a | b |").includes("<th>c</th>"));
  });
});

describe("code", () => {
  it("has its tokens marked", () => {
    assertEquals(
      highlight("const f = 'a'; // b", "ts"),
      `<span class="k">const </span><span class="n">f </span><span class="k">= </span>` +
        `<span class="s">'a'</span>; <span class="c">// b</span>`,
    );
  });

  it("shows signs of HTML as they are", () => {
    assertEquals(highlight("a < b & c", "text"), "a &#60; b &#38; c");
  });
});

describe("the search sees", () => {
  it("words in lower case, and pairs of Chinese characters", () => {
    assertEquals(searchTerms("Softmax 交叉熵, 与 x_1"), ["softmax", "交叉", "叉熵", "与", "x_1"]);
  });
});

/** Every formula of the package and of the playground. */
const formulas = [
  ...FORMULAS.map(({ text }) => text),
  ...Object.values(lossbook).flatMap((value) =>
    typeof value === "function" && "formula" in value
      ? Object.values(value.formula as Record<string, unknown>).flatMap((part) =>
        typeof part === "string" ? part : Object.values(part as Record<string, string>)
      )
      : []
  ),
];

describe("the formulas of the playground", () => {
  it("are those that the losses compute, for every loss", () => {
    const classes = lossbook as unknown as Record<string, PanelClass>;
    assertEquals(
      LOSS_FORMULAS.map(({ name }) => name).sort(),
      contents.map(({ loss }) => loss).sort(),
    );
    for (const { name, text } of LOSS_FORMULAS) assertEquals(text, classes[name].formula!.value);
  });

  it("have a value for each symbol", () => {
    for (const { text, along, values } of FORMULAS) {
      const { symbols } = new Formula(text);
      assert(symbols.includes(along));
      assertEquals(symbols.filter((symbol) => !(symbol in values)), []);
      assert(Number.isFinite(new Formula(text).evaluate(values)[0]), text);
    }
  });
});

describe("MathML of a formula", () => {
  it("can be made of every formula and derivative there is", () => {
    assert(formulas.length > 60);
    for (const text of formulas) {
      const formula = new Formula(text);
      for (const one of [formula, ...formula.symbols.map((name) => formula.derivative(name))]) {
        const xml = toMathml(one.latex());
        assertEquals(xml.match(/<m\w+/g)!.length, xml.match(/<\/m\w+>|\/>/g)!.length, text);
      }
    }
  });

  it("has the numbers, letters and signs of the LaTeX in their order", () => {
    const words = (xml: string) => xml.replace(/<[^>]*>/g, "").replace(/\s/g, "");
    for (const text of formulas) {
      const tex = new Formula(text).latex();
      // KaTeX sets the same LaTeX; it writes function application and fences as signs of their own.
      const plain = (xml: string) =>
        words(xml).replace(/[\u2061\u200b\u00a0−-]/g, "").replaceAll("∣", "|")
          .replaceAll("&lt;", "&#60;").replaceAll("&gt;", "&#62;");
      assertEquals(plain(toMathml(tex)), plain(mathml(tex, false)), text);
    }
  });

  it("knows no other commands", () => {
    assertThrows(() => toMathml("\\int x"), SyntaxError, "must not contain \\int");
  });
});

describe("kinks", () => {
  const of = (text: string, values: Record<string, number> = {}) => {
    const derivative = new Formula(text).derivative("x");
    const xs = Array.from({ length: 321 }, (_, i) => -5 + 10 * i / 320);
    return kinksOf(xs, (points) => {
      const found = derivative.evaluate({ x: points, ...values });
      return found.length === points.length ? found : points.map(() => found[0]);
    });
  };

  it("are found between the points, and on them", () => {
    assertEquals(of("abs(x - y)", { y: 0.3 }), [0.3]);
    assertEquals(of("abs(x)"), [0]);
    assertEquals(of("hinge(x - 1) + hinge(-2 - x)"), [-2, 1]);
  });

  it("are no steep places", () => {
    assertEquals(of("softplus(20 * x)"), []);
    assertEquals(of("exp(x)"), []);
    assertEquals(of("square(x)"), []);
  });
});

describe("five-point differences", () => {
  const xs = Array.from({ length: 41 }, (_, i) => -2 + 0.1 * i);
  const value = (points: readonly number[]) => points.map((x) => Math.exp(x));

  it("agree with a right derivative", () => {
    assertAlmostEquals(differencesAlong(xs, [], value, value(xs)).most, 0, 1e-10);
  });

  it("find a wrong one, and where", () => {
    const slopes = value(xs);
    slopes[7] *= 1.01;
    const { most, where } = differencesAlong(xs, [], value, slopes);
    assert(most > 1e-4);
    assertEquals(where, xs[7]);
  });
});

describe("the program of a formula", () => {
  it("is listed with its loads and stores", () => {
    const { lines, bytes } = listingOf(["x", "y"], ["x - y", "2 * x"]);
    assertEquals(lines, [
      "v0 = load x",
      "v1 = load y",
      "v2 = sub v0 v1",
      "v3 = const 2",
      "v4 = mul v3 v0",
      "store value v2",
      "store gradient v4",
    ]);
    assert(bytes > 100 && bytes < 2000);
  });
});

describe("a panel", () => {
  it("is there for every loss", () => {
    assertEquals(Object.keys(PANELS).sort(), contents.map(({ file }) => file).sort());
  });

  for (const [file, definition] of Object.entries(PANELS)) {
    it(`of ${file} computes what its code computes`, () => {
      const Loss = (lossbook as unknown as Record<string, PanelClass>)[definition.loss];
      const state = readState(definition, "");
      const loss = new Loss({ ...definition.fixed, ...state.options });
      if (definition.parameters) loss.setParameters!(definition.parameters);
      const { wrt } = definition;
      const own = loss.valueAndGrad(...callArguments(definition, state.args), { wrt });
      assert(Number.isFinite(own.value.item()));
      // The text runs with the class in place of the import, and logs what it computes.
      const logged: unknown[][] = [];
      const code = asTypeScript(definition, state).replace(/^import .*\n/, "");
      new Function(definition.loss, "console", code)(Loss, {
        log: (...values: unknown[]) => logged.push(values),
      });
      const gradients = wrt.map((name) => Array.from(own.grad[name].data));
      assertEquals(logged[0][0], own.value.item());
      assertEquals(logged[0].slice(1).map((list) => [list].flat(3)), gradients);
    });
  }

  it("keeps its state in the address", () => {
    const definition = PANELS.cross_entropy;
    const state = readState(definition, "");
    assertEquals(writeState(definition, state), "");
    state.options.labelSmoothing = 0.25;
    state.args.input[1] = -3;
    const address = writeState(definition, state);
    assertEquals(address, "?labelSmoothing=0.25&input=2,-3,0.1,-1");
    assertEquals(readState(definition, address), state);
  });

  it("begins as usual where the address says nothing that it knows", () => {
    const definition = PANELS.cross_entropy;
    const wrong = "?labelSmoothing=2&input=1,2&target=9&other=1";
    assertEquals(readState(definition, wrong), readState(definition, ""));
    const empty = "?labelSmoothing=&input=,,,&target=";
    assertEquals(readState(definition, empty), readState(definition, ""));
  });

  it("writes options and arguments as PyTorch has them", () => {
    const definition = PANELS.bce_with_logits;
    const python = asPyTorch(definition, readState(definition, ""));
    assertMatch(python, /input = torch\.tensor\(1\., requires_grad=True\)/);
    assertMatch(python, /torch\.nn\.BCEWithLogitsLoss\(pos_weight=torch\.tensor\(1\.\)\)/);
    const triplet = asPyTorch(PANELS.triplet_margin, readState(PANELS.triplet_margin, ""));
    assertMatch(triplet, /TripletMarginLoss\(margin=1, p=2, swap=False\)/);
  });

  it("puts the numbers of its options into formulas", () => {
    assertEquals(withNumbers("delta * (x - deltas)", { delta: -2 }), "(-2) * (x - deltas)");
  });
});
