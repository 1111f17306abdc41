/**
 * Tensors: numbers with a shape, for those who import single losses.
 *
 * Plain arrays and typed arrays serve as arguments too. A tensor is needed to choose the element type of plain numbers, or to
 * give a flat array a shape.
 *
 * ```ts
 * import { HuberLoss } from "@lossbook/losses/huber";
 * import { float32 } from "@lossbook/losses/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HuberLoss();
 * assertEquals(loss.forward([0.5, 3], [0, 0]).dtype, "float64");
 * assertEquals(loss.forward(float32([0.5, 3]), [0, 0]).dtype, "float32");
 * ```
 *
 * @module
 */

export { float32, float64, int32 } from "./tensor/read.ts";
export { Tensor, type TensorLike } from "./tensor/tensor.ts";
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
