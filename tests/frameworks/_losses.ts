/** Every loss of the package with float32 arguments that suit it: what a framework must be able to go through. */
import * as losses from "@lossbook/losses";
import type { Loss, Reduction, Tensor, TensorLike } from "@lossbook/losses";
import { type Drawn, TorchRandom } from "../reference/torch/random.ts";

/** Any loss, whatever its arguments. */
export type SomeLoss = Loss<readonly TensorLike[], string, string>;

/** Numbers of an argument: float32 to differentiate with respect to, int32 for labels. */
export type Argument = Drawn<Float32Array | Int32Array>;

/** A loss and a call of it. */
export interface LossCall {
  readonly name: string;
  readonly make: (reduction: Reduction) => SomeLoss;
  readonly args: readonly Argument[];
}

const N = 5;
const C = 4;

/** One call of every loss without parameters. */
export function lossCalls(): LossCall[] {
  const torch = new TorchRandom(7);
  const floats = (...shape: number[]) => torch.randn(shape);
  const between = (low: number, high: number, ...shape: number[]) =>
    torch.uniform(low, high, shape);
  const labels = (classes: number, ...shape: number[]) => torch.random(shape, "int32", classes);
  const signs = (...shape: number[]): Argument => {
    const { data } = torch.random(shape, "int32", 2);
    return { data: Float32Array.from(data, (bit) => 2 * bit - 1), shape };
  };
  const rows = (data: number[], ...shape: number[]): Argument => ({
    data: Int32Array.from(data),
    shape,
  });
  const calls: Record<string, [options: object, ...args: Argument[]]> = {
    L1Loss: [{}, floats(N, C), floats(N, C)],
    MSELoss: [{}, floats(N, C), floats(N, C)],
    SmoothL1Loss: [{ beta: 0.5 }, floats(N, C), floats(N, C)],
    HuberLoss: [{ delta: 0.5 }, floats(N, C), floats(N, C)],
    BCELoss: [{}, between(0.1, 0.9, N, C), between(0.1, 0.9, N, C)],
    BCEWithLogitsLoss: [{ posWeight: [1, 2, 3, 4] }, floats(N, C), between(0, 1, N, C)],
    KLDivLoss: [{ logTarget: true }, floats(N, C), floats(N, C)],
    PoissonNLLLoss: [{ full: true }, floats(N, C), between(2, 9, N, C)],
    GaussianNLLLoss: [{ full: true }, floats(N, C), floats(N, C), between(0.5, 2, N, C)],
    HingeEmbeddingLoss: [{}, floats(N, C), signs(N, C)],
    MarginRankingLoss: [{ margin: 0.5 }, floats(N), floats(N), signs(N)],
    SoftMarginLoss: [{}, floats(N, C), signs(N, C)],
    CosineEmbeddingLoss: [{ margin: 0.1 }, floats(N, C), floats(N, C), signs(N)],
    CrossEntropyLoss: [{ weight: [1, 2, 3, 4] }, floats(N, C, 2), labels(C, N, 2)],
    NLLLoss: [{}, floats(N, C), labels(C, N)],
    MultiMarginLoss: [{}, floats(N, C), labels(C, N)],
    MultiLabelMarginLoss: [{}, floats(2, C), rows([3, 0, -1, 1, 0, 1, 2, -1], 2, C)],
    MultiLabelSoftMarginLoss: [{}, floats(N, C), between(0, 1, N, C)],
    TripletMarginLoss: [{ swap: true }, floats(N, C), floats(N, C), floats(N, C)],
    TripletMarginWithDistanceLoss: [{ margin: 2 }, floats(N, C), floats(N, C), floats(N, C)],
    CTCLoss: [
      { logits: true },
      floats(6, 2, C),
      rows([1, 2, 3, 3, 1, 1], 2, 3),
      rows([6, 5], 2),
      rows([3, 2], 2),
    ],
  };
  const all = Object.entries(calls).map(([name, [options, ...args]]): LossCall => {
    const Class = (losses as unknown as Record<string, new (options: object) => SomeLoss>)[name]!;
    return { name, make: (reduction) => new Class({ ...options, reduction }), args };
  });
  // Cross entropy has a second kind of target.
  const { make } = all.find(({ name }) => name === "CrossEntropyLoss")!;
  const args = [floats(N, C), between(0, 1, N, C)];
  return [...all, { name: "CrossEntropyLoss of probabilities", make, args }];
}

/** The names of all loss classes. */
export const LOSS_NAMES: readonly string[] = Object.keys(losses).filter((name) =>
  /^[A-Z].*Loss$/.test(name)
);

/** What a loss answers for arguments, or the error that it throws. */
export function answerOf(
  loss: SomeLoss,
  args: readonly TensorLike[],
  name: string,
  gradOutput: TensorLike,
): Tensor | Error {
  try {
    return loss.valueAndGrad(...args, { wrt: [name], gradOutput } as never).grad[name]!;
  } catch (error) {
    return error as Error;
  }
}
