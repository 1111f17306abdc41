/**
 * The types that every loss shows: those of its arguments, options, results and base classes.
 *
 * Each module of a loss exports them again, so that all that it mentions can be imported from it. Types only.
 */

export type { Loss } from "./call/loss.ts";
export type { Reduction } from "./call/options.ts";
export type { Request, ValueAndGrad } from "./call/request.ts";
export type { LossFormula } from "./elementwise/definition.ts";
export type { ElementwiseLoss, InputAndTarget } from "./elementwise/loss.ts";
export type { Tensor, TensorLike } from "./tensor/tensor.ts";
export type {
  AnyTypedArray,
  ArrayOfRank,
  DType,
  FloatArray,
  FloatType,
  ForeignTensor,
  HalfFloats,
  Layout,
  NestedArray,
  NestedRows,
  TensorData,
} from "./tensor/types.ts";
