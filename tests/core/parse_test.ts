/** From formula text to graph and back; mathjs reads the same texts in the same way. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Formula } from "@lossbook/losses/formula";
import { derivative } from "../../losses/_core/formula/derivative.ts";
import { argumentsFirst, FUNCTIONS, Graph, symbolsOf } from "../../losses/_core/formula/graph.ts";
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
    // A power binds more tightly than a sign in front of it, and groups to the right.
    ["a * b ^ c", "mul(a, pow(b, c))"],
    ["-a ^ 2", "neg(pow(a, 2))"],
    ["-2 ^ 2", "neg(pow(2, 2))"],
    ["a ^ b ^ c", "pow(a, pow(b, c))"],
    ["(a ^ b) ^ c", "pow(pow(a, b), c)"],
    ["a ^ -b * c", "mul(pow(a, neg(b)), c)"],
    ["a ^ -2", "pow(a, -2)"],
    ["abs(a) ^ (b - 1)", "pow(abs(a), sub(b, 1))"],
    // Chains of conditions group to the right.
    ["a < b ? 1 : c < d ? 2 : 3", "select(lt(a, b), 1, select(lt(c, d), 2, 3))"],
    ["a < b ? (c < d ? 1 : 2) : 3", "select(lt(a, b), select(lt(c, d), 1, 2), 3)"],
    ["(a < b ? 1 : 2) + 3", "add(select(lt(a, b), 1, 2), 3)"],
    // Numbers and names.
    ["1.5 + .5 + 2. + 1e-3 + 2E+4 + .5e1", "add(add(add(add(add(1.5, 0.5), 2), 0.001), 20000), 5)"],
    ["pi * x1 * pos_weight", `mul(mul(${Math.PI}, x1), pos_weight)`],
    ["e1 + exp1", "add(e1, exp1)"],
    ["Infinity - -Infinity * NaN", "sub(Infinity, mul(-Infinity, NaN))"],
    ["_a * b_ + __proto__", "add(mul(_a, b_), __proto__)"],
    ["order - android * nothing", "sub(order, mul(android, nothing))"],
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
    ["a ^", "a number, a name or '(' is expected before the end: 'a ^'"],
    ["a ** 2", "a number, a name or '(' is expected before '*': 'a ** 2'"],
    ["or", "a number, a name or '(' is expected before 'or': 'or'"],
    ["a + and", "a number, a name or '(' is expected before 'and'"],
    ["not", "a number, a name or '(' is expected before the end"],
    ["pi(x)", "'pi' is not a function"],
    ["a = b", "'=' is unknown"],
    ["a + ŷ", "'ŷ' is unknown"],
    ["a && b", "'&' is unknown"],
    ["* a", "a number, a name or '(' is expected before '*'"],
    [
      "tanh(x)",
      "'tanh' is not a function: use 2 * sigmoid(2 * x) - 1; known are abs, sign, square",
    ],
    ["cos(x)", "'cos' is not a function: known are abs, sign, square"],
    ["toString(x)", "'toString' is not a function"],
    ["x constructor y", "an operator is expected before 'constructor'"],
  ];
  for (const [text, message] of wrong) {
    it(JSON.stringify(text), () => {
      assertThrows(() => tree(text), SyntaxError, `Cannot parse the formula as ${message}`);
    });
  }

  it("the error says what to write instead", () => {
    const remedies: [text: string, remedy: string][] = [
      ["(x - y) ** 2", "; a power is x ^ 2"],
      ["x² + 1", "; a power is x ^ 2"],
      ["x > 0 && y > 0 ? x : y", "; write and"],
      ["x > 0 || y > 0 ? x : y", "; write or"],
      ["|x - y|", "; write abs(x) for |x|"],
      ["!(x > 0) ? x : y", "; write not, or !="],
      ["x === y ? 1 : 0", "; write == or !="],
      ["x !== y ? 1 : 0", "; write == or !="],
      ["e = x - y", "; equality is ==, and a formula assigns no names"],
      ["x.sum()", '; write a row, such as { s: "sum(x)" }'],
      ["Math.log(x)", "; functions and constants have no prefix: log(x), pi"],
      ["x[0] - y", "; x stands for one element already"],
      ["x - y;", "; write the expression alone"],
      ["return x - y", "; write the expression alone"],
      ["x · y", "; write *"],
      ["x − y", "; the minus sign is -"],
      ["x ÷ 2", "; write /"],
      ["x ≤ y ? 1 : 0", "; write <=, >= or !="],
      ["√x", "; write sqrt(x)"],
      ["λ * x", "; names have letters from a to z, digits and _"],
      ["exp x", "; write exp(x)"],
      ["2x", "; a product is 2 * x"],
      ["2 (x - y)", "; a product is 2 * x"],
      ["1,5 * x", "; a decimal number has a point: 1.5"],
      ["x > 0 ? x", "; a choice has two values: x > 0 ? x : y"],
      ["pow(x)", "; the function takes two arguments"],
      ["max(x, y, 0)", "; a maximum of three is max(x, max(y, z))"],
      ["abs(x, y)", "; the function takes fewer arguments"],
      ["square(x))", "; there is no '(' before it"],
      ["0 < x < 1 ? x : y", "; write a < b and b < c"],
      ["+x", "; leave out the sign"],
    ];
    for (const [text, remedy] of remedies) {
      const { message } = assertThrows(() => tree(text), SyntaxError) as Error;
      assert(message.endsWith(`'${text}'${remedy}`), message);
    }
    const functions: [name: string, use: string][] = [
      ["ln", "log(x)"],
      ["log10", "log(x) / log(10)"],
      ["expm1", "exp(x) - 1"],
      ["tanh", "2 * sigmoid(2 * x) - 1"],
      ["cosh", "(exp(x) + exp(-x)) / 2"],
      ["sqr", "square(x)"],
      ["relu", "hinge(x)"],
      ["ReLU", "hinge(x)"],
      ["log_sigmoid", "-softplus(-x)"],
      ["where", "x > 0 ? x : y"],
      ["if", "x > 0 ? x : y"],
      ["clamp", "min(max(x, 0), 1)"],
      ["maximum", "max(x, y)"],
      ["softmax", 'rows of defineLoss, such as { m: "max(x)", s: "sum(exp(x - m))" }'],
      ["mean", 'rows of defineLoss, such as { m: "max(x)", s: "sum(exp(x - m))" }'],
    ];
    for (const [name, use] of functions) {
      const message = `'${name}' is not a function: use ${use}; known are`;
      assertThrows(() => tree(`${name}(x)`), SyntaxError, message);
      if (!use.startsWith("rows")) tree(use);
    }
  });

  it("the error tells the index of the character", () => {
    for (const [text, index] of [["a + * b", 4], ["a +", 3], ["x $ y", 2], ["(a", 2]] as const) {
      assertEquals(assertThrows(() => tree(text), SyntaxError).cause, { index });
    }
  });

  it("a condition where a number is expected, and the reverse", () => {
    const mixed: [text: string, message: string][] = [
      [
        "a + (b < c)",
        "argument 2 of 'add' must be a number: current argument is 'lt'; a condition as a number is x > 0 ? 1 : 0",
      ],
      [
        "a ? b : c",
        "argument 1 of 'select' must be a condition: current argument is 'symbol'; compare it, such as x > 0",
      ],
      ["abs(a == b)", "argument 1 of 'abs' must be a number: current argument is 'eq'"],
      ["a and b", "argument 1 of 'and' must be a condition"],
      ["not a", "argument 1 of 'not' must be a condition"],
      ["(a < b) ^ 2", "argument 1 of 'pow' must be a number"],
      ["a < b ? a < b : 1", "argument 2 of 'select' must be a number"],
    ];
    for (const [text, message] of mixed) {
      assertThrows(() => tree(text), TypeError, `Cannot build the formula as ${message}`);
    }
  });
});

describe("a message about a long formula", () => {
  const terms = Array.from({ length: 900 }, (_, i) => `x${i}`);
  const long = `y${"y".repeat(100_000)}`;
  const wrong: [text: string, message: RegExp][] = [
    [
      terms.join(" + ").replace("x500", "?"),
      /expected before '\?': '….* \+ x499 \+ \? \+ x501 .*…'$/,
    ],
    [terms.join(" + ").replace("x0", "x0 #"), /'#' is unknown: 'x0 # \+ x1 .*…'$/],
    [`${terms.join(" + ")} +`, /expected before the end: '….* \+ x899 \+'$/],
    [`x ${long}`, /expected before 'y+…': 'x y+…'$/],
    [`${long}(x)`, /'y+…' is not a function/],
  ];
  for (const [text, message] of wrong) {
    it(`shows where it is wrong: ${message}`, () => {
      const error = assertThrows(() => tree(text), SyntaxError);
      assertMatch(error.message, message);
      assert(error.message.length < 300, `${error.message.length} characters`);
    });
  }

  it("has the place in the middle of 60 characters", () => {
    const [before, after] = ["a + ".repeat(50), " + a".repeat(50)];
    const { message } = assertThrows(() => tree(`${before}?${after}`), SyntaxError);
    assertStringIncludes(message, `: '…${before.slice(-30)}?${after.slice(0, 29)}…'`);
  });

  it("about a value or a condition, too", () => {
    const messages = [
      () => new Formula(long).evaluate({}),
      () => new Formula(long).evaluate({ [long]: null as unknown as number }),
      () => new Formula(`${long} < 1`).evaluate({}),
    ].map((wrong) => assertThrows(wrong, Error).message);
    for (const message of messages) {
      assertMatch(message, /'y+…/);
      assert(message.length < 300, `${message.length} characters`);
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
  "(b < c or c < a) and a < b or b < a ? a : b",
  "not (a < b and b < c) ? a : not (a < c) ? b : c",
  "(a < b ? a : b) * (a < c ? b : c)",
  "a < b ? (c < a ? 1 : 2) : 3",
  "max(a + b, -min(a, b * c)) - 1e-7 * 1.5e21",
  "-abs(a) ^ b ^ 2 * square(b) ^ -1.5 - (a ^ 2) ^ -c",
  "pow(abs(a), 2.5) + xlogy(square(a), square(b) + 1)",
  "square(-a) + sqrt(square(a + b)) - -(-(c))",
  "softplus(-abs(a)) * sigmoid(b) + log1p(exp(-c)) + log(square(a) + 1)",
  "hinge(a - b) + hinge(1 - a * b) + sign(c) * abs(a)",
  "(a <= b ? 1 : 0) + (a >= b ? 2 : 0) + (a == b ? 4 : 0) + (a != b ? 8 : 0) + (a > b ? 16 : 0)",
  "pi * a / 2",
  "max(a, -Infinity) - min(b, Infinity) * (a == NaN ? 1 : -0)",
];

describe("text → graph → text", () => {
  for (const text of TEXTS) {
    it(text, () => {
      const graph = new Graph();
      const node = parse(graph, text);
      assertStrictEquals(parse(graph, print(node)), node, print(node));
    });
  }

  it("prints what is computed from numbers, too", () => {
    const graph = new Graph();
    const a = graph.symbol("a");
    for (const value of [Infinity, -Infinity, NaN, -0, 5e-324, 1.7976931348623157e308, Math.PI]) {
      const product = graph.apply(
        "sub",
        graph.number(value),
        graph.apply("mul", a, graph.number(value)),
      );
      assertStrictEquals(parse(graph, print(product)), product, print(product));
    }
  });

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

  it("visits shared nodes once: 2¹⁰⁰ ways lead from here to x", () => {
    const graph = new Graph();
    let node = graph.symbol("x");
    for (let i = 0; i < 100; i++) node = graph.apply("add", node, node);
    assertEquals(symbolsOf(node), ["x"]);
    assertEquals(
      argumentsFirst(node).map(({ height }) => height),
      Array.from({ length: 101 }, (_, i) => i),
    );
    const slope = derivative(graph, node, "x");
    assertEquals(slope.value, 2 ** 100);
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

  it("refuses what is not a number or a list of numbers, and says what it is", () => {
    const formula = new Formula("x");
    const wrong: [value: unknown, message: string][] = [
      [null, "as 'x' must be a number or a list of numbers: current value is null"],
      [1n, "as 'x' must be a number or a list of numbers: current value is 1n"],
      [true, "as 'x' must be a number or a list of numbers: current value is true"],
      ["12", "as 'x' must be a number or a list of numbers: current value is \"12\""],
      [
        {},
        "as 'x' must be a number or a list of numbers: current value is an object of class Object",
      ],
      [
        new Map(),
        "as 'x' must be a number or a list of numbers: current value is an object of class Map",
      ],
      [{ length: -1 }, "as 'x' must be a number or a list of numbers"],
      [{ length: 0.5 }, "as 'x' must be a number or a list of numbers"],
      [
        (x: number) => x,
        "as 'x' must be a number or a list of numbers: current value is a function",
      ],
      [Symbol("x"), "as 'x' must be a number or a list of numbers: current value is Symbol(x)"],
      [[1, "2"], "as 'x' must hold numbers only: element 1 is \"2\""],
      [[1, , 3], "as 'x' must hold numbers only: element 1 is undefined"],
      [BigInt64Array.of(1n), "as 'x' must hold numbers only: element 0 is 1n"],
      [[[1], [2]], "as 'x' must hold numbers only: element 0 is [1]"],
    ];
    for (const [x, message] of wrong) {
      const scope = { x } as Record<string, number>;
      assertThrows(
        () => formula.evaluate(scope),
        TypeError,
        `Cannot evaluate the formula ${message}`,
      );
    }
    for (const scope of [null, undefined, 3] as unknown as Record<string, number>[]) {
      assertThrows(() => formula.evaluate(scope), TypeError, "as scope must be an object");
    }
    assertThrows(
      () => formula.evaluate({ x: 1 }, "float16" as "float32"),
      RangeError,
      'as dtype must be "float32" or "float64": current value is "float16"',
    );
  });

  it("refuses what is not a string or not an object", () => {
    for (const text of [undefined, null, 3, ["x"]] as unknown as string[]) {
      assertThrows(
        () => new Formula(text),
        TypeError,
        "Cannot parse the formula as it must be a string: current value is",
      );
      assertThrows(
        () => new Formula("x").derivative(text),
        TypeError,
        "Cannot differentiate the formula as the symbol must be a string: current value is",
      );
    }
    assertThrows(
      () => new Formula("x").latex(null as unknown as Record<string, string>),
      TypeError,
      "Cannot print the formula as names must be an object",
    );
  });

  it("reads all values before it computes: a getter may evaluate another formula", () => {
    const formula = new Formula("100 * x + 10 * y + z");
    const other = new Formula("exp(a) + exp(b) + exp(c)");
    const disturb = () => {
      other.evaluate({ a: [3, 3], b: [5, 5], c: [7, 7] });
      formula.evaluate({ x: 7, y: [7, 7, 7], z: 7 });
    };
    const listed = (...values: number[]) =>
      new Proxy(values, {
        get: (target, name) => {
          disturb();
          return Reflect.get(target, name);
        },
      });
    const scope = {
      x: [1, 2],
      get y() {
        disturb();
        return listed(3, 4);
      },
      z: listed(5, 6),
    };
    assertEquals([...formula.evaluate(scope)], [135, 246]);
  });

  for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
    it(`takes '${name}' for a symbol like any other`, () => {
      const formula = new Formula(`${name} * ${name} + 1`);
      assertEquals(formula.symbols, [name]);
      assertThrows(() => formula.evaluate({}), RangeError, `as '${name}' has no value`);
      const scope = Object.fromEntries([[name, [2, 3]]]);
      assertEquals([...formula.evaluate(scope)], [5, 10]);
      assertEquals([...formula.derivative(name).evaluate(scope)], [4, 6]);
      assertEquals(typeof formula.latex(), "string");
      assertStringIncludes(formula.latex(Object.fromEntries([[name, "\\alpha"]])), "\\alpha");
    });
  }

  it("refuses to evaluate a condition", () => {
    assertThrows(() => new Formula("x < 1").evaluate({ x: 0 }), TypeError, "as it is a condition");
  });
});

describe("a formula of any size", () => {
  /** One of the deepest formulas that there may be, by how it becomes deep. */
  const deep: Readonly<Record<string, (levels: number) => string>> = {
    "a sum": (n) => Array(n + 1).fill("x").join(" + "),
    "a difference": (n) => Array(n + 1).fill("x").join(" - "),
    "a product": (n) => Array(n + 1).fill("x").join(" * "),
    "a quotient": (n) => Array(n + 1).fill("x").join(" / "),
    "signs": (n) => "-".repeat(n) + "x",
    // The innermost condition is one level deeper than its branches.
    "conditions": (n) => "x < 1 ? x : ".repeat(n - 1) + "x",
  };
  const nested: Readonly<Record<string, (levels: number) => string>> = {
    "parentheses": (n) => "(".repeat(n) + "x" + ")".repeat(n),
    "functions": (n) => "abs(".repeat(n) + "x" + ")".repeat(n),
    "second arguments": (n) => "max(1, ".repeat(n) + "x" + ")".repeat(n),
    "exponents": (n) => "x ^ ".repeat(n) + "1",
    "signs in exponents": (n) => "x ^ -".repeat(n) + "1",
  };

  for (const [name, text] of Object.entries(deep)) {
    it(`may have operators nested 1000 levels deep: ${name}`, () => {
      const formula = new Formula(text(1000));
      assertEquals(formula.symbols, ["x"]);
      assertEquals(typeof formula.latex(), "string");
      assertEquals(formula.evaluate({ x: [0.5, 1] }).length, 2);
      assertThrows(
        () => new Formula(text(1001)),
        RangeError,
        "Cannot build the formula as its operators are nested more than 1000 levels deep",
      );
      assertThrows(() => new Formula(text(50_000)), RangeError, "more than 1000 levels deep");
    });
  }

  for (const [name, text] of Object.entries(nested)) {
    it(`may have parentheses and exponents nested 200 levels deep: ${name}`, () => {
      const formula = new Formula(text(200));
      assertEquals(typeof formula.latex(), "string");
      assertEquals(formula.evaluate({ x: [0.5, 1] }).length, 2);
      assertThrows(
        () => new Formula(text(201)),
        RangeError,
        "Cannot parse the formula as its parentheses and exponents are nested more than 200 levels deep",
      );
      assertThrows(() => new Formula(text(30_000)), RangeError, "more than 200 levels deep");
    });
  }

  it("may have a million characters", () => {
    const name = "x".repeat(1_000_000);
    assertEquals(new Formula(name).symbols, [name]);
    assertThrows(
      () => new Formula(`${name} `),
      RangeError,
      "Cannot parse the formula as it is longer than 1000000 characters: current length is 1000001",
    );
  });

  it("has a derivative, unless that is too large to be a formula", () => {
    assertEquals(new Formula(deep["a sum"](1000)).derivative("x").text, "1001");
    const product = new Formula(deep["a product"](150)).derivative("x");
    assertEquals(product.evaluate({ x: 1 })[0], 151);
    const tooLarge: [text: string, message: string][] = [
      [deep["a product"](1000), "more than 1000 levels deep"],
      [deep["a product"](300), "more than 200 levels deep"],
      // The derivative of min contains that of its argument twice.
      ["min(".repeat(60) + "x" + ", 1 - x)".repeat(60), "longer than 1000000 characters"],
    ];
    for (const [text, message] of tooLarge) {
      assertThrows(() => new Formula(text).derivative("x"), RangeError, message);
    }
  });

  /** Runs code for each of some formulas with a stack of so many kB; usual are 984. */
  function runWithStack(size: number, texts: readonly string[], code: string): void {
    const program = `
      import { Formula } from "${new URL("../../losses/_core/formula.ts", import.meta.url)}";
      for (const text of ${JSON.stringify(texts)}) {
        const formula = new Formula(text);
        ${code}
      }
    `;
    const { success, stderr } = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", `--v8-flags=--stack-size=${size}`, program],
      env: { NO_COLOR: "1" },
    }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
  }

  it("is read, printed, differentiated and compiled with half of the usual stack", () => {
    const texts = [
      ...Object.values(deep).map((text) => text(1000)),
      ...Object.values(nested).map((text) => text(200)),
      // The parser recurses for every precedence: as many parentheses as 1000 levels of operators allow.
      "(x < 1 or x < 2 and 1 < 1 + 1 * ".repeat(160) + "x" + " ? 1 : 2)".repeat(160),
    ];
    runWithStack(
      492,
      texts,
      `
        formula.latex();
        formula.evaluate({ x: 1 });
        try {
          formula.derivative("x").latex();
        } catch (error) {
          if (!/levels deep|characters/.test(error.message)) throw error;
        }
      `,
    );
  });

  it("is compiled with a fifth of the usual stack", () => {
    const texts = Object.values(deep).map((text) => text(1000));
    runWithStack(197, texts, "formula.evaluate({ x: 1 });");
  });

  it("has room for many symbols", () => {
    const names = Array.from({ length: 900 }, (_, i) => `x${i}`);
    const scope = Object.fromEntries(names.map((name, i) => [name, [i, 2 * i, 3 * i]]));
    const found = new Formula(names.join(" + ")).evaluate(scope);
    const sum = 900 * 899 / 2;
    assertEquals([...found], [sum, 2 * sum, 3 * sum]);
  });
});
