/** What a definition and a loss of one's own refuse: by class of error, and in which words. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { defineLoss, float64, int32 } from "@lossbook/losses";
import { definitions } from "./definitions.ts";

const base = { name: "Mine", arguments: { input: "x", target: "y" }, value: "square(x - y)" };
type ErrorClass = typeof TypeError | typeof RangeError | typeof SyntaxError;
const define = (changes: object) => defineLoss({ ...base, ...changes } as never);

describe("a definition refuses", () => {
  const cases: [what: string, changes: object, Class: ErrorClass, message: string][] = [
    [
      "a name that is none",
      { name: "focal loss" },
      TypeError,
      'Cannot define a loss as name must be a name such as "FocalLoss": current value is "focal loss"',
    ],
    ["no name", { name: undefined }, TypeError, "current value is undefined"],
    [
      "what is no part of it",
      { formula: "x" },
      TypeError,
      "Cannot define Mine as 'formula' is no part of a definition: did you mean 'value'? known are name, arguments, options, rows, value, grad, wrt",
    ],
    ...[
      ["args", "did you mean 'arguments'? "],
      ["argument", "did you mean 'arguments'? "],
      ["params", "did you mean 'options'? "],
      ["forward", "did you mean 'value'? "],
      ["gradient", "did you mean 'grad'? "],
      ["reduction", "it is an option of every loss, as in new Mine({ reduction: … }); "],
      ["colour", ""],
      ["toString", ""],
    ].map(([part, remedy]): typeof cases[number] => [
      `${part}, which is no part of it either`,
      { [part]: "x" },
      TypeError,
      `Cannot define Mine as '${part}' is no part of a definition: ${remedy}known are`,
    ]),
    [
      "no arguments",
      { arguments: {} },
      TypeError,
      'Cannot define Mine as arguments must be an object such as { input: "x", target: "y" }: current value is an object of class Object',
    ],
    ["a list of arguments", { arguments: ["x"] }, TypeError, 'current value is ["x"]'],
    ["a symbol that is no text", { arguments: { input: 3 } }, TypeError, "current value is 3"],
    [
      "one symbol for two things",
      { arguments: { input: "x", target: "x" } },
      RangeError,
      "Cannot define Mine as 'x' stands for the argument input and for the argument target: give one of them another",
    ],
    [
      "an option under the symbol of an argument",
      { options: { x: 1 } },
      RangeError,
      "Cannot define Mine as 'x' stands for the argument input and for the option x",
    ],
    [
      "a row under the name of an option",
      { options: { s: 1 }, rows: { s: "sum(x)" } },
      RangeError,
      "Cannot define Mine as 's' stands for the option s and for the row s",
    ],
    [
      "an option that every loss has",
      { options: { weight: 1 } },
      RangeError,
      "Cannot define Mine as every loss has an option weight already: give this one another name",
    ],
    [
      "options that are none",
      { options: [1] },
      TypeError,
      "options must be an object such as { gamma: 2 }",
    ],
    [
      "an option without a number",
      { options: { gamma: "2" } },
      TypeError,
      'Cannot define Mine as option gamma must be a number, or { default, valid, wanted }: current value is "2"',
    ],
    [
      "an option without a default",
      { options: { gamma: { valid: () => true } } },
      TypeError,
      "option gamma must be a number",
    ],
    [
      "valid that is no function",
      { options: { gamma: { default: 1, valid: true } } },
      TypeError,
      "option gamma must have a function valid",
    ],
    [
      "a default that is not allowed",
      { options: { gamma: { default: -1, valid: (v: number) => v > 0, wanted: "> 0" } } },
      RangeError,
      "Cannot define Mine as the default of gamma must be > 0: current value is -1",
    ],
    [
      "NaN as a default",
      { options: { gamma: NaN } },
      RangeError,
      "the default of gamma must be a number: current value is NaN",
    ],
    [
      "no value",
      { value: undefined },
      TypeError,
      'Cannot define Mine as value must be a formula such as "square(x - y)": current value is undefined',
    ],
    [
      "a function for a value",
      { value: (x: number, y: number) => x - y },
      TypeError,
      'value must be a formula such as "square(x - y)": current value is a function',
    ],
    [
      "a condition for a value",
      { value: "x > y" },
      TypeError,
      "Cannot define Mine as value must be a number, not a condition: write 'x > y ? 1 : 0'",
    ],
    [
      "a sum of conditions",
      { rows: { s: "sum(x > y)" }, value: "s" },
      TypeError,
      "Cannot define Mine as row s must be a number, not a condition: write 'x > y ? 1 : 0'",
    ],
    [
      "a value that is no formula",
      { value: "square(x - " },
      SyntaxError,
      "Cannot parse the formula",
    ],
    ["an unknown function", { value: "sin(x)" }, SyntaxError, "'sin' is not a function"],
    [
      "a symbol that nobody has defined",
      { value: "square(x - y) * delta" },
      RangeError,
      "Cannot define Mine as value uses 'delta', which is no argument, option or row above it: known are x, y",
    ],
    [
      "the name of an argument in the place of its symbol",
      { value: "input - y" },
      RangeError,
      "value uses 'input', which is no argument, option or row above it: the symbol of input is 'x'; known are x, y",
    ],
    ...[
      ["gama * x", "did you mean 'gamma'? "],
      ["X", "did you mean 'x'? "],
      ["PI * x", "did you mean 'pi'? "],
      ["inf * x", "did you mean 'Infinity'? "],
      ["e ^ x", "write exp(x) for its powers; "],
    ].map(([value, remedy]): typeof cases[number] => [
      `an unknown symbol in ${value}`,
      { options: { gamma: 1 }, value },
      RangeError,
      `, which is no argument, option or row above it: ${remedy}known are x, y, gamma`,
    ]),
    [
      "a row that stands below the one that uses it",
      { rows: { s: "sum(x - m)", m: "max(x)" }, value: "s" },
      RangeError,
      "Cannot define Mine as row s uses 'm', which is no argument, option or row above it: the row m must stand above; known are x, y",
    ],
    [
      "a reduction in the value",
      { value: "sum(square(x - y))" },
      SyntaxError,
      "Cannot define Mine as value holds the reduction 'sum(square(x - y))', which must be a row of its own",
    ],
    [
      "a reduction inside of another",
      { rows: { s: "sum(exp(x - max(x)))" }, value: "s" },
      SyntaxError,
      "Cannot define Mine as row s holds the reduction 'max(x)', which must be a row of its own, such as { m: \"max(x)\" }",
    ],
    [
      "half of a reduction",
      { rows: { s: "mean(x) / 2" }, value: "s" },
      SyntaxError,
      "row s holds the reduction 'mean(x)'",
    ],
    ["no rows", { rows: {} }, TypeError, 'rows must be an object such as { m: "max(x)" }'],
    [
      "a row that is no text",
      { rows: { m: 1 }, value: "m" },
      TypeError,
      "Cannot define Mine as row m must be a formula: current value is 1",
    ],
    [
      "a gradient of no argument",
      { grad: { x: "2 * (x - y)" } },
      TypeError,
      "Cannot define Mine as grad names 'x', which is no argument: did you mean 'input'? known are input, target",
    ],
    [
      "a misspelt argument in grad",
      { grad: { inputs: "2 * (x - y)" } },
      TypeError,
      "grad names 'inputs', which is no argument: did you mean 'input'? known are",
    ],
    [
      "one gradient without its argument",
      { grad: "2 * (x - y)" },
      TypeError,
      'grad must be an object of formulas such as { input: "2 * (x - y)" }: current value is "2 * (x - y)"',
    ],
    [
      "a gradient that is no text",
      { grad: { input: 2 } },
      TypeError,
      "Cannot define Mine as grad input must be a formula: current value is 2",
    ],
    [
      "a gradient of unknown symbols",
      { grad: { input: "2 * e" } },
      RangeError,
      "Cannot define Mine as grad.input uses 'e'",
    ],
    [
      "wrt that names no argument",
      { wrt: ["x"] },
      TypeError,
      'Cannot define Mine as wrt must be an array of arguments, of input, target: current value is ["x"]',
    ],
    [
      "wrt that names an argument twice",
      { wrt: ["input", "input"] },
      TypeError,
      'Cannot define Mine as wrt must name each argument once: current value is ["input", "input"]',
    ],
    // Looking at each of the holes would take half a minute.
    ["wrt of holes", { wrt: new Array(2 ** 32 - 1) }, TypeError, "an array of 4294967295"],
    ["wrt that is no list", { wrt: "input" }, TypeError, 'current value is "input"'],
  ];
  for (const [what, changes, Class, message] of cases) {
    it(what, () => {
      assertThrows(() => define(changes), Class, message);
    });
  }

  it("what is no object", () => {
    for (const [given, shown] of [[undefined, "undefined"], ["x - y", '"x - y"'], [[], "[]"]]) {
      assertThrows(
        () => defineLoss(given as never),
        TypeError,
        `Cannot define a loss as the definition must be an object such as { name: "MyLoss", arguments: { input: "x", target: "y" }, value: "square(x - y)" }: current value is ${shown}`,
      );
    }
  });
});

describe("a gradient that is not the derivative of the value is refused", () => {
  const refused: [what: string, changes: object][] = [
    ["a sign", { grad: { input: "2 * (y - x)" } }],
    ["a factor", { grad: { input: "x - y" } }],
    ["an offset of 1e-4", { grad: { input: "2 * (x - y) + 1e-4" } }],
    ["of another argument than the first", { grad: { target: "2 * (x - y)" } }],
    ["in one of two pieces", { grad: { input: "x > 2 ? 0 : 2 * (x - y)" } }],
    ["with another option than the default", {
      options: { p: 2 },
      value: "pow(abs(x - y), p)",
      grad: { input: "2 * (x - y)" },
    }],
    ["of a row", {
      rows: { s: "sum(square(x - y))" },
      value: "s / 2",
      grad: { input: "2 * (x - y)" },
    }],
    ["of a row through a line that is no reduction", {
      rows: { e: "x - y", s: "sum(square(e))" },
      value: "s",
      grad: { input: "3 * e" },
    }],
    ["of a number per row", {
      rows: { s: "sum(x)" },
      value: "square(s - y)",
      grad: { target: "2 * (s - y)" },
    }],
    ["of a number per row, in one of two pieces", {
      rows: { s: "sum(x)" },
      value: "square(s - y)",
      grad: { target: "y > 2 ? 0 : 2 * (y - s)" },
    }],
    ["without the way through a reduction", {
      rows: { m: "mean(x)", s: "sum(square(x - m) * y)" },
      value: "s",
      grad: { input: "2 * (x - m) * y" },
    }],
  ];
  for (const [what, changes] of refused) {
    it(what, () => {
      const { message } = assertThrows(() => define(changes), RangeError) as Error;
      assert(
        /^Cannot define Mine as grad\.(input|target) is not the derivative of value: at x = /.test(
          message,
        ),
        message,
      );
      assert(/ it is \S+, and the derivative is \S+$/.test(message), message);
    });
  }

  it("but any form of the derivative is taken, and kinks are passed over", () => {
    define({ grad: { input: "x + x - 2 * y", target: "-(2 * x - 2 * y)" } });
    define({ value: "abs(x - y)", grad: { input: "x > y ? 1 : -1" } });
    define({ value: "hinge(1 - x * y)", grad: { input: "x * y < 1 ? -y : 0" } });
    define({ value: "log(x)", grad: { input: "1 / x" } });
    define({
      rows: { m: "max(x)", s: "sum(exp(x - m))", a: "sum(y)", c: "sum(y * (x - m))" },
      value: "a * log(s) - c",
      grad: { input: "exp(x - m) / s * a - y" },
    });
  });
});

describe("a loss of one's own refuses in a call", () => {
  it("shapes that do not go together, element by element", () => {
    assertThrows(
      () => new definitions.larger().forward([[1], [2], [3]], [1, 2, 3]),
      RangeError,
      "Cannot compute Larger as the shapes of input and target do not go together: current shapes are (3, 1) and (3,)",
    );
  });

  it("shapes that do not go together, with rows", () => {
    const input = [[1, 2, 3], [4, 5, 6], [7, 8, 9]];
    // A number per row is read as (2, 1).
    for (const [target, shown] of [[[[1, 2]], "(1, 2)"], [[1, 2], "(2, 1)"]] as const) {
      assertThrows(
        () => new definitions.norms().forward(input, target as never),
        RangeError,
        "Cannot compute Norms as the shapes of input and target do not go together: " +
          `current shapes are (3, 3) and ${shown}`,
      );
    }
  });

  it("a number per element where the value needs one per row", () => {
    assertThrows(
      () => new definitions.margins().forward([[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [4, 5, 6]]),
      RangeError,
      'Cannot compute Margins as margin is used in value and must have one number per row, (2,): current shape is (2, 3); reduce it in rows, such as { s: "sum(t)" }',
    );
  });

  it("a weight of another shape than the loss", () => {
    const input = [[1, 2, 3], [4, 5, 6]];
    for (const [weight, shown] of [[[1, 2, 3], "(3,)"], [input, "(2, 3)"], [1, "()"]] as const) {
      assertThrows(
        () => new definitions.extremes({ weight }).forward(input),
        RangeError,
        `Cannot compute Extremes as weight must have the shape of the loss, (2,): current shape is ${shown}`,
      );
    }
    assertThrows(
      () => new definitions.larger({ weight: [1, 2] }).forward([1, 2, 3], 0),
      RangeError,
      "Cannot compute Larger as weight must have the shape of the loss, (3,): current shape is (2,)",
    );
  });

  it("whole numbers where it differentiates by default", () => {
    for (const Class of [definitions.larger, definitions.norms]) {
      assertThrows(
        () => new Class().forward(int32([1, 2]), [1, 2]),
        TypeError,
        `Cannot compute ${Class.name} as input must be float32 or float64: current dtype is int32`,
      );
    }
  });

  it("an option that is not allowed", () => {
    for (const rows of [undefined, { s: "sum(x * p)" }]) {
      const Class = defineLoss({
        name: "Power",
        arguments: { input: "x" },
        options: { p: { default: 1, valid: (p: number) => p > 0, wanted: "> 0" } },
        ...rows && { rows },
        value: rows ? "s" : "x * p",
      });
      assertThrows(
        () => new Class({ p: 0 }),
        RangeError,
        "Cannot make Power as p must be > 0: current value is 0",
      );
      assertThrows(() => new Class({ p: NaN }), RangeError, "current value is NaN");
      assertThrows(() => new Class({ p: "1" as never }), TypeError, 'current value is "1"');
      assertThrows(
        () => new Class({ q: 1 } as never),
        TypeError,
        "Cannot make Power as option 'q' is unknown: known are p, reduction, weight",
      );
    }
  });

  it("an option that valid does not allow, in words of its own if there are no others", () => {
    const Class = defineLoss({
      name: "Power",
      arguments: { input: "x" },
      options: { p: { default: 1, valid: (p: number) => p > 0 } },
      value: "x * p",
    });
    assertThrows(
      () => new Class({ p: 0 }),
      RangeError,
      "Cannot make Power as p must be a number that its definition allows: current value is 0",
    );
  });

  it("and leaves buffers as they were", () => {
    const out = { input: new Float64Array(6).fill(7) };
    const input = float64([[1, 2, 3], [4, 5, 6]]);
    assertThrows(() => new definitions.margins().valueAndGrad(input, [1, 2, 3], { out }));
    assertThrows(() => new definitions.extremes({ weight: [1] }).valueAndGrad(input, { out }));
    assertEquals([...out.input], [7, 7, 7, 7, 7, 7]);
  });
});
