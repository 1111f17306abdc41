/** Whatever a loss of one's own is defined with, it becomes a loss that works or an error of the library. */
import fc from "fast-check";
import { defineLoss, type Tensor } from "@lossbook/losses";
import { problemOf } from "../hostile/errors.ts";
import { OBJECT_TRICKS } from "../hostile/objects.ts";
import { Boom, disturbOnce, STRANGERS } from "../hostile/tensors.ts";
import { property, Violation } from "../property.ts";

const CLASSES = [TypeError, RangeError, SyntaxError];

/** A definition with something in each of its parts. */
const ELEMENTWISE = {
  name: "OwnLoss",
  arguments: { input: "x", target: "y" },
  options: { gamma: 2 },
  value: "pow(abs(x - y), gamma)",
  grad: { target: "gamma * pow(abs(x - y), gamma - 1) * sign(y - x)" },
  wrt: ["input"],
};
const ROWWISE = {
  name: "OwnLoss",
  arguments: { input: "x", target: "y" },
  options: { gamma: 2 },
  rows: { m: "max(x)", s: "sum(exp(x - m) * y)" },
  value: "gamma * log(s) + m",
};

/** Texts that are no formulas, or have something that does not belong into a definition. */
const TEXTS: Readonly<Record<string, string>> = {
  "an unknown symbol": "x + z",
  "an inherited name": "x + constructor",
  "a condition": "x < y",
  "a sum of rows": "sum(x)",
  "a sum in a sum": "sum(sum(x))",
  "an open parenthesis": "max(x",
  "a comma too much": "max(x, )",
  "a constant": "1",
  "infinity": "x * Infinity",
  "10,000 parentheses": `${"(".repeat(10_000)}x${")".repeat(10_000)}`,
  "10,000 terms": Array(10_000).fill("x").join(" + "),
  "a minimum in a minimum, 60 times": `${"min(".repeat(60)}x${", y)".repeat(60)}`,
};

interface DefinitionCase {
  readonly isRowwise: boolean;
  /** The part that is replaced; none for the definition itself. */
  readonly part: string;
  readonly by: string;
}

const PARTS = ["name", "arguments", "options", "rows", "value", "grad", "wrt"];
const things = [
  ...Object.keys(STRANGERS).map((name) => `stranger: ${name}`),
  ...Object.keys(OBJECT_TRICKS).map((name) => `object: ${name}`),
  ...Object.keys(TEXTS).map((name) => `text: ${name}`),
];

function thing(by: string, plain: unknown): unknown {
  const [kind, name] = by.split(": ");
  if (kind === "text") return TEXTS[name];
  if (kind === "stranger") return STRANGERS[name]();
  if (typeof plain !== "object" || plain === null || Array.isArray(plain)) return plain;
  const trick = OBJECT_TRICKS[name];
  return (trick.fits?.(plain as Record<string, unknown>) ?? true)
    ? trick.make(plain as Record<string, unknown>)
    : plain;
}

interface Own {
  valueAndGrad(...args: unknown[]): { value: Tensor };
}

/** Defines the loss, runs others, and calls it. */
function use(definition: unknown): number {
  const Class = defineLoss(definition as never) as unknown as new () => Own;
  disturbOnce();
  return new Class().valueAndGrad([[0.5, 2]], [[1, 3]]).value.item();
}

function check({ isRowwise, part, by }: DefinitionCase): void {
  const base: Record<string, unknown> = isRowwise ? ROWWISE : ELEMENTWISE;
  const definition = part === "" ? thing(by, base) : { ...base, [part]: thing(by, base[part]) };
  const what = `a definition with ${by} in place of ${part || "itself"}`;
  const start = performance.now();
  try {
    const found = use(definition);
    if (typeof found !== "number") throw new Violation(`${what} gives ${found}`);
  } catch (error) {
    if (error instanceof Violation) throw error;
    if (error instanceof Boom || /proxy that has been revoked/.test(String(error))) return;
    const problem = problemOf(error, CLASSES);
    if (problem !== undefined) throw new Violation(`${what} ${problem}`);
  }
  const seconds = (performance.now() - start) / 1000;
  if (seconds > 5) throw new Violation(`${what} takes ${seconds.toFixed(1)} s`);
}

export const hostileDefinition = property<DefinitionCase>({
  name: "hostile definition",
  cases: fc.record({
    isRowwise: fc.boolean(),
    part: fc.constantFrom("", ...PARTS),
    by: fc.constantFrom(...things),
  }),
  casesPerRound: 60,
  check,
  reproduce: (value) =>
    `import { define } from "./tests/fuzz/properties/hostile_definition.ts"; define(${
      JSON.stringify(value)
    });`,
});

/** Throws if such a definition neither works nor is refused. */
export function define(value: DefinitionCase): void {
  check(value);
}

/** All cases there are. */
export const DEFINITIONS: readonly DefinitionCase[] = [true, false].flatMap((isRowwise) =>
  ["", ...PARTS].flatMap((part) => things.map((by) => ({ isRowwise, part, by })))
);
