/** Any name is free to use in a definition, whatever the engine and JavaScript call their own things. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { defineLoss } from "@lossbook/losses";

/** Names of operands inside the engine, of members of all objects, of functions in formulas. */
const TAKEN = [
  ...["w", "g", "m", "s", "value", "total", "scale", "upstream", "weight", "center", "offenders"],
  ...[
    "tile",
    "row",
    "element",
    "param",
    "run",
    "arriving",
    "kept",
    "grad_input",
    "grad_target",
    "reduction",
  ],
  ...["constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "prototype", "name"],
  ...[
    "exp",
    "log",
    "max",
    "min",
    "sum",
    "mean",
    "abs",
    "sqrt",
    "pow",
    "sigmoid",
    "hinge",
    "e",
    "i",
  ],
  ...["Infinity_", "input", "target", "grad", "out", "wrt", "x1", "X", "nan", "the"],
];

/** A loss with chosen names: scale · Σ exp((x - y) · option), by rows or element by element. */
function build(names: { x: string; y: string; option: string; row: string }) {
  const { x, y, option, row } = names;
  const body = `exp((${x} - ${y}) * ${option})`;
  const parts = { arguments: { input: x, target: y }, options: { [option]: 2 } };
  return {
    elements: defineLoss({ name: "Elements", ...parts, value: body }),
    rows: defineLoss({
      name: "Rows",
      ...parts,
      rows: { [row]: `sum(${body})` },
      value: `log(${row})`,
    }),
    expressions: defineLoss({
      name: "Expressions",
      ...parts,
      rows: { [row]: `(${x} - ${y}) * ${option}`, another: `sum(exp(${row}))` },
      value: "log(another)",
    }),
  };
}

const PLAIN = { x: "x", y: "y", option: "o", row: "r" };

const ARGS = [[[0.5, -1], [2, 0.25]], [[0.1, 0.2], [0.3, 0.4]]] as [number[][], number[][]];

function numbers(names: typeof PLAIN) {
  const { elements, rows, expressions } = build(names);
  return [elements, rows, expressions].map((Class) => {
    // A weight and an upstream gradient bring in all operands that the engine has.
    const none = new Class({ reduction: "none" }).forward(...ARGS);
    const loss = new Class({ reduction: "none", weight: none });
    const wrt = ["input", "target", "weight"] as const;
    const { value, grad } = loss.valueAndGrad(...ARGS, { wrt, gradOutput: none });
    return { value, ...grad };
  });
}

describe("names", () => {
  const wanted = numbers(PLAIN);

  for (const place of ["x", "y", "option", "row"] as const) {
    it(`are free as ${place === "row" ? "a row" : place === "option" ? "an option" : `a symbol`} (${place})`, () => {
      for (const name of TAKEN) {
        if (place === "option" && ["weight", "reduction"].includes(name)) continue;
        assertEquals(numbers({ ...PLAIN, [place]: name }), wanted, name);
      }
    });
  }

  it("of arguments are free too", () => {
    for (const name of [...TAKEN, "weight"]) {
      const other = name === "other" ? "another" : "other";
      const Class = defineLoss({
        name: "Arguments",
        arguments: { [name]: "x", [other]: "y" },
        value: "square(x) * y",
        wrt: [name, other],
      });
      const out = { [other]: new Float64Array(2) };
      const { grad } = new Class().valueAndGrad([1, 3], [2, 4], { wrt: [name, other], out });
      assertEquals(Object.keys(grad).toSorted(), [name, other].toSorted());
      assertEquals(grad[name].data, Float64Array.of(2 * 1 * 2 / 2, 2 * 3 * 4 / 2), name);
      assertEquals(grad[other].data, Float64Array.of(1 / 2, 9 / 2), name);
      assertEquals(out[other], grad[other].data);
    }
  });

  it("of arguments are free with rows too, and each gradient knows its own", () => {
    for (const name of [...TAKEN, "weight"]) {
      const Class = defineLoss({
        name: "Arguments",
        arguments: { other: "y", [name]: "x" },
        rows: { r: "sum(square(x) * y)" },
        value: "r",
      });
      const out = { [name]: new Float64Array(2) };
      const { grad } = new Class().valueAndGrad([2, 4], [1, 3], { wrt: [name], out });
      assertEquals(grad[name].data, Float64Array.of(2 * 1 * 2, 2 * 3 * 4), name);
      assertEquals(Object.keys(new Class().valueAndGrad([2, 4], [1, 3]).grad), ["other"]);
    }
  });

  it("of options have their default until they are given", () => {
    for (const name of ["constructor", "toString", "valueOf", "hasOwnProperty"]) {
      for (const rows of [undefined, { r: `sum(x * ${name})` }]) {
        const Class = defineLoss({
          name: "Options",
          arguments: { input: "x" },
          options: { [name]: 3 },
          ...rows && { rows },
          value: rows ? "r" : `x * ${name}`,
        });
        assertEquals(new Class().forward([2]).item(), 6);
        assertEquals(new Class({ [name]: 5 }).forward([2]).item(), 10);
      }
    }
  });

  it("that are no letters and words, operators or constants are refused", () => {
    const unusable = ["__proto__", "and", "or", "not", "pi", "2x", "x y", "", "x.y", "größe"];
    for (const name of unusable) {
      for (
        const definition of [
          { arguments: { input: name }, value: "1" },
          { arguments: { input: "x" }, options: JSON.parse(`{"${name}": 1}`), value: "1" },
          { arguments: { input: "x" }, rows: JSON.parse(`{"${name}": "sum(x)"}`), value: "1" },
        ]
      ) {
        assertThrows(
          () => defineLoss({ name: "Unusable", ...definition }),
          TypeError,
          `must be a letter or a word, of A to Z, digits and _, and no constant: current value is "${name}"`,
          name,
        );
      }
      if (["and", "or", "not", "pi"].includes(name)) continue; // Fine names for an argument.
      assertThrows(
        () =>
          defineLoss({ name: "Unusable", arguments: JSON.parse(`{"${name}": "x"}`), value: "1" }),
        TypeError,
        `an argument must have a name such as input: current value is "${name}"`,
      );
    }
  });
});
