/**
 * Kernels work on tiles. A call over many samples gives the bits that calls over parts of them give, wherever the parts end.
 */
import fc from "fast-check";
import * as lossbook from "@lossbook/losses";
import { float32, float64, int32, type Tensor } from "@lossbook/losses";
import type { FloatType } from "../../_ulp.ts";
import { property, Violation } from "../property.ts";

/** Sizes around those of tiles and blocks. */
const COUNTS = [1, 3, 4, 5, 31, 33, 95, 97, 4095, 4096, 4097, 8191, 8192, 8193, 16385];

interface TileCase {
  readonly loss: string;
  readonly dtype: FloatType;
  readonly samples: number;
  /** Numbers of a sample, where a sample has more than one. */
  readonly length: number;
  /** Where the calls of parts are cut. */
  readonly cut: number;
}

/** What a sample is made of: floats for each sample, of one number or many, or a label. */
type Part = "numbers" | "number" | "label" | "sign" | "share" | "shares";

const LOSSES: Readonly<Record<string, { parts: readonly Part[]; options?: object }>> = {
  HuberLoss: { parts: ["number", "number"], options: { delta: 0.7 } },
  BCEWithLogitsLoss: { parts: ["number", "share"] },
  GaussianNLLLoss: { parts: ["number", "number", "share"] },
  MarginRankingLoss: { parts: ["number", "number", "sign"], options: { margin: 0.2 } },
  NLLLoss: { parts: ["numbers", "label"] },
  CrossEntropyLoss: { parts: ["numbers", "label"], options: { labelSmoothing: 0.1 } },
  "CrossEntropyLoss of probabilities": { parts: ["numbers", "shares"] },
  MultiMarginLoss: { parts: ["numbers", "label"], options: { p: 2 } },
  MultiLabelSoftMarginLoss: { parts: ["numbers", "shares"] },
  CosineEmbeddingLoss: { parts: ["numbers", "numbers", "sign"] },
  TripletMarginLoss: { parts: ["numbers", "numbers", "numbers"], options: { swap: true } },
  "TripletMarginLoss with p = 1": { parts: ["numbers", "numbers", "numbers"], options: { p: 1 } },
};

/** A number for each place: no two alike, and none special. */
const wave = (at: number, phase: number) => 3 * Math.sin(0.37 * at + phase);

/** The tensors of samples [start, end). */
function tensors({ loss, dtype, length }: TileCase, start: number, end: number): Tensor[] {
  const make = dtype === "float32" ? float32 : float64;
  const count = end - start;
  return LOSSES[loss].parts.map((part, phase) => {
    const isLong = part === "numbers" || part === "shares";
    const width = isLong ? length : 1;
    const value = (i: number) => {
      const x = wave(i, phase + 1);
      if (part === "sign") return x < 0 ? -1 : 1;
      return part === "share" || part === "shares" ? x * x / 9 : x;
    };
    if (part === "label") {
      const label = (i: number) => Math.floor(Math.abs(wave(start + i, phase)) * 7) % length;
      return int32(Int32Array.from({ length: count }, (_, i) => label(i)), [count]);
    }
    const numbers = Array.from({ length: count * width }, (_, i) => value(start * width + i));
    return make(Float64Array.from(numbers), isLong ? [count, length] : [count]);
  });
}

interface Loss {
  valueAndGrad(...args: unknown[]): { value: Tensor; grad: Record<string, Tensor> };
}

function run(tile: TileCase, start: number, end: number): Float64Array[] {
  const { loss } = tile;
  const [name] = loss.split(" ");
  const Class = (lossbook as unknown as Record<string, new (options: object) => Loss>)[name];
  const made = new Class({ ...LOSSES[loss].options, reduction: "none" });
  const { value, grad } = made.valueAndGrad(...tensors(tile, start, end));
  return [value, ...Object.values(grad)].map(({ data }) => Float64Array.from(data));
}

function check(tile: TileCase): void {
  const { loss, samples, cut } = tile;
  const whole = run(tile, 0, samples);
  const at = cut % samples;
  const parts = [run(tile, 0, at), run(tile, at, samples)];
  whole.forEach((numbers, k) => {
    const joined = [...parts[0][k], ...parts[1][k]];
    const wrong = numbers.findIndex((number, i) => !Object.is(number, joined[i]));
    if (wrong >= 0) {
      throw new Violation(
        `${loss}: result ${k} is ${numbers[wrong]} at ${wrong} of ${samples} samples, ${
          joined[wrong]
        } if they are cut at ${at}`,
      );
    }
  });
}

const cases: fc.Arbitrary<TileCase> = fc.record({
  loss: fc.constantFrom(...Object.keys(LOSSES)),
  dtype: fc.constantFrom<FloatType>("float64", "float32"),
  samples: fc.constantFrom(...COUNTS),
  length: fc.constantFrom(1, 2, 3, 5, 8, 17),
  cut: fc.nat(20_000),
});

export const tiles = property<TileCase>({
  name: "tiles",
  cases,
  casesPerRound: 20,
  check,
  reproduce: (tile) =>
    `import { cutInParts } from "./tests/fuzz/properties/tiles.ts"; cutInParts(${
      JSON.stringify(tile)
    });`,
});

/** Throws if a call over all samples gives other bits than calls over two parts of them. */
export function cutInParts(tile: TileCase): void {
  check(tile);
}
