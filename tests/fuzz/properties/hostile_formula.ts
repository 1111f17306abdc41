/** Whatever a formula is made of or evaluated with, it gives the numbers of a plain call or an error of the library, soon. */
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { problemOf } from "../hostile/errors.ts";
import { Boom, STRANGERS } from "../hostile/tensors.ts";
import { property, Violation } from "../property.ts";

const CLASSES = [TypeError, RangeError, SyntaxError, ReferenceError];
const LONGEST_MS = 3000;
const TEXTS = ["x + y", "exp(x) * y", "x < y ? x : -y", "softplus(x - y)"];
const X = [0.5, -1.5, 2];

/** What a probe must answer: these very numbers, a text, or an error. */
type Wanted = readonly number[] | "a text" | "an error" | "an error or the numbers";

interface Probe {
  readonly wanted: Wanted;
  run(text: string): unknown;
}

const plain = (text: string) => [...new Formula(text).evaluate({ x: X, y: 2 })];

/** Runs other formulas, which use the same memory. */
function disturb(): void {
  new Formula("exp(x) + x").evaluate({ x: [7, 8, 9, 10] });
  new Formula("sigmoid(x)").evaluate({ x: [7, 8, 9, 10] }, "float32");
}

function behindGetters(before: () => void): number[] {
  const list: number[] = new Array(X.length);
  X.forEach((value, i) =>
    Object.defineProperty(list, i, {
      get() {
        before();
        return value;
      },
    })
  );
  return list;
}

/** Evaluates with something else in place of the numbers of x. */
const withX = (make: () => unknown, wanted: Wanted): Probe => ({
  wanted,
  run: (text) => new Formula(text).evaluate({ x: make(), y: 2 } as never),
});

const withScope = (make: () => unknown, wanted: Wanted): Probe => ({
  wanted,
  run: (text) => new Formula(text).evaluate(make() as never),
});

/** Stands for the numbers of the plain call. */
const SAME: readonly number[] = [];

function detached(): Float64Array {
  const data = Float64Array.from(X);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  return data;
}

const PROBES: Readonly<Record<string, Probe>> = {
  ...Object.fromEntries(
    Object.entries(STRANGERS)
      .map(([name, make]) => [`x is ${name}`, withX(make, "an error")]),
  ),
  ...Object.fromEntries(
    Object.entries(STRANGERS).filter(([name]) => !name.includes("class throws"))
      .map(([name, make]) => [`the scope is ${name}`, withScope(make, "an error")]),
  ),
  ...Object.fromEntries(
    Object.entries(STRANGERS).map(([name, make]): [string, Probe] => [`the text is ${name}`, {
      wanted: name === "a string" ? "an error or the numbers" : "an error",
      run: () => new Formula(make() as never).evaluate({ x: 1, y: 1 }),
    }]),
  ),
  ...Object.fromEntries(
    Object.entries(STRANGERS).map(([name, make]): [string, Probe] => [`the symbol is ${name}`, {
      // By what is no symbol of it, every formula has the derivative 0.
      wanted: "an error or the numbers",
      run: (text) => new Formula(text).derivative(make() as never).evaluate({ x: X, y: 2 }),
    }]),
  ),
  ...Object.fromEntries(
    Object.entries(STRANGERS).map(([name, make]): [string, Probe] => [`the type is ${name}`, {
      wanted: "an error",
      run: (text) => new Formula(text).evaluate({ x: X, y: 2 }, make() as never),
    }]),
  ),
  "x is like an array": withX(() => ({ ...X, length: 3 }), SAME),
  "x is a Float32Array": withX(() => Float32Array.from(X), SAME),
  "x is in shared memory": withX(() => {
    const data = new Float64Array(new SharedArrayBuffer(24));
    data.set(X);
    return data;
  }, SAME),
  "x is frozen": withX(() => Object.freeze([...X]), SAME),
  "x is a proxy": withX(() => new Proxy([...X], {}), "an error or the numbers"),
  "x is behind getters": withX(() => behindGetters(() => {}), SAME),
  "x runs other formulas": withX(() => behindGetters(disturb), SAME),
  "x throws": withX(() =>
    behindGetters(() => {
      throw new Boom("x");
    }), "an error"),
  "x has a length below 0": withX(() => ({ length: -1 }), "an error"),
  "x has a length of 1.5": withX(() => ({ length: 1.5, 0: 1 }), "an error"),
  "x has a length of NaN": withX(() => ({ length: NaN }), "an error"),
  "x has a length of 2^53": withX(() => ({ length: 2 ** 53 }), "an error"),
  "x has a length that is a text": withX(() => ({ ...X, length: "3" }), "an error or the numbers"),
  "x was given away": withX(detached, "an error"),
  "x is undefined": withX(() => undefined, "an error"),
  "the scope has no prototype": withScope(
    () => Object.assign(Object.create(null), { x: X, y: 2 }),
    SAME,
  ),
  "the scope has more names": withScope(() => ({ x: X, y: 2, z: null, constructor: 1 }), SAME),
  "the scope is a proxy": withScope(() => new Proxy({ x: X, y: 2 }, {}), "an error or the numbers"),
  "the scope inherits x": withScope(
    () => Object.assign(Object.create({ x: X }), { y: 2 }),
    "an error or the numbers",
  ),
  "the scope runs other formulas": withScope(() => ({
    get x() {
      disturb();
      return X;
    },
    get y() {
      disturb();
      return 2;
    },
  }), SAME),
  "a symbol called constructor": {
    wanted: "an error",
    run: () => new Formula("constructor + 1").evaluate({}),
  },
  "a symbol called toString, as a number": {
    wanted: "an error",
    run: () => new Formula("toString * 2").evaluate({}),
  },
  "a symbol called toString, on the page": {
    wanted: "a text",
    run: () => new Formula("toString").latex(),
  },
  "a symbol called constructor, on the page": {
    wanted: "a text",
    run: () => new Formula("square(constructor)").latex({}),
  },
  "a symbol called valueOf, with a value": {
    wanted: [3],
    run: () => new Formula("valueOf + 1").evaluate({ valueOf: 2 } as never),
  },
  "a function called hasOwnProperty": {
    wanted: "an error",
    run: () => new Formula("hasOwnProperty(x)"),
  },
  "names that are null": {
    wanted: "an error",
    run: (text) => new Formula(text).latex(null as never),
  },
  "the symbol constructor": {
    wanted: [0],
    run: () => new Formula("1 + 1").derivative("constructor").evaluate({}),
  },
  "the constant Infinity": {
    wanted: [Infinity],
    run: () => new Formula("Infinity + 1").evaluate({}),
  },
  "an empty text": { wanted: "an error", run: () => new Formula("") },
  "or alone": { wanted: "an error", run: () => new Formula("or") },
  "not alone": { wanted: "an error", run: () => new Formula("not") },
  "a sum with and": { wanted: "an error", run: () => new Formula("x + and") },
  "a condition": { wanted: "an error", run: () => new Formula("x < 1").evaluate({ x: 1 }) },
  "a text without end": {
    wanted: "an error",
    run: () => new Formula(`x + ${"y ".repeat(100_000)}`),
  },
  "a symbol without end": {
    wanted: "an error",
    run: () => new Formula("y".repeat(1_000_000)).evaluate({}),
  },
};

interface ProbeCase {
  readonly probe: string;
  readonly text: string;
}

function check({ probe, text }: ProbeCase): void {
  const { wanted, run } = PROBES[probe];
  const start = performance.now();
  let found: unknown;
  let failed = false;
  try {
    found = run(text);
  } catch (error) {
    failed = true;
    const isOwn = error instanceof Boom || /proxy that has been revoked/.test(String(error));
    const problem = isOwn ? undefined : problemOf(error, CLASSES);
    if (problem !== undefined) throw new Violation(`${text}: where ${probe}, it ${problem}`);
    if (wanted === "a text" || typeof wanted === "object") {
      throw new Violation(`${text}: where ${probe}, it is refused: ${error}`);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  if (1000 * seconds > LONGEST_MS) {
    throw new Violation(`${text}: where ${probe}, it takes ${seconds.toFixed(1)} s`);
  }
  if (failed) return;
  if (wanted === "an error") throw new Violation(`${text}: where ${probe}, it gives ${found}`);
  if (wanted === "a text") {
    if (typeof found !== "string") throw new Violation(`where ${probe}, it gives ${found}`);
    return;
  }
  if (
    wanted === "an error or the numbers" && !probe.startsWith("x") && !probe.startsWith("the scope")
  ) {
    return;
  }
  const numbers = wanted === SAME || typeof wanted === "string" ? plain(text) : wanted;
  const list = Array.from(found as Float64Array);
  if (list.length !== numbers.length || list.some((value, i) => !Object.is(value, numbers[i]))) {
    throw new Violation(`${text}: where ${probe}, it gives ${list}, wanted is ${numbers}`);
  }
}

export const hostileFormula = property<ProbeCase>({
  name: "hostile formula",
  cases: fc.record({
    probe: fc.constantFrom(...Object.keys(PROBES)),
    text: fc.constantFrom(...TEXTS),
  }),
  casesPerRound: 150,
  check,
  reproduce: ({ probe, text }) =>
    `import { probeFormula } from "./tests/fuzz/properties/hostile_formula.ts"; probeFormula(${
      JSON.stringify(probe)
    }, ${JSON.stringify(text)});`,
});

/** Throws if the formula answers this probe neither rightly nor with an error of the library. */
export function probeFormula(probe: string, text: string): void {
  check({ probe, text });
}

/** The names of all probes. */
export const PROBE_NAMES: readonly string[] = Object.keys(PROBES);
