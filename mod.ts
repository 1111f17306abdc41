/**
 * Every PyTorch loss function for TypeScript, with its gradient.
 *
 * ```ts
 * import { float32, HuberLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HuberLoss({ delta: 1 });
 * const { value, grad } = loss.valueAndGrad(float32([0.5, 3]), float32([0, 0]));
 * assertEquals(value.item(), (0.5 ** 2 / 2 + 1 * (3 - 1 / 2)) / 2);
 * assertEquals(grad.input.toArray(), [0.5 / 2, 1 / 2]);
 * ```
 *
 * @module
 */

import { showAllInNotebooks } from "./losses/_notebook.ts";

export {
  type DisposableTensor,
  type Disposing,
  empty,
  type Threads,
  useThreads,
} from "./losses/_core/arena.ts";
export { float32, float64, int32, Tensor } from "./losses/_core/tensor.ts";
export {
  checkGradient,
  type CheckGradientOptions,
  type DifferentiableLoss,
  type GradientPoint,
  type GradientReport,
} from "./losses/_core/define/check_gradient.ts";
export {
  type DefinedArguments,
  type DefinedFormula,
  type DefinedLoss,
  type DefinedLossClass,
  type DefinedLossOptions,
  type DefinedOption,
  defineLoss,
  type FirstArgument,
  type LossDefinition,
  type OneOf,
  type TensorsOf,
} from "./losses/_core/define/define_loss.ts";
export * from "./losses/adaptive_log_softmax_with_loss.ts";
export * from "./losses/bce.ts";
export * from "./losses/bce_with_logits.ts";
export * from "./losses/cosine_embedding.ts";
export * from "./losses/cross_entropy.ts";
export * from "./losses/ctc.ts";
export * from "./losses/gaussian_nll.ts";
export * from "./losses/helpers.ts";
export * from "./losses/hinge_embedding.ts";
export * from "./losses/huber.ts";
export * from "./losses/kl_div.ts";
export * from "./losses/l1.ts";
export * from "./losses/linear_cross_entropy.ts";
export * from "./losses/margin_ranking.ts";
export * from "./losses/mse.ts";
export * from "./losses/multi_label_margin.ts";
export * from "./losses/multi_label_soft_margin.ts";
export * from "./losses/multi_margin.ts";
export * from "./losses/nll.ts";
export * from "./losses/poisson_nll.ts";
export * from "./losses/smooth_l1.ts";
export * from "./losses/soft_margin.ts";
export * from "./losses/triplet_margin.ts";
export * from "./losses/triplet_margin_with_distance.ts";

/* @__PURE__ */ showAllInNotebooks();
