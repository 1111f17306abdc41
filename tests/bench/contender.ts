/** Contenders: the libraries that compute a row, and how their times and results are taken. */
import type { FloatArray, Input } from "./inputs.ts";
import type { Row } from "./rows.ts";

/** The results of a row. */
export interface Answer {
  readonly value: number;
  /** Gradients in the order of the subject's `wrt`. */
  readonly grads: readonly ArrayLike<number>[];
}

/** A row that is ready to run. */
export interface Runner {
  /** Runs this many calls, and returns seconds per call. */
  time(calls: number): number | Promise<number>;
  /** Runs once, and returns the results. */
  answer(): Answer | Promise<Answer>;
  /** Frees memory. */
  dispose(): void | Promise<void>;
}

/** A library, or a way of using one. */
export interface Contender {
  readonly name: string;
  /** Prepares a row; undefined if the library cannot compute it. */
  prepare(
    row: Row,
    inputs: Record<string, Input>,
  ): Runner | undefined | Promise<Runner | undefined>;
}

/** This library with ordinary arrays, as in a program that knows of nothing else. */
export const ORDINARY = "ordinary";
/** This library with all floats in the arena. With threads their number is added. */
export const ARENA = "arena";

/** True for the name of a contender that is this library. */
export function isOurs(name: string): boolean {
  return [ORDINARY, ARENA].includes(name.split(",")[0]);
}

/** Runs a function this often, and returns seconds per call. */
export function timed(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call++) run();
  return (performance.now() - start) / 1000 / calls;
}

/** Share of the largest number by which a float32 result may be off. */
const TOLERANCE = 1e-3;

/** What is wrong with an answer: its value, or how many of its gradients; undefined if nothing is. */
export function wrongIn(answer: Answer, expected: Answer): string | undefined {
  const off = Math.abs(answer.value - expected.value) / Math.abs(expected.value);
  if (!(off <= TOLERANCE)) return `value ${answer.value} for ${expected.value}`;
  let count = 0;
  let wrong = 0;
  expected.grads.forEach((wanted, k) => {
    const largest = largestOf(wanted);
    const got = answer.grads[k];
    count += wanted.length;
    for (let i = 0; i < wanted.length; i++) {
      if (!(Math.abs(got[i] - wanted[i]) <= TOLERANCE * largest)) wrong++;
    }
  });
  return wrong === 0 ? undefined : `${wrong} of ${count} gradients`;
}

function largestOf(numbers: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < numbers.length; i++) largest = Math.max(largest, Math.abs(numbers[i]));
  return largest;
}

/** Buffers for the gradients of a row. */
export function gradientsOf({ subject }: Row, inputs: Record<string, Input>): FloatArray[] {
  return subject.wrt.map((name) => (inputs[name].data as FloatArray).slice());
}
