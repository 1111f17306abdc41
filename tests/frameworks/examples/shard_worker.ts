/** A worker's part of a batch: the sum over its samples, times the share that each sample has in the mean. */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

// begin
import { CrossEntropyLoss, float32 } from "@lossbook/losses";

self.onmessage = ({ data: { x, y, out, share, options } }: MessageEvent) => {
  const loss = new CrossEntropyLoss({ ...options, reduction: "sum" });
  const input = float32(x, [y.length, x.length / y.length]);
  const { value } = loss.valueAndGrad(input, y, { gradOutput: share, out: { input: out } });
  self.postMessage(share * value.item());
};
// end
