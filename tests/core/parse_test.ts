/** From formula text to graph and back; mathjs reads the same texts in the same way. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Formula } from "@lossbook/losses/formula";
import { FUNCTIONS, Graph, symbolsOf } from "../../losses/_core/formula/graph.ts";
import { parse } from "../../losses/_core/formula/parse.ts";
import { print } from "../../losses/_core/formula/text.ts";
import { sameFunction } from "../reference/maths/math.ts";

/** The graph of a text, with operators written as functions. */
function tree(text: string): string {
  const graph = new Graph();
  const show = (node: ReturnType<typeof parse>): string =>
    node.op === "number"
      ? String(node.value)
      : node.op === "symbol"
      ? node.name
      : `${node.op}(${node.args.map(show).join(", ")})`;
  return show(parse(graph, text));
}

describe("the grammar", () => {
  const wanted: [text: string, tree: string][] = [
    // Precedence, loosest last; each level groups to the left.
    ["a + b * c", "add(a, mul(b, c))"],
    ["a * b + c", "add(mul(a, b), c)"],
    ["a - b - c", "sub(sub(a, b), c)"],
    ["a - (b - c)", "sub(a, sub(b, c))"],
    ["a / b / c", "div(div(a, b), c)"],
    ["a / b * c", "mul(div(a, b), c)"],
    ["a / (b * c)", "div(a, mul(b, c))"],
    ["a + b < c * d", "lt(add(a, b), mul(c, d))"],
    ["a < b and c < d or e < f ? 1 : 2", "select(or(and(lt(a, b), lt(c, d)), lt(e, f)), 1, 2)"],
    ["a < b or c < d and e < f ? 1 : 2", "select(or(lt(a, b), and(lt(c, d), lt(e, f))), 1, 2)"],
    // Comparisons.
    ["a <= b ? 1 : 2", "select(le(a, b), 1, 2)"],
    ["a >= b ? 1 : 2", "select(ge(a, b), 1, 2)"],
    ["a > b ? 1 : 2", "select(gt(a, b), 1, 2)"],
    ["a == b ? 1 : 2", "select(eq(a, b), 1, 2)"],
    ["a != b ? 1 : 2", "select(ne(a, b), 1, 2)"],
    // Signs and not.
    ["-a * b", "mul(neg(a), b)"],
    ["a * -b", "mul(a, neg(b))"],
    ["a - -b", "sub(a, neg(b))"],
    ["--a", "neg(neg(a))"],
    ["-(a + b)", "neg(add(a, b))"],
    ["-2 * a", "mul(-2, a)"],
    ["not (a < b) ? 1 : 2", "select(not(lt(a, b)), 1, 2)"],
    // Chains of conditions group to the right.
    ["a < b ? 1 : c < d ? 2 : 3", "select(lt(a, b), 1, select(lt(c, d), 2, 3))"],
    ["a < b ? (c < d ? 1 : 2) : 3", "select(lt(a, b), select(lt(c, d), 1, 2), 3)"],
    ["(a < b ? 1 : 2) + 3", "add(select(lt(a, b), 1, 2), 3)"],
    // Numbers and names.
    ["1.5 + .5 + 2. + 1e-3 + 2E+4 + .5e1", "add(add(add(add(add(1.5, 0.5), 2), 0.001), 20000), 5)"],
    ["pi * x1 * pos_weight", `mul(mul(${Math.PI}, x1), pos_weight)`],
    ["e1 + exp1", "add(e1, exp1)"],
    ["  a\n +\tb ", "add(a, b)"],
    // Functions.
    ["max(a, min(b, c))", "max(a, min(b, c))"],
    ["xlogy(a - b, pow(c, 2))", "xlogy(sub(a, b), pow(c, 2))"],
    ["abs(a < b ? a : b)", "abs(select(lt(a, b), a, b))"],
  ];
  for (const [text, expected] of wanted) {
    it(JSON.stringify(text), () => assertEquals(tree(text), expected));
  }

  it("knows every function with its number of arguments", () => {
    for (const [name, arity] of Object.entries(FUNCTIONS)) {
      const args = ["a", "b"].slice(0, arity).join(", ");
      assertEquals(tree(`${name}(${args})`), `${name}(${args})`);
      assertThrows(() => tree(`${name}(${args}, c)`), SyntaxError, "')' is expected before ','");
      assertThrows(() => tree(`${name}()`), SyntaxError, "a number, a name or '('");
      if (arity === 2) assertThrows(() => tree(`${name}(a)`), SyntaxError, "',' is expected");
    }
  });
});

describe("a text that is not a formula", () => {
  const wrong: [text: string, message: string][] = [
    ["", "a number, a name or '(' is expected before the end: ''"],
    ["a +", "a number, a name or '(' is expected before the end: 'a +'"],
    ["(a", "')' is expected before the end: '(a'"],
    ["a)", "an operator is expected before ')': 'a)'"],
    ["2 x", "an operator is expected before 'x': '2 x'"],
    ["1.2.3", "an operator is expected before '.3'"],
    ["a ? b", "':' is expected before the end"],
    ["a < b ? c < d ? 1 : 2 : 3", "':' is expected before '?'"], // nor does mathjs read it
    ["a < b < c", "an operator is expected before '<': 'a < b < c'"],
    ["a ^ 2", "'^' is unknown: 'a ^ 2'"],
    ["a = b", "'=' is unknown"],
    ["a + ŷ", "'ŷ' is unknown"],
    ["a && b", "'&' is unknown"],
    ["* a", "a number, a name or '(' is expected before '*'"],
    ["tanh(x)", "'tanh' is not a function: known are abs, sign, square"],
    ["toString(x)", "'toString' is not a function"],
    ["x constructor y", "an operator is expected before 'constructor'"],
  ];
  for (const [text, message] of wrong) {
    it(JSON.stringify(text), () => {
      assertThrows(() => tree(text), SyntaxError, `Cannot parse the formula as ${message}`);
    });
  }

  it("a condition where a number is expected, and the reverse", () => {
    const mixed: [text: string, message: string][] = [
      ["a + (b < c)", "argument 2 of 'add' must be a number: current argument is 'lt'"],
      ["a ? b : c", "argument 1 of 'select' must be a condition: current argument is 'symbol'"],
      ["abs(a == b)", "argument 1 of 'abs' must be a number: current argument is 'eq'"],
      ["a and b", "argument 1 of 'and' must be a condition"],
      ["not a", "argument 1 of 'not' must be a condition"],
      ["a < b ? a < b : 1", "argument 2 of 'select' must be a number"],
    ];
    for (const [text, message] of mixed) {
      assertThrows(() => tree(text), TypeError, `Cannot build the formula as ${message}`);
    }
  });
});

/** Every operator, in every position that changes how it must be printed. */
const TEXTS = [
  "a - (b - c) - (a + b)",
  "a / (b / c) / (a * b) * (b * (c * a))",
  "-(a * b) - -a * (-b) - (-2)",
  "(a + b) * (c - a) / (a / b + 3)",
  "a < b and (b < c or c < a) ? a : b",
  "not (a < b and b < c) ? a : not (a < c) ? b : c",
  "(a < b ? a : b) * (a < c ? b : c)",
  "a < b ? (c < a ? 1 : 2) : 3",
  "max(a + b, -min(a, b * c)) - 1e-7 * 1.5e21",
  "pow(abs(a), 2.5) + xlogy(square(a), square(b) + 1)",
  "square(-a) + sqrt(square(a + b)) - -(-(c))",
  "softplus(-abs(a)) * sigmoid(b) + log1p(exp(-c)) + log(square(a) + 1)",
  "hinge(a - b) + strictHinge(1 - a * b) + sign(c) * abs(a)",
  "(a <= b ? 1 : 0) + (a >= b ? 2 : 0) + (a == b ? 4 : 0) + (a != b ? 8 : 0) + (a > b ? 16 : 0)",
  "pi * a / 2",
];

describe("text → graph → text", () => {
  for (const text of TEXTS) {
    it(text, () => {
      const graph = new Graph();
      const node = parse(graph, text);
      assertStrictEquals(parse(graph, print(node)), node, print(node));
    });
  }

  it("has no more parentheses than necessary", () => {
    const graph = new Graph();
    for (const text of ["a - (b - c)", "a * b / c - a", "(a + b) * c", "a < b ? -a : a - b"]) {
      assertEquals(print(parse(graph, text)), text);
    }
  });
});

describe("one text, two readers", () => {
  const range = { a: [-2, 2], b: [-2, 2], c: [-2, 2] } as const;
  for (const text of TEXTS) {
    it(`mathjs: ${text}`, () => {
      const formula = new Formula(text);
      const scope = (at: Record<string, number>) =>
        Object.fromEntries(formula.symbols.map((name) => [name, at[name]]));
      const ours = (at: Record<string, number>) => formula.evaluate(scope(at))[0];
      const { same, difference, at } = sameFunction(ours, text, range, { points: 50, seed: 3 });
      assert(same, `${difference} at ${JSON.stringify(at)}`);
    });
  }
});

describe("the graph", () => {
  it("shares equal nodes between texts", () => {
    const graph = new Graph();
    const first = parse(graph, "exp(-abs(x)) + y");
    const second = parse(graph, "y * exp(-abs(x))");
    assertStrictEquals(first.args[0], second.args[1]);
    assertStrictEquals(first.args[1], second.args[0]);
  });

  it("distinguishes 0 from -0", () => {
    const graph = new Graph();
    assert(graph.number(0) !== graph.number(-0));
    assertStrictEquals(graph.number(2), parse(graph, "2.0"));
  });

  it("lists symbols in order of appearance", () => {
    const graph = new Graph();
    assertEquals(symbolsOf(parse(graph, "b * a < c ? a : d + pi")), ["b", "a", "c", "d"]);
  });

  it("simplifies sums and products with 0 and 1, and signs", () => {
    const graph = new Graph();
    const [a, b, zero, one] = [
      graph.symbol("a"),
      graph.symbol("b"),
      graph.number(0),
      graph.number(1),
    ];
    const minusB = graph.neg(b);
    const simplified: [found: ReturnType<typeof parse>, text: string][] = [
      [graph.add(a, zero), "a"],
      [graph.add(zero, b), "b"],
      [graph.add(a, minusB), "a - b"],
      [graph.sub(a, minusB), "a + b"],
      [graph.sub(zero, b), "-b"],
      [graph.sub(a, zero), "a"],
      [graph.mul(zero, b), "0"],
      [graph.mul(one, b), "b"],
      [graph.mul(a, one), "a"],
      [graph.mul(graph.number(-1), b), "-b"],
      [graph.mul(a, minusB), "-(a * b)"],
      [graph.mul(minusB, a), "-(b * a)"],
      [graph.mul(graph.number(2), graph.number(3)), "6"],
      [graph.div(a, one), "a"],
      [graph.div(zero, a), "0"],
      [graph.div(minusB, a), "-(b / a)"],
      [graph.neg(minusB), "b"],
      [graph.neg(graph.number(2)), "-2"],
      [graph.select(graph.apply("lt", a, b), a, a), "a"],
    ];
    for (const [found, text] of simplified) assertEquals(print(found), text);
  });
});

describe("Formula", () => {
  it("evaluates with a number or one number for each element", () => {
    assertEquals([...new Formula("x * y").evaluate({ x: [1, 2, 3], y: 10 })], [10, 20, 30]);
    assertEquals([...new Formula("2 + 3").evaluate({})], [5]);
    assertEquals([...new Formula("x").evaluate({ x: [] })], []);
    const x = Float64Array.from({ length: 10_000 }, (_, i) => i);
    const found = new Formula("x + 1").evaluate({ x });
    assert(found.length === 10_000 && found.every((v, i) => v === i + 1), "several tiles");
  });

  it("is compiled once for each type", () => {
    new Formula("1").evaluate({}); // Looks for WebAssembly.
    const { Module } = WebAssembly;
    let compilations = 0;
    WebAssembly.Module = new Proxy(Module, {
      construct: (target, [bytes]) => {
        compilations++;
        return new target(bytes);
      },
    });
    try {
      const formula = new Formula("exp(x) + 1");
      for (let i = 0; i < 3; i++) {
        for (const dtype of ["float32", "float64"] as const) {
          assertEquals([...formula.evaluate({ x: [-Infinity, 0] }, dtype)], [1, 2]);
        }
      }
    } finally {
      WebAssembly.Module = Module;
    }
    assertEquals(compilations, 2);
  });

  it("refuses to evaluate without a value, or with lengths that differ", () => {
    const formula = new Formula("x * y");
    assertThrows(() => formula.evaluate({ x: 1 }), RangeError, "as 'y' has no value");
    assertThrows(
      () => formula.evaluate({ x: [1, 2], y: [1, 2, 3] }),
      RangeError,
      "as lengths differ: 2 and 3",
    );
  });

  it("refuses to evaluate a condition", () => {
    assertThrows(() => new Formula("x < 1").evaluate({ x: 0 }), TypeError, "as it is a condition");
  });
});
