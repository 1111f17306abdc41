/**
 * What some losses demand of the shapes of their arguments beside that they are compatible.
 */

import { sameShape, show } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

type Names = readonly string[];
type Tensors = readonly Tensor[];

/** Refuses shapes that differ. */
export function equalShapes(loss: string, names: Names, tensors: Tensors): void {
  if (tensors.every(({ shape }) => sameShape(shape, tensors[0]!.shape))) return;
  throw shapesError(loss, `${names.join(" and ")} must have the same shape`, tensors);
}

/** Refuses shapes along which the first argument would have to be repeated. */
export function firstNotRepeated(
  loss: string,
  names: Names,
  tensors: Tensors,
  common: readonly number[],
): void {
  if (sameShape(tensors[0]!.shape, common)) return;
  const others = names.slice(1).join(" and ");
  throw shapesError(loss, `${others} must not be larger than ${names[0]}`, tensors);
}

function shapesError(loss: string, wanted: string, tensors: Tensors): RangeError {
  return new RangeError(
    `Cannot compute ${loss} as ${wanted}: current shapes are ${
      tensors.map(({ shape }) => show(shape)).join(" and ")
    }`,
  );
}
