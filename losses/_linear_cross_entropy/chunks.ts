/**
 * How the samples of a batch are divided, so that their scores need not exist all at once.
 */

import { booleanOption, checkOptions, wholeOption } from "../_core/call/options.ts";
import { describe } from "../_core/tensor/describe.ts";

/** How {@linkcode LinearCrossEntropyLoss} divides its work; nothing here changes the result but for rounding. */
export interface LinearCrossEntropyOptions {
  /** Samples whose scores exist at the same time, > 0. Not together with a chunkingMethod that gives another number. */
  batchChunkSize?: number | null;
  /**
   * How batchChunkSize is found: `"aspect_ratio"` makes the scores of a chunk about as many as the numbers of `input`,
   * `"aspect_ratio:4"` a quarter of that; null takes batchChunkSize, or all samples at once. `"auto"` takes batchChunkSize
   * if given, else `"aspect_ratio"`, but unless accPolicy is `"accurate"` at most the largest power of two that is
   * ≤ N C / (4 inFeatures) for labels and ≤ N / 2 for probabilities: larger chunks need more memory in
   * PyTorch than all samples at once.
   *
   * @default {"auto"}
   */
  chunkingMethod?: "auto" | "aspect_ratio" | `aspect_ratio:${number}` | null;
  /**
   * PyTorch's choice between exact and small sums of half-precision numbers. Known for code that comes from there:
   * without half precision, it changes nothing here but the chunks of `"auto"`, and sums of many terms are kept in float64.
   *
   * @default {"auto"}
   */
  accPolicy?: "auto" | "accurate" | "compact";
  /** The type of sums, which must be that of the computation. */
  accDtype?: "float32" | "float64" | null;
  /** Known for code that comes from PyTorch: there is no graph here to be retained. @default {false} */
  allowRetainGraph?: boolean;
}

/** Scores that exist at the same time by default: 8 MB in float32, where products run at nearly full speed. */
export const CHUNK_SCORES = 2 ** 21;

/**
 * Checks how the work is to be divided.
 *
 * @param options What the constructor was given.
 * @returns A copy of it with all defaults in place.
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 * @throws {RangeError} If a size is no whole number ≥ 1, or a word is unknown.
 */
export function checkChunking(
  options: LinearCrossEntropyOptions,
): Required<LinearCrossEntropyOptions> {
  const name = "LinearCrossEntropyOptions";
  checkOptions(name, options, [
    "batchChunkSize",
    "chunkingMethod",
    "accPolicy",
    "accDtype",
    "allowRetainGraph",
  ]);
  const { batchChunkSize = null, chunkingMethod = "auto", accPolicy = "auto" } = options;
  const { accDtype = null, allowRetainGraph = false } = options;
  const check = (key: string, value: unknown, isValid: boolean, wanted: string) => {
    if (isValid) return;
    const message = `Cannot make ${name} as ${key} must be ${wanted}: current value is ${
      describe(value)
    }`;
    throw typeof value === "string" ? new RangeError(message) : new TypeError(message);
  };
  if (batchChunkSize !== null) wholeOption(name, "batchChunkSize", batchChunkSize, 1);
  check(
    "chunkingMethod",
    chunkingMethod,
    chunkingMethod === null || /^(auto|aspect_ratio(:0*[1-9]\d*)?)$/.test(chunkingMethod),
    '"auto", "aspect_ratio", "aspect_ratio:" with a whole number ≥ 1, or null',
  );
  check(
    "accPolicy",
    accPolicy,
    ["auto", "accurate", "compact"].includes(accPolicy),
    '"auto", "accurate" or "compact"',
  );
  check(
    "accDtype",
    accDtype,
    accDtype === null || accDtype === "float32" || accDtype === "float64",
    '"float32", "float64" or null',
  );
  booleanOption(name, "allowRetainGraph", allowRetainGraph);
  return { batchChunkSize, chunkingMethod, accPolicy, accDtype, allowRetainGraph };
}

/**
 * How many samples are worked on together.
 *
 * @param loss The class, for error messages.
 * @param chunking How the work is to be divided, by PyTorch's rules; undefined for {@linkcode CHUNK_SCORES}.
 * @param samples The number of samples.
 * @param inFeatures The length of a sample.
 * @param scores The number of scores of a sample.
 * @param isProbability True if the target holds probabilities, false if it holds labels.
 * @returns The number of samples in a chunk, at least 1.
 * @throws {RangeError} If size and method are both given and do not agree.
 */
export function chunkSize(
  loss: string,
  chunking: Required<LinearCrossEntropyOptions> | undefined,
  samples: number,
  inFeatures: number,
  scores: number,
  isProbability: boolean,
): number {
  if (chunking === undefined) {
    return Math.max(1, Math.min(samples, Math.floor(CHUNK_SCORES / scores)));
  }
  const { batchChunkSize: wanted, chunkingMethod, accPolicy } = chunking;
  const isAuto = chunkingMethod === "auto";
  const method = !isAuto ? chunkingMethod : wanted ? null : "aspect_ratio";
  if (method === null) return Math.max(1, Math.min(samples, wanted ?? samples));
  const factor = Number(method.split(":")[1] ?? 1);
  const share = Math.max(1, Math.ceil(samples / Math.ceil(scores / inFeatures)));
  const nextPower = 2 ** Math.ceil(Math.log2(share));
  const size = Math.min(Math.floor(nextPower / factor), samples);
  if (wanted !== null && wanted !== size) {
    throw new RangeError(
      `Cannot compute ${loss} as batchChunkSize and chunkingMethod "${method}" must agree: current values are ${wanted} and ${size}`,
    );
  }
  if (!isAuto || accPolicy === "accurate") return Math.max(1, size);
  const limit = isProbability ? samples / 2 : samples * scores / (4 * inFeatures);
  return Math.max(1, Math.min(size, 2 ** Math.floor(Math.log2(limit))));
}
