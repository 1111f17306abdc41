/**
 * exp, log, log1p, sigmoid, softplus and pow against 64 digits: within 2 ulp everywhere, in both types, on every machine.
 * Prints the worst cases.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type BigNumber, oracle } from "../reference/maths/math.ts";
import { Random } from "../_random.ts";
import { floatAt, type FloatType, placeOf } from "../_ulp.ts";
import { DTYPES, evaluateOn, MACHINES } from "./_machines.ts";

const LIMIT = 2;

/** A function under test. */
interface Subject {
  /** The function in doubles, exact enough to measure errors in float32. */
  readonly double: (x: number) => number;
  /** Where the function is neither constant nor equal to its argument, by type. */
  readonly range: Readonly<Record<FloatType, readonly [low: number, high: number]>>;
  /** Where errors are largest; more points are drawn from here. */
  readonly spot: readonly [low: number, high: number];
  /** The worst points in scans of every 7th float32 and of 10⁷ float64, and points that once failed. */
  readonly hard: readonly number[];
  /** Values that must be exact. */
  readonly limits: readonly (readonly [x: number, value: number])[];
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const LARGEST = {
  float32: floatAt(placeOf(Infinity, "float32") - 1n, "float32"),
  float64: Number.MAX_VALUE,
};
const SMALLEST = { float32: 2 ** -149, float64: 2 ** -1074 };

/** The values at ∞, -∞ and NaN. */
const ends = (top: number, bottom: number) =>
  [[Infinity, top], [-Infinity, bottom], [NaN, NaN]] as const;

/** Near these, results of exp, sigmoid and softplus become subnormal, and then 0. */
const SUBNORMAL = [-87.33655, -103.97208, -103.97209, -708.3964185322641, -745.1332191019411];

const SUBJECTS: Readonly<Record<string, Subject>> = {
  exp: {
    double: Math.exp,
    range: { float32: [-104, 89], float64: [-746, 710] },
    spot: [-1, 1],
    hard: [
      ...[59.95728302001953, -5.198591232299805, -27.377056121826172, -16.28780174255371],
      ...[589.5464607689971, -324.72214367708727, 674.09893935616583],
      ...[88.72283, 88.72284, 709.782712893384, 709.7827128933841], // the first that is infinite
      ...SUBNORMAL,
    ],
    limits: [[0, 1], [-0, 1], [1e30, Infinity], [-1e30, 0], ...ends(Infinity, 0)],
  },
  log: {
    double: Math.log,
    range: { float32: [2 ** -149, LARGEST.float32], float64: [2 ** -1074, Number.MAX_VALUE] },
    spot: [0.5, 1.5],
    hard: [
      ...[0.7009668946266174, 0.7018168568611145, 1.4133185148239136],
      ...[1.4026186410061257, 0.70682849269656034, 1.396488522832523],
      ...[Math.SQRT1_2, Math.SQRT2, 1 - 2 ** -24, 1 + 2 ** -23, 1 - 2 ** -53, 1 + 2 ** -52],
      ...[2 ** -126, 2 ** -1022, 2 ** -1022 - 2 ** -1074],
    ],
    limits: [
      [1, 0],
      [0, -Infinity],
      [-0, -Infinity],
      [-1, NaN],
      [-1e-40, NaN],
      ...ends(Infinity, NaN),
    ],
  },
  log1p: {
    double: Math.log1p,
    range: {
      float32: [-1 + 2 ** -24, LARGEST.float32],
      float64: [-1 + 2 ** -53, Number.MAX_VALUE],
    },
    spot: [-0.5, 0.6],
    hard: [
      ...[0.44691911339759827, 0.41517987847328186, 0.4143378436565399],
      ...[0.41544759008322835, 0.42491896787497413],
      ...[Math.SQRT2 - 1, Math.SQRT1_2 - 1, 1e-8, -1e-8, 1e-17, 2 ** 24, 2 ** 53],
      // From here on, 2⁻ᵏ once overflowed into the sign.
      ...[2.40615963e38, 2.5e38, 3.4e38, 1.2711610061536462e308, 1.3e308, 1.7e308],
    ],
    limits: [[0, 0], [-1, -Infinity], [-1.5, NaN], ...ends(Infinity, NaN)],
  },
  sigmoid: {
    double: (x) => 1 / (1 + Math.exp(-x)),
    range: { float32: [-104, 20], float64: [-746, 40] },
    spot: [-1.3, -0.9],
    hard: [
      ...[-1.1318697929382324, -1.1017454862594604, -1.1024309396743774],
      ...[-1.1116413889882377, -1.15007886470356, -1.1572826986071607],
      ...[16.635532, 36.7368005696771], // the first that is 1
      ...SUBNORMAL,
    ],
    limits: [[0, 0.5], [-0, 0.5], [1e30, 1], [-1e30, 0], ...ends(1, 0)],
  },
  softplus: {
    double: softplus,
    range: { float32: [-104, 30], float64: [-746, 60] },
    spot: [-1, 1],
    hard: [
      ...[0.381431519985199, 0.014913014136254787, -0.46413496136665344],
      ...[0.39464656582803825, -0.40188254966808235],
      // Once up to 2.1 ulp off.
      ...[
        -0.43498137593269353,
        -0.43445524898613325,
        -0.4344945318913569,
        -0.4356439835898944,
        -0.4337445579869247,
      ],
      ...SUBNORMAL,
    ],
    limits: [[2 ** 100, 2 ** 100], [-1e30, 0], ...ends(Infinity, 0)],
  },
};

/** Numbers of a type, spread evenly over its floats, over the range, and over the spot of a function. */
function sample(
  { range, spot, hard }: Subject,
  dtype: FloatType,
  count: number,
  seed: number,
): Float64Array {
  const random = new Random(seed);
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  const [low, high] = range[dtype];
  const [from, to] = [placeOf(low, dtype), placeOf(high, dtype)];
  // One draw has 32 bits, a float64 has 53.
  const share = () => random.uniform() + random.uniform() * 2 ** -32;
  const draws = [
    () => floatAt(from + BigInt(Math.floor(share() * Number(to - from))), dtype),
    () => round(low + share() * (high - low)),
    () => round(spot[0] + share() * (spot[1] - spot[0])),
    () => round(random.normal()),
  ];
  const points = [...hard, ...hard.map((x) => -x)].map(round);
  points.push(SMALLEST[dtype], -SMALLEST[dtype], 1e-20, -1e-20, low, high);
  for (let i = points.length; i < count; i++) points.push(draws[i % draws.length]());
  return Float64Array.from(points.filter((x) => x >= low && x <= high));
}

/** The distance between neighbouring floats next to `x`, and below it if `x` has been rounded up. */
function ulp(x: number, isRoundedUp: boolean, dtype: FloatType): number {
  const place = placeOf(Math.abs(x), dtype) - (isRoundedUp ? 1n : 0n);
  return floatAt(place + 1n, dtype) - floatAt(place, dtype);
}

/** The next power of 2 after the largest float, which an infinite result of rounding stands for in an error. */
const BEYOND = { float32: 2 ** 128, float64: 2 ** 1023 };

/** The error in ulp of a float32, beside a double. */
function errorBesideDouble(found: number, exact: number): number {
  if (found === exact) return 0;
  const wanted = Math.min(exact, BEYOND.float32);
  const near = Math.min(Math.abs(Math.fround(exact)), LARGEST.float32);
  const size = ulp(near, near > Math.abs(exact), "float32");
  return Math.abs(Math.min(found, BEYOND.float32) - wanted) / size;
}

/** The error in ulp of a float64, beside 96 digits. */
function errorBesideOracle(found: number, exact: BigNumber): number {
  const near = Math.min(Math.abs(exact.toNumber()), LARGEST.float64);
  const size = ulp(near, exact.abs().lt(near), "float64");
  const beyond = oracle("x * 2", { x: BEYOND.float64 });
  const wanted = exact.gt(beyond) ? beyond : exact;
  const got = found === Infinity ? beyond : oracle("x", { x: found });
  return got.minus(wanted).abs().div(size).toNumber();
}

const report: string[] = [];

/** Keeps the largest of many errors and those over the limit. */
class Worst {
  error = 0;
  at: number | string = NaN;
  #failures: string[] = [];

  add(error: number, x: number | string, found: number): void {
    if (!(error <= LIMIT)) this.#failures.push(`x = ${x}: ${found} is ${error} ulp off`);
    if (!(error <= this.error)) [this.error, this.at] = [error, x];
  }

  check(what: string): void {
    report.push(`${what.padEnd(29)} ${this.error.toFixed(3)} ulp at x = ${this.at}`);
    assert(this.#failures.length === 0, `${what}: ${this.#failures.slice(0, 5).join("; ")}`);
  }
}

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    const text = `${name}(x)`;

    for (const machine of MACHINES) {
      it(`is within ${LIMIT} ulp in float32 (${machine})`, () => {
        const x = sample(subject, "float32", 200_000, 1);
        const worst = new Worst();
        const found = evaluateOn({ text, scope: { x }, dtype: "float32", machine });
        found.forEach((v, i) => worst.add(errorBesideDouble(v, subject.double(x[i])), x[i], v));
        worst.check(`${name} float32 ${machine}`);
      });
    }

    it(`is within ${LIMIT} ulp in float64 (${MACHINES.join(", ")})`, () => {
      const x = sample(subject, "float64", 1_500, 2);
      const exact = Array.from(x, (x) => oracle(text, { x }));
      for (const machine of MACHINES) {
        const worst = new Worst();
        const found = evaluateOn({ text, scope: { x }, dtype: "float64", machine });
        found.forEach((v, i) => worst.add(errorBesideOracle(v, exact[i]), x[i], v));
        worst.check(`${name} float64 ${machine}`);
      }
    });

    it("gives the limits", () => {
      for (const dtype of DTYPES) {
        for (const machine of MACHINES) {
          for (const [x, value] of subject.limits) {
            const [found] = evaluateOn({ text, scope: { x: [x] }, dtype, machine });
            assertEquals(found, value, `${name}(${x}), ${dtype}, ${machine}`);
          }
        }
      }
    });
  });
}

/** The largest |y log x| for which pow(x, y) is neither 0 nor infinite. */
const REACH = { float32: 104, float64: 746 };

/** Bases and exponents of a type: ordinary ones, bases near 1 with large exponents, and results near the ends of the range. */
function samplePowers(dtype: FloatType, count: number, seed: number): { x: number[]; y: number[] } {
  const random = new Random(seed);
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  const share = () => random.uniform() + random.uniform() * 2 ** -32;
  const signed = () => 2 * share() - 1;
  const exponents = dtype === "float32" ? 148 : 1073;
  const bases = [
    () => 10 * share(),
    () => 2 ** (signed() * exponents),
    () => 1 + signed() * 2 ** (-40 * share()),
    () => Math.SQRT1_2 + share() * Math.SQRT1_2,
  ];
  const x: number[] = [];
  const y: number[] = [];
  while (x.length < count) {
    const base = round(bases[x.length % bases.length]());
    const reach = signed() * REACH[dtype] / Math.log(base);
    const exponent = round([reach, 20 * signed(), random.below(41) - 20][random.below(3)]);
    const isUsable = base > 0 && base < Infinity && Math.abs(exponent) < Infinity;
    if (!isUsable || !(Math.abs(exponent * Math.log(base)) < REACH[dtype])) continue;
    x.push(base);
    y.push(exponent);
  }
  // The worst of every 31st positive float32 with eleven exponents, and of 24,000 float64.
  x.push(...[3.869582266545488e25, 3.566243707649867e-27, 7.477357613388449].map(round));
  y.push(...[1.2999999523162842, -0.699999988079071, 53.602024919182185].map(round));
  return { x, y };
}

describe("pow", () => {
  const text = "pow(x, y)";

  for (const machine of MACHINES) {
    it(`is within ${LIMIT} ulp in float32 (${machine})`, () => {
      const { x, y } = samplePowers("float32", 200_000, 4);
      const worst = new Worst();
      const found = evaluateOn({ text, scope: { x, y }, dtype: "float32", machine });
      found.forEach((v, i) => {
        worst.add(errorBesideDouble(v, x[i] ** y[i]), `${x[i]}, y = ${y[i]}`, v);
      });
      worst.check(`pow float32 ${machine}`);
    });
  }

  it(`is within ${LIMIT} ulp in float64 (${MACHINES.join(", ")})`, () => {
    const { x, y } = samplePowers("float64", 1_500, 5);
    const exact = x.map((x, i) => oracle(text, { x, y: y[i] }));
    for (const machine of MACHINES) {
      const worst = new Worst();
      const found = evaluateOn({ text, scope: { x, y }, dtype: "float64", machine });
      found.forEach((v, i) => worst.add(errorBesideOracle(v, exact[i]), `${x[i]}, y = ${y[i]}`, v));
      worst.check(`pow float64 ${machine}`);
    }
  });

  it(`is within ${LIMIT} ulp where small exponents are products`, () => {
    for (const y of [0.5, 1.5, 2, 2.5, 3, 4]) {
      const text = `pow(abs(x), ${y})`;
      for (const dtype of DTYPES) {
        const { x } = samplePowers(dtype, dtype === "float32" ? 20_000 : 200, 6);
        const scope = { x: x.filter((x) => Math.abs(y * Math.log(x)) < REACH[dtype] - 16) };
        const errors = dtype === "float32"
          ? (found: number, x: number) => errorBesideDouble(found, x ** y)
          : (found: number, x: number) => errorBesideOracle(found, oracle(text, { x }));
        for (const machine of MACHINES) {
          const worst = Math.max(
            ...evaluateOn({ text, scope, dtype, machine }).map((v, i) => errors(v, scope.x[i])),
          );
          assert(worst > 0 && worst <= LIMIT, `${text}, ${dtype}, ${machine}: ${worst} ulp`);
        }
      }
    }
  });

  it("gives the limits and the signs of JavaScript's **", () => {
    const numbers = [
      ...[0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -1.5, 5, -5, 1 / 3],
      ...[1e-40, -1e-40, 5e-324, 1e300, -1e300, 2 ** 24 + 2, 2 ** 24 - 1, 1 - 2 ** 24],
      ...[2 ** 53, 2 ** 53 - 1, 1 - 2 ** 53, Infinity, -Infinity, NaN],
    ];
    for (const dtype of DTYPES) {
      const round = dtype === "float32" ? Math.fround : (x: number) => x;
      const pairs = numbers.flatMap((x) => numbers.map((y) => [round(x), round(y)]));
      const [x, y] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
      for (const machine of MACHINES) {
        const found = evaluateOn({ text, scope: { x, y }, dtype, machine });
        found.forEach((v, i) => {
          const wanted = round(x[i] ** y[i]);
          const isLimit = !(Math.abs(wanted) > 0 && Math.abs(wanted) < Infinity);
          const same = isLimit
            ? Object.is(v, wanted)
            : Math.abs(v - wanted) <= 2 ** (dtype === "float32" ? -22 : -51) * Math.abs(wanted);
          assert(same, `${x[i]} ** ${y[i]}: ${v}, not ${wanted} (${dtype}, ${machine})`);
        });
        // The same exponents as numbers in the formula.
        for (const exponent of [-2, -1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7]) {
          const scope = { x: numbers.map(round) };
          for (const base of ["x", "abs(x)"]) {
            const text = `pow(${base}, ${exponent})`;
            const found = evaluateOn({ text, scope, dtype, machine });
            const wanted = scope.x.map((x) => round((base === "x" ? x : Math.abs(x)) ** exponent));
            found.forEach((v, i) => {
              const same = Object.is(v, wanted[i]) ||
                Math.abs(v - wanted[i]) <=
                  2 ** (dtype === "float32" ? -22 : -51) * Math.abs(wanted[i]);
              assert(
                same,
                `${text} at ${scope.x[i]}: ${v}, not ${wanted[i]} (${dtype}, ${machine})`,
              );
            });
          }
        }
      }
    }
  });
});

describe("exp of an argument that is never positive because of its form", () => {
  for (const text of ["exp(min(x, 0))", "exp(-abs(x))"]) {
    it(`has the bits of exp: ${text}`, () => {
      for (const dtype of DTYPES) {
        const x = sample(SUBJECTS.exp, dtype, 20_000, 3).map((x) => -Math.abs(x));
        const ends = [-0, -Infinity, NaN];
        const scope = { x: Float64Array.of(...x, ...ends) };
        for (const machine of MACHINES) {
          const [found, wanted] = [text, "exp(x)"].map((text) =>
            evaluateOn({ text, scope, dtype, machine })
          );
          const at = found.findIndex((v, i) => !Object.is(v, wanted[i]));
          assertEquals(at, -1, `${dtype}, ${machine}, x = ${scope.x[at]}: ${found[at]}`);
        }
      }
    });
  }
});

describe("NaN with a payload, such as R's NA", () => {
  const float32 = new Float32Array(Uint32Array.of(0x7fc00001, 0xffc00123, 0x7fffffff).buffer);
  const float64 = new Float64Array(
    BigUint64Array.of(0x7ff00000000007a2n, 0xfff8000000000fffn, 0x7fffffffffffffffn).buffer,
  );
  const names = Object.keys(SUBJECTS).map((name) => `${name}(x)`);
  for (const text of [...names, "exp(min(x, 0))", "pow(x, y)", "xlogy(x, x)"]) {
    it(`stays NaN: ${text}`, () => {
      for (const machine of MACHINES) {
        for (const [dtype, x] of [["float32", float32], ["float64", float64]] as const) {
          const found = evaluateOn({ text, scope: { x, y: 0.5 }, dtype, machine });
          assert(found.every(Number.isNaN), `${dtype}, ${machine}: ${found}`);
        }
      }
    });
  }
});

describe("the worst cases found", () => {
  it("are printed", () => {
    console.log(report.join("\n"));
    // The subjects and pow, in both types.
    assertEquals(report.length, (Object.keys(SUBJECTS).length + 1) * MACHINES.length * 2);
  });
});
