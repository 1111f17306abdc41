/**
 * The division of a batch into chunks of samples, so that the scores of all samples need not exist at the same time.
 *
 * This folder belongs to LinearCrossEntropyLoss. It knows no tensors.
 */

import { booleanOption, type Checked, checkOptions, wholeOption } from "../_core/call/options.ts";
import { describe } from "../_core/tensor/describe.ts";

/** How {@linkcode LinearCrossEntropyLoss} divides its work. Nothing here changes the result, except for rounding. */
export interface LinearCrossEntropyOptions {
  /** The number of samples in a chunk, > 0. If a chunkingMethod is given too, it must give the same number. */
  batchChunkSize?: number | null | undefined;
  /**
   * How the number of samples in a chunk is found. `"aspect_ratio"`: a chunk has about as many scores as `input` has
   * numbers; `"aspect_ratio:4"`: a quarter of that. null: batchChunkSize if given, otherwise all samples. `"auto"`:
   * batchChunkSize if given, otherwise `"aspect_ratio"`, but unless accPolicy is `"accurate"` at most the largest power of
   * two that is ≤ N C / (4 inFeatures) for labels and ≤ N / 2 for probabilities.
   *
   * @default {"auto"}
   */
  chunkingMethod?: "auto" | "aspect_ratio" | `aspect_ratio:${number}` | null | undefined;
  /**
   * PyTorch's choice between accuracy and memory for sums of half-precision numbers. There is no half precision here: it
   * changes nothing but the chunks of `"auto"`.
   *
   * @default {"auto"}
   */
  accPolicy?: "auto" | "accurate" | "compact" | undefined;
  /** The type of sums, which must be that of the computation. */
  accDtype?: "float32" | "float64" | null | undefined;
  /** Accepted for compatibility with PyTorch; there is no graph to retain here. @default {false} */
  allowRetainGraph?: boolean | undefined;
}

/** The default number of scores in a chunk: 8 MB in float32, with which products run at nearly full speed. */
export const CHUNK_SCORES: number = /* @__PURE__ */ Math.pow(2, 21);

/**
 * Checks the option `options` of the loss.
 *
 * @param options The value of that option.
 * @returns A copy of it with all defaults filled in.
 * @throws {TypeError} If an option is unknown or of the wrong kind.
 * @throws {RangeError} If a size is not a whole number ≥ 1, or a word is unknown.
 */
export function checkChunking(
  options: LinearCrossEntropyOptions,
): Checked<LinearCrossEntropyOptions> {
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
 * The number of samples in a chunk.
 *
 * @param loss The class, for error messages.
 * @param chunking The checked options, which follow PyTorch's rules; undefined for {@linkcode CHUNK_SCORES}.
 * @param samples The number of samples.
 * @param inFeatures The length of a sample.
 * @param scores The number of scores of a sample.
 * @param isProbability True if the target holds probabilities, false if it holds labels.
 * @returns The number, at least 1.
 * @throws {RangeError} If batchChunkSize and chunkingMethod are both given and do not agree.
 */
export function chunkSize(
  loss: string,
  chunking: Checked<LinearCrossEntropyOptions> | undefined,
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
