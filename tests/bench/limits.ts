/** Lower limits of time: the bandwidth of the memory, and the speed of the engine's exp and log alone. */
import { defineKernels, TILE } from "../../losses/_core/kernel/kernels.ts";
import { exp, log } from "../../losses/_core/kernel/math.ts";
import { gradientsOf, type Runner, timed } from "./contender.ts";
import { type FloatArray, type FloatType, type Input, sizeOf, zeros } from "./inputs.ts";
import type { Row } from "./rows.ts";

/** The machine's limits, measured on one thread. */
export interface Limits {
  /** Bytes read or written per second when copying 64 MB. */
  readonly bandwidth: number;
  /** Seconds per number of exp and log by dtype, with operands in cache. */
  readonly exp: Readonly<Record<FloatType, number>>;
  readonly log: Readonly<Record<FloatType, number>>;
}

const kernels = defineKernels(() => ({
  elements: ["x", "y"],
  steps: { exp: { store: { y: "exp(x)" } }, log: { store: { y: "log(x)" } } },
  functions: { exp, log },
}));

/** Measures the limits. */
export function measureLimits(): Limits {
  const perNumber = (step: "exp" | "log", dtype: FloatType) => {
    const { element, run } = kernels(dtype);
    element.x.fill(0.7);
    return best(() => run[step](1, TILE), 500) / TILE;
  };
  const each = (step: "exp" | "log") => ({
    float32: perNumber(step, "float32"),
    float64: perNumber(step, "float64"),
  });
  return { bandwidth: measureBandwidth(), exp: each("exp"), log: each("log") };
}

function measureBandwidth(): number {
  const from = new Float32Array(2 ** 24).fill(1);
  const to = from.slice();
  return 2 * from.byteLength / best(() => to.set(from), 1);
}

/** Seconds per call without disturbance: the minimum of many measurements. */
function best(run: () => void, calls: number): number {
  return Math.min(...Array.from({ length: 20 }, () => timed(run, calls)));
}

/** Seconds that one thread with these exp and log needs at least: the larger of memory traffic and arithmetic. */
export function limitOf(row: Row, bytes: number, limits: Limits): number {
  const { exp = 0, log = 0 } = row.subject;
  const arithmetic = sizeOf(row.shape) *
    (exp * limits.exp[row.dtype] + log * limits.log[row.dtype]);
  return Math.max(bytes / limits.bandwidth, arithmetic);
}

/**
 * Copies every argument in and every gradient out, tile by tile, as kernels with a memory of their own must do. The time of
 * computations is added to this, as the processor does not compute while it copies.
 */
export function copies(row: Row, inputs: Record<string, Input>): Runner {
  const tile = zeros(row.dtype, TILE);
  const isFloat = ({ data }: Input) => !(data instanceof Int32Array);
  const sources = Object.values(inputs).filter(isFloat).map(({ data }) => data as FloatArray);
  const targets = gradientsOf(row, inputs);
  const run = () => {
    const longest = Math.max(...sources.map(({ length }) => length));
    for (let start = 0; start < longest; start += TILE) {
      for (const source of sources) tile.set(source.subarray(start, start + TILE));
      for (const target of targets) {
        const rest = target.length - start;
        if (rest > 0) target.set(rest < TILE ? tile.subarray(0, rest) : tile, start);
      }
    }
  };
  return {
    time: (calls) => timed(run, calls),
    answer: () => ({ value: NaN, grads: targets }),
    dispose() {},
  };
}
