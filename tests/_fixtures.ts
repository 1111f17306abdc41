/**
 * Numbers made by PyTorch, and one harness that holds a loss against them: value, every gradient, dtype and
 * shape, and the manners that all losses share. What a case holds is told in `fixtures/make.py`.
 *
 * @example A whole parity test
 * ```ts ignore
 * testFixtures("huber", (options: HuberLossOptions) => new HuberLoss(options));
 * ```
 *
 * @module
 */
import { AssertionError } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, type Tensor } from "@lossbook/losses";
import { differences, type Plain, sameNumbers, type Tolerance } from "./_close.ts";
import type { LossLike } from "./_numeric.ts";

export { assertClose, type Tolerance } from "./_close.ts";
export { assertGradient, type LossLike, numericGradient, Random } from "./_numeric.ts";

/** A tensor as a fixture stores it, non-finite numbers already decoded. */
export interface FixtureTensor extends Plain {
  dtype: "float32" | "float64" | "int32";
  data: number[];
}

/** Gradients by the name of the argument, option or parameter that they belong to. */
export type FixtureGrads = Record<string, FixtureTensor>;

/** One call of one loss, and what PyTorch answers. */
export interface FixtureCase {
  name: string;
  dtype: "float32" | "float64";
  /** The constructor's options; a tensor among them is a {@linkcode FixtureTensor}. */
  options: Record<string, unknown>;
  /** The arguments in call order. */
  args: Record<string, FixtureTensor>;
  gradOutput: number | FixtureTensor;
  value: FixtureTensor;
  grad: FixtureGrads;
  /** Terms of this size cancel, so that rounding may be all that is left (default: the largest expected number). */
  scale?: number;
  /** float32 cases: the same call on the same inputs in float64. */
  value64?: FixtureTensor;
  grad64?: FixtureGrads;
  /** Where we differ from PyTorch on purpose: why, and what PyTorch returns. */
  unlikePyTorch?: { because: string; value?: FixtureTensor; grad?: FixtureGrads };
  /** Trainable parameters by PyTorch's names, for losses that own some. */
  parameters?: Record<string, FixtureTensor>;
  /** What AdaptiveLogSoftmaxWithLoss answers beside its loss; the last two for batches only. */
  output?: FixtureTensor;
  logProb?: FixtureTensor;
  predict?: FixtureTensor;
  /** helpers.json: the function that the case calls. */
  helper?: string;
}

/** One file of fixtures. */
export interface Fixture<C extends FixtureCase = FixtureCase> {
  loss: string;
  pytorch: string;
  seed: number;
  cases: C[];
}

const WORDS = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity], ["-0", -0]]);

/** JSON text with numbers where {@link WORDS} stand for them. */
export function parseFixture(text: string): Fixture {
  return JSON.parse(
    text,
    (_, value) => typeof value === "string" ? WORDS.get(value) ?? value : value,
  );
}

/** The fixtures of one loss, by file name without ".json". */
export function loadFixture<C extends FixtureCase = FixtureCase>(name: string): Fixture<C> {
  const url = new URL(`./fixtures/${name}.json`, import.meta.url);
  return parseFixture(Deno.readTextFileSync(url)) as Fixture<C>;
}

/** A tensor of the library with a copy of the stored numbers. */
export function tensorOf({ dtype, shape, data }: FixtureTensor): Tensor {
  if (dtype === "int32") return int32(Int32Array.from(data), [...shape]);
  if (dtype === "float32") return float32(Float32Array.from(data), [...shape]);
  return float64(Float64Array.from(data), [...shape]);
}

/** The options of a case with tensors of the library in them. */
export function optionsOf(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, isTensor(value) ? tensorOf(value) : value]),
  );
}

function isTensor(value: unknown): value is FixtureTensor {
  return typeof value === "object" && value !== null && "dtype" in value && "data" in value;
}

/**
 * Tighter than anyone must have it (1e-9 and 3e-5): both sides round in the same few places, so what is left is the
 * order of sums. `atol` counts in units of the largest expected number of the tensor.
 */
export const TOLERANCE: Record<"float32" | "float64", Tolerance> = {
  float64: { rtol: 1e-12, atol: 1e-14 },
  float32: { rtol: 1e-5, atol: 1e-6 },
};

/** Makes a loss from the options of a case. */
export type Build<Options> = (options: Options, fixtureCase: FixtureCase) => LossLike;

/** What a test may say about its fixtures. */
export interface FixtureOptions {
  /** Looser than {@link TOLERANCE}; the test says why. */
  tolerance?: Partial<typeof TOLERANCE>;
  /** Only the cases for which this holds; the others are the test's own to check. */
  only?: (fixtureCase: FixtureCase) => boolean;
}

interface Run {
  value: Tensor;
  grad: Record<string, Tensor>;
}

/** A case with everything made that a call needs. */
class Call {
  readonly args: Tensor[];
  readonly #loss: LossLike;
  readonly #wrt: string[];

  constructor(readonly from: FixtureCase, loss: LossLike) {
    this.#loss = loss;
    this.args = Object.values(from.args).map(tensorOf);
    this.#wrt = Object.keys(from.grad);
  }

  forward(): Tensor {
    return this.#loss.forward(...this.args as never[]);
  }

  valueAndGrad(request: { gradOutput?: number | Tensor; out?: object } = this.upstream): Run {
    const all = [...this.args, { wrt: this.#wrt, ...request }];
    return this.#loss.valueAndGrad(...all as never[]) as Run;
  }

  get upstream(): { gradOutput: number | Tensor } {
    const { gradOutput } = this.from;
    return { gradOutput: typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput) };
  }
}

/**
 * Registers the parity tests of one loss. `build` makes the loss from a case's options.
 *
 * A float32 result is right when it is close to PyTorch's or to the float64 reference, number by number: where
 * float32 loses digits, being better than PyTorch is no mistake.
 */
export function testFixtures<Options>(
  name: string,
  build: Build<Options>,
  options: FixtureOptions = {},
): void {
  const { loss, pytorch } = loadFixture(name);
  describe(`${loss} beside PyTorch ${pytorch}`, () => {
    for (const [what, check] of fixtureChecks(name, build, options)) it(what, check);
  });
}

/** The tests of {@linkcode testFixtures}, not registered: sentences and what throws when they are not true. */
export function fixtureChecks<Options>(
  name: string,
  build: Build<Options>,
  { tolerance = {}, only = () => true }: FixtureOptions = {},
): Map<string, () => void> {
  const checks = new Map<string, () => void>();
  const fixture = loadFixture(name);
  const cases = fixture.cases.filter(only);
  const limits = { ...TOLERANCE, ...tolerance };

  /** Runs every case before failing, so that one red test shows the pattern and not only its first case. */
  function each(cases: FixtureCase[], check: (call: Call) => string[]): void {
    if (cases.length === 0) throw new AssertionError(`${name}.json: no case to check`);
    const failures = cases.flatMap((fixtureCase) => {
      const context = `${name}.json "${fixtureCase.name}" (seed ${fixture.seed})`;
      try {
        const loss = build(optionsOf(fixtureCase.options) as Options, fixtureCase);
        return check(new Call(fixtureCase, loss)).map((line) => `${context}: ${line}`);
      } catch (error) {
        return [`${context}: threw ${error instanceof Error ? error.stack : error}`];
      }
    });
    if (failures.length === 0) return;
    const more = failures.length > 8 ? [`… and ${failures.length - 8} more`] : [];
    throw new AssertionError([...failures.slice(0, 8), ...more].join("\n"));
  }

  for (const dtype of ["float64", "float32"] as const) {
    const some = cases.filter((fixtureCase) => fixtureCase.dtype === dtype);
    checks.set(`gives its value and gradients in ${some.length} cases of ${dtype}`, () => {
      each(some, (call) => {
        const { value, grad } = call.valueAndGrad();
        const { from } = call;
        const limit = { ...limits[dtype], scale: from.scale };
        const unasked = Object.keys(grad).filter((key) => !(key in from.grad));
        return [
          ...unasked.map((key) => `grad.${key} was not asked for`),
          ...compare("value", value, from.value, from.value64, limit),
          ...Object.keys(from.grad).flatMap((key) =>
            compare(`grad.${key}`, grad[key], from.grad[key], from.grad64?.[key], limit)
          ),
        ];
      });
    });
  }

  checks.set("computes the same value with and without gradients", () => {
    each(cases, (call) => {
      const limit = call.from.dtype === "float32"
        ? { rtol: 1e-6, atol: 1e-7, scale: call.from.scale }
        : { rtol: 1e-14, atol: 1e-15, scale: call.from.scale };
      return differences(call.forward(), call.valueAndGrad().value, limit, "forward");
    });
  });

  checks.set("takes an upstream gradient of ones when none is given", () => {
    each(cases, (call) => {
      const { value, grad } = call.valueAndGrad({});
      const ones = { ...call.from.value, data: call.from.value.data.map(() => 1) };
      const wanted = call.valueAndGrad({ gradOutput: value.shape.length ? tensorOf(ones) : 1 });
      return Object.keys(grad).filter((key) => !sameNumbers(grad[key].data, wanted.grad[key].data))
        .map((key) => `grad.${key} differs from that of ones`);
    });
  });

  checks.set("leaves its arguments as they were and answers the same twice", () => {
    each(cases, (call) => {
      const first = call.valueAndGrad();
      const second = call.valueAndGrad();
      const names = Object.keys(call.from.args);
      const fresh = Object.values(call.from.args).map(tensorOf);
      return [
        ...names.filter((_, i) => !sameNumbers(call.args[i].data, fresh[i].data))
          .map((key) => `${key} was changed by the call`),
        ...Object.keys(first.grad)
          .filter((key) => !sameNumbers(first.grad[key].data, second.grad[key].data))
          .map((key) => `grad.${key} differs in the second call`),
        ...(sameNumbers(first.value.data, second.value.data)
          ? []
          : ["value differs in the second call"]),
      ];
    });
  });

  checks.set("writes gradients into the buffers of out", () => {
    each(cases, (call) => {
      const wanted = call.valueAndGrad().grad;
      const out = Object.fromEntries(
        Object.entries(wanted).map(([key, { data }]) => [key, data.slice().fill(12345)]),
      );
      const { grad } = call.valueAndGrad({ ...call.upstream, out });
      return Object.keys(wanted).flatMap((key) => {
        if (grad[key].data !== out[key]) return [`grad.${key} is not the buffer given`];
        return sameNumbers(out[key], wanted[key].data) ? [] : [`out.${key} was not filled`];
      });
    });
  });
  return checks;
}

/** What is wrong with one result: nothing, or one line. */
function compare(
  what: string,
  actual: Tensor | undefined,
  expected: FixtureTensor,
  wide: FixtureTensor | undefined,
  limit: Tolerance,
): string[] {
  if (!actual) return [`${what} is missing`];
  if (actual.dtype !== expected.dtype) {
    return [`${what} is ${actual.dtype}, PyTorch's ${expected.dtype}`];
  }
  return differences(actual, expected, limit, what, wide);
}
