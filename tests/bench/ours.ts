/** Two contenders: this library, and the plain loop without a library. */
import { float32, float64, int32, type Tensor } from "@lossbook/losses";
import * as lossbook from "@lossbook/losses";
import { type Contender, gradientsOf, timed } from "./contender.ts";
import type { Input } from "./inputs.ts";
import type { Row } from "./rows.ts";

interface Loss {
  valueAndGrad(...args: unknown[]): { value: Tensor };
}

function tensorOf({ data, shape }: Input): Tensor {
  if (data instanceof Int32Array) return int32(data, [...shape]);
  return data instanceof Float32Array ? float32(data, [...shape]) : float64(data, [...shape]);
}

/** A call of a row's loss as in a training loop, with the same buffers each time. */
export function callOf(row: Row, inputs: Record<string, Input>): {
  run: () => number;
  grads: ArrayLike<number>[];
} {
  const { loss: name, options, wrt } = row.subject;
  const loss = new (Reflect.get(lossbook, name) as new (options?: unknown) => Loss)(options);
  const tensors = Object.values(inputs).map(tensorOf);
  const grads = gradientsOf(row, inputs);
  const request = { wrt, out: Object.fromEntries(wrt.map((name, i) => [name, grads[i]])) };
  return { run: () => loss.valueAndGrad(...tensors, request).value.item(), grads };
}

/** This library. */
export const ours: Contender = {
  name: "ours",
  prepare(row, inputs) {
    if (!Object.hasOwn(lossbook, row.subject.loss)) return undefined;
    const { run, grads } = callOf(row, inputs);
    return {
      time: (calls) => timed(run, calls),
      answer: () => ({ value: run(), grads }),
      dispose() {},
    };
  },
};

/** The plain loop. */
export const loop: Contender = {
  name: "plain loop",
  prepare(row, inputs) {
    const { loop } = row.subject;
    const args = Object.values(inputs).map(({ data }) => data);
    const grads = gradientsOf(row, inputs);
    const run = () => loop(args, grads, row.shape);
    return {
      time: (calls) => timed(run, calls),
      answer: () => ({ value: run(), grads }),
      dispose() {},
    };
  },
};
