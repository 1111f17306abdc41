/**
 * Numbers made by PyTorch, and the tests that compare a loss with them: value, every gradient, dtype and shape, and that a call
 * neither changes its arguments nor depends on the calls before. `fixtures/make.py` describes what a case holds.
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
import type { Tensor } from "@lossbook/losses";
import { differences, sameNumbers, type Tolerance } from "./_close.ts";
import { type Answer, call, forward, type LossLike } from "./_loss.ts";
import {
  type Fixture as Stored,
  type FixtureCase as StoredCase,
  type FixtureTensor,
  loadFixture as load,
  optionsOf,
  parseFixture,
  tensorOf,
  tensorsOf,
} from "./reference/torch/fixtures.ts";

export { type FixtureTensor, optionsOf, parseFixture, tensorOf, tensorsOf };

/** Gradients by the name of the argument, option or parameter that they belong to. */
export type FixtureGrads = Record<string, FixtureTensor>;

/** One call of one loss and PyTorch's result, with what only tests read. */
export interface FixtureCase extends StoredCase {
  /** Only where this library differs from PyTorch on purpose: the reason, and what PyTorch returns. */
  unlikePyTorch?: { because: string; value?: FixtureTensor; grad?: FixtureGrads };
  /** The other results of AdaptiveLogSoftmaxWithLoss; the last two for batches only. */
  output?: FixtureTensor;
  logProb?: FixtureTensor;
  predict?: FixtureTensor;
  /** In helpers.json: the function that the case calls. */
  helper?: string;
}

/** One file of fixtures. */
export interface Fixture<C extends FixtureCase = FixtureCase> extends Stored {
  cases: C[];
}

/** The fixtures of one loss, by file name without ".json". */
export function loadFixture<C extends FixtureCase = FixtureCase>(name: string): Fixture<C> {
  return load(name) as Fixture<C>;
}

/**
 * How close results must be to PyTorch's. Both sides round in the same few places, so that little more than the order of sums
 * remains. `atol` counts in units of the largest expected number of the tensor.
 */
export const TOLERANCE: Record<"float32" | "float64", Tolerance> = {
  float64: { rtol: 1e-12, atol: 1e-14 },
  float32: { rtol: 1e-5, atol: 1e-6 },
};

/** Makes a loss from the options of a case. */
export type Build<Options> = (options: Options, fixtureCase: FixtureCase) => LossLike;

/** What a test may say about its fixtures. */
export interface FixtureOptions {
  /** Looser limits than {@link TOLERANCE}; the test says why they are needed. */
  tolerance?: Partial<typeof TOLERANCE>;
  /** Selects the cases to check; the test file checks the others in its own way. */
  only?: (fixtureCase: FixtureCase) => boolean;
}

/** A case that is ready to be called. */
class PreparedCall {
  readonly args: Record<string, Tensor>;
  readonly #loss: LossLike;
  readonly #wrt: string[];

  constructor(readonly stored: FixtureCase, loss: LossLike) {
    this.#loss = loss;
    this.args = tensorsOf(stored.args);
    this.#wrt = Object.keys(stored.grad);
  }

  forward(): Tensor {
    return forward(this.#loss, this.args);
  }

  valueAndGrad(request: { gradOutput?: number | Tensor; out?: object } = this.upstream): Answer {
    return call(this.#loss, this.args, { wrt: this.#wrt, ...request });
  }

  /** The stored upstream gradient, as a request. */
  get upstream(): { gradOutput: number | Tensor } {
    const { gradOutput } = this.stored;
    return { gradOutput: typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput) };
  }
}

/**
 * Registers the tests that compare one loss with PyTorch. `build` makes the loss from a case's options.
 *
 * Each number of a float32 result must be close to PyTorch's or to the float64 reference: where float32 loses digits, a result
 * that is better than PyTorch's is correct.
 */
export function testFixtures<Options>(
  name: string,
  build: Build<Options>,
  options: FixtureOptions = {},
): void {
  const { loss, pytorch } = loadFixture(name);
  describe(`${loss} against PyTorch ${pytorch}`, () => {
    for (const [what, check] of fixtureChecks(name, build, options)) it(what, check);
  });
}

/** The tests of {@linkcode testFixtures} by title, not registered: each is a function that throws if the test fails. */
export function fixtureChecks<Options>(
  name: string,
  build: Build<Options>,
  { tolerance = {}, only = () => true }: FixtureOptions = {},
): Map<string, () => void> {
  const checks = new Map<string, () => void>();
  const fixture = loadFixture(name);
  const cases = fixture.cases.filter(only);
  const limits = { ...TOLERANCE, ...tolerance };

  /** Runs all cases before it fails, so that one failure shows which cases have the problem in common. */
  function each(cases: FixtureCase[], check: (call: PreparedCall) => string[]): void {
    if (cases.length === 0) throw new AssertionError(`${name}.json: no case to check`);
    const failures = cases.flatMap((fixtureCase) => {
      const context = `${name}.json "${fixtureCase.name}" (seed ${fixture.seed})`;
      try {
        const loss = build(optionsOf(fixtureCase.options) as Options, fixtureCase);
        return check(new PreparedCall(fixtureCase, loss)).map((line) => `${context}: ${line}`);
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
        const { stored } = call;
        const limit = { ...limits[dtype], scale: stored.scale };
        const unasked = Object.keys(grad).filter((key) => !(key in stored.grad));
        return [
          ...unasked.map((key) => `grad.${key} was not asked for`),
          ...compare("value", value, stored.value, stored.value64, limit),
          ...Object.keys(stored.grad).flatMap((key) =>
            compare(`grad.${key}`, grad[key], stored.grad[key], stored.grad64?.[key], limit)
          ),
        ];
      });
    });
  }

  checks.set("computes the same value with and without gradients", () => {
    each(cases, (call) => {
      const { dtype, scale } = call.stored;
      const limit = dtype === "float32"
        ? { rtol: 1e-6, atol: 1e-7, scale }
        : { rtol: 1e-14, atol: 1e-15, scale };
      return differences(call.forward(), call.valueAndGrad().value, limit, "forward");
    });
  });

  checks.set("takes an upstream gradient of ones when none is given", () => {
    each(cases, (call) => {
      const { value, grad } = call.valueAndGrad({});
      const ones = { ...call.stored.value, data: call.stored.value.data.map(() => 1) };
      const wanted = call.valueAndGrad({ gradOutput: value.shape.length ? tensorOf(ones) : 1 });
      return Object.keys(grad).filter((key) => !sameNumbers(grad[key].data, wanted.grad[key].data))
        .map((key) => `grad.${key} differs from that of ones`);
    });
  });

  checks.set("leaves its arguments unchanged and returns the same when called again", () => {
    each(cases, (call) => {
      const first = call.valueAndGrad();
      const second = call.valueAndGrad();
      const fresh = tensorsOf(call.stored.args);
      return [
        ...Object.keys(fresh).filter((key) => !sameNumbers(call.args[key].data, fresh[key].data))
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

/** One line that says what is wrong with a result, or none. */
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
