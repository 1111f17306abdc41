/** Lower limits of time: the bandwidth of the memory, and the speed of the engine's exp and log alone. */
import { defineKernels, TILE } from "../../losses/_core/kernel/kernels.ts";
import { exp, log } from "../../losses/_core/kernel/math.ts";
import { gradientsOf, type Runner, timed } from "./contender.ts";
import { type FloatArray, type FloatType, type Input, sizeOf, zeros } from "./inputs.ts";
import type { Row } from "./rows.ts";

/** The machine's limits, measured on one thread. */
export interface Limits {
  /** Bytes read and written per second when copying, by the bytes of both arrays: small ones stay in the caches. */
  readonly bandwidth: readonly { readonly bytes: number; readonly perSecond: number }[];
  /** Seconds per number of exp and log by dtype, with operands in cache. */
  readonly exp: Readonly<Record<FloatType, number>>;
  readonly log: Readonly<Record<FloatType, number>>;
}

const kernels = defineKernels(() => ({
  elements: ["x", "y"],
  steps: { exp: { store: { y: "exp(x)" } }, log: { store: { y: "log(x)" } } },
  functions: { exp, log },
}));

/** Computes the exponential of a tile of float32, which lies in the cache. */
export function expOfTile(): () => void {
  const { element, run } = kernels("float32");
  element.x.fill(0.7);
  return () => run.exp(1, TILE);
}

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

/** The powers of 2 of which the bandwidth is measured: from the smallest cache to memory. */
const BANDWIDTH_POWERS = Array.from({ length: 15 }, (_, i) => 13 + i);

function measureBandwidth(): Limits["bandwidth"] {
  return BANDWIDTH_POWERS.map((power) => {
    const bytes = 2 ** power;
    const from = new Uint8Array(bytes / 2).fill(1);
    const to = from.slice();
    return { bytes, perSecond: bytes / best(() => to.set(from), Math.ceil(2 ** 22 / bytes)) };
  });
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
  const { perSecond } = limits.bandwidth.findLast((measured) => measured.bytes <= bytes) ??
    limits.bandwidth[0];
  return Math.max(bytes / perSecond, arithmetic);
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
