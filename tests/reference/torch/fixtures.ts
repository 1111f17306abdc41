/**
 * The numbers that PyTorch gave, as tests/fixtures stores them: read, and turned into tensors. `fixtures/make.py` describes what
 * a case holds.
 */

import { float32, float64, int32, type Tensor } from "@lossbook/losses";

/** A tensor as a fixture stores it, with its non-finite numbers already decoded. */
export interface FixtureTensor {
  dtype: "float32" | "float64" | "int32";
  shape: number[];
  data: number[];
}

/** One call of one loss, and PyTorch's result. */
export interface FixtureCase {
  name: string;
  dtype: "float32" | "float64";
  /** The constructor's options; a tensor among them is a {@linkcode FixtureTensor}. */
  options: Record<string, unknown>;
  /** The arguments in call order. */
  args: Record<string, FixtureTensor>;
  gradOutput: number | FixtureTensor;
  value: FixtureTensor;
  /** Gradients by the name of the argument, option or parameter that they belong to. */
  grad: Record<string, FixtureTensor>;
  /** Size of terms that cancel, so that only their rounding may be left (default: the largest expected number). */
  scale?: number;
  /** float32 cases: the same call on the same inputs in float64. */
  value64?: FixtureTensor;
  grad64?: Record<string, FixtureTensor>;
  /** Trainable parameters by PyTorch's names, for losses that own some. */
  parameters?: Record<string, FixtureTensor>;
}

/** One file of fixtures. */
export interface Fixture {
  loss: string;
  /** The version of PyTorch. */
  pytorch: string;
  seed: number;
  cases: FixtureCase[];
}

/** Numbers that JSON cannot write are stored as these words. */
const WORDS = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity], ["-0", -0]]);

/** Parses the text of a fixture. */
export function parseFixture(text: string): Fixture {
  return JSON.parse(
    text,
    (_, value) => typeof value === "string" ? WORDS.get(value) ?? value : value,
  );
}

/** The fixtures of one loss, by file name without ".json". */
export function loadFixture(name: string): Fixture {
  const url = new URL(`../../fixtures/${name}.json`, import.meta.url);
  return parseFixture(Deno.readTextFileSync(url));
}

/** A tensor of the library that holds a copy of the stored numbers. */
export function tensorOf({ dtype, shape, data }: FixtureTensor): Tensor {
  if (dtype === "int32") return int32(Int32Array.from(data), [...shape]);
  if (dtype === "float32") return float32(Float32Array.from(data), [...shape]);
  return float64(Float64Array.from(data), [...shape]);
}

/** Tensors of the library for stored ones, by name. */
export function tensorsOf(stored: Record<string, FixtureTensor> = {}): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(stored).map(([name, t]) => [name, tensorOf(t)]));
}

/** The options of a case; stored tensors among them become tensors of the library. */
export function optionsOf(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, isTensor(value) ? tensorOf(value) : value]),
  );
}

function isTensor(value: unknown): value is FixtureTensor {
  return typeof value === "object" && value !== null && "dtype" in value && "data" in value;
}
