/**
 * Measures how accurate results are: for losses in every stored case of PyTorch, and for the engine's functions against 64
 * digits. As a program it prints both as JSON. It imports the test packages, so that readme.ts starts it with their flags.
 */
import * as lossbook from "@lossbook/losses";
import type { Tensor } from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { oracle } from "../reference/maths/math.ts";
import {
  type FixtureCase,
  type FixtureTensor,
  loadFixture,
  optionsOf,
  tensorOf,
} from "../_fixtures.ts";
import { floatAt, placeOf } from "../_ulp.ts";
import { Draw, type FloatType } from "./inputs.ts";

/** The largest deviations of a group of losses, each in units of the largest number of its tensor. */
export interface GroupAccuracy {
  readonly group: string;
  readonly cases: number;
  /** Deviation of our and of PyTorch's float32 results from PyTorch's float64 results for the same inputs. */
  readonly float32: number;
  readonly pytorch32: number;
  /** Deviation of our float64 results from PyTorch's. */
  readonly float64: number;
}

/** The largest error of a function in units in the last place. */
export interface FunctionAccuracy {
  readonly name: string;
  readonly float32: number;
  readonly float64: number;
}

/** What the program prints. */
export interface Accuracy {
  readonly losses: readonly GroupAccuracy[];
  readonly functions: readonly FunctionAccuracy[];
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "regression": ["l1", "mse", "smooth_l1", "huber", "poisson_nll", "gaussian_nll"],
  "probabilities": ["bce", "bce_with_logits", "kl_div", "soft_margin", "multi_label_soft_margin"],
  "classes": ["cross_entropy", "nll", "multi_margin", "multi_label_margin"],
  "pairs": ["margin_ranking", "hinge_embedding", "cosine_embedding", "triplet_margin"],
  "CTC": ["ctc"],
};

/** Where each function is neither constant nor equal to its argument, in both dtypes. */
const FUNCTIONS: Readonly<Record<string, readonly [low: number, high: number]>> = {
  exp: [-87, 88],
  log: [1e-6, 4],
  log1p: [-0.99, 4],
  sigmoid: [-80, 20],
  softplus: [-80, 20],
};
/** How many points are drawn, and how many of them are compared with 64 digits: those with the largest apparent error. */
const POINTS = { float32: 2 ** 20, float64: 2000 } as const;
const CANDIDATES = { float32: 200, float64: 2000 } as const;

/**
 * Cases in which PyTorch's float64 results are not accurate: scores at which its BCEWithLogits cancels, and whole counts, whose
 * logarithm it computes in float32.
 */
const ROUGH_IN_PYTORCH = /^(moderate scores|int32 counts full)/;

type Build = new (options: unknown) => {
  valueAndGrad(...args: unknown[]): { value: Tensor; grad: Record<string, Tensor> };
};

function accuracyOf(group: string, files: readonly string[]): GroupAccuracy {
  const worst = { float32: 0, pytorch32: 0, float64: 0 };
  let cases = 0;
  for (const file of files) {
    const fixture = loadFixture(file);
    const Loss = Reflect.get(lossbook, fixture.loss) as Build;
    for (const stored of fixture.cases) {
      if (stored.dtype === "float64" && ROUGH_IN_PYTORCH.test(stored.name)) continue;
      cases++;
      const exact = exactTensors(stored);
      const ours = compute(Loss, stored);
      const theirs = [stored.value, ...Object.values(stored.grad)];
      exact.forEach((truth, i) => {
        const scale = stored.scale;
        worst[stored.dtype] = Math.max(worst[stored.dtype], deviation(ours[i], truth, scale));
        if (stored.dtype === "float32") {
          worst.pytorch32 = Math.max(worst.pytorch32, deviation(theirs[i], truth, scale));
        }
      });
    }
  }
  return { group, cases, ...worst };
}

/** PyTorch's value and gradients, computed in float64 for cases of both dtypes. */
function exactTensors({ value, grad, value64, grad64 }: FixtureCase): FixtureTensor[] {
  return [value64 ?? value, ...Object.keys(grad).map((name) => grad64?.[name] ?? grad[name])];
}

function compute(Loss: Build, { options, args, grad, gradOutput }: FixtureCase): Tensor[] {
  const names = Object.keys(grad);
  const upstream = typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput);
  const result = new Loss(optionsOf(options)).valueAndGrad(
    ...Object.values(args).map(tensorOf),
    { wrt: names, gradOutput: upstream },
  );
  return [result.value, ...names.map((name) => result.grad[name])];
}

interface Numbers {
  readonly data: ArrayLike<number>;
}

/** Largest difference as a share of the largest number. Numbers that are not finite must be equal. */
function deviation({ data: got }: Numbers, { data: truth }: Numbers, scale = 0): number {
  const unit = Array.from(truth).filter(Number.isFinite)
    .reduce((most, x) => Math.max(most, Math.abs(x)), scale) || 1;
  let worst = 0;
  for (let i = 0; i < truth.length; i++) {
    if (Object.is(got[i], truth[i]) || got[i] === truth[i]) continue;
    const difference = Math.abs(got[i] - truth[i]) / unit;
    worst = Math.max(worst, Number.isFinite(difference) ? difference : Infinity);
  }
  return worst;
}

function accuracyOfFunction(
  name: string,
  [low, high]: readonly [number, number],
): FunctionAccuracy {
  const formula = `${name}(x)`;
  const worst = (dtype: FloatType) => {
    const draw = new Draw(dtype);
    // Half of the points are near 0, where results are neither 0, 1 nor equal to the argument.
    const near = [Math.max(low, -2), Math.min(high, 2)];
    const { data } = draw.floats([POINTS[dtype]], () => {
      const [from, to] = draw.next() < 0.5 ? near : [low, high];
      return from + (to - from) * draw.next();
    });
    const kernel = new Formula(formula);
    const got = kernel.evaluate({ x: data }, dtype);
    // The same kernel in float64 is accurate enough to find the largest errors in float32.
    const better = kernel.evaluate({ x: data }, "float64");
    const error = (exact: number, difference: number) => {
      const place = placeOf(exact, dtype);
      return Math.abs(difference / (floatAt(place + 1n, dtype) - floatAt(place, dtype)));
    };
    const candidates = Array.from(data, (_, i) => i);
    if (dtype === "float32") {
      const apparent = candidates.map((i) => error(better[i], got[i] - better[i]));
      candidates.sort((i, j) => apparent[j] - apparent[i]);
    }
    return candidates.slice(0, CANDIDATES[dtype]).reduce((most, i) => {
      const exact = oracle(formula, { x: data[i] });
      return Math.max(most, error(exact.toNumber(), exact.sub(got[i]).toNumber()));
    }, 0);
  };
  return { name, float32: worst("float32"), float64: worst("float64") };
}

/** Measures losses and functions, which takes a few seconds. */
export function measureAccuracy(): Accuracy {
  return {
    losses: Object.entries(GROUPS).map(([group, files]) => accuracyOf(group, files)),
    functions: Object.entries(FUNCTIONS).map(([name, range]) => accuracyOfFunction(name, range)),
  };
}

if (import.meta.main) console.log(JSON.stringify(measureAccuracy()));
