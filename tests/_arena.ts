/** Tensors in the arena, and a machine on which even the smallest call works there. */
import { empty, Tensor } from "@lossbook/losses";
import { nearIn } from "../losses/_core/arena/kernels.ts";
import { shareFrom } from "../losses/_core/arena/launch.ts";
import { Arena } from "../losses/_core/arena/memory.ts";
import { workNearArrays } from "../losses/_core/kernel/kernels.ts";

/**
 * Lets calls of any size work in the arena, and share their rows among threads, until the result is called.
 *
 * @returns Puts everything back as it was.
 */
export function useArenaAlways(): () => void {
  using _first = empty([1]);
  const arena = Arena.open();
  if (arena === undefined) throw new Error("This runtime has no arena");
  workNearArrays(nearIn(arena, 0));
  shareFrom(0);
  return () => {
    workNearArrays(nearIn(arena));
    shareFrom();
  };
}

/** What stands before and after a guarded array. */
const GUARD = 12345;
/** How many numbers of it stand there at least. */
const MARGIN = 5;

/** A tensor in the arena, in the middle of a larger one, beginning where no vector does. */
export interface Guarded {
  readonly tensor: Tensor;
  /** Frees the memory, and throws if a number around the tensor was changed. */
  free(): void;
}

/** Copies a tensor into the arena. */
export function guarded({ data, shape, dtype }: Tensor, shift = 1): Guarded {
  const whole = empty([data.length + 2 * MARGIN + shift], dtype);
  whole.data.fill(GUARD);
  const own = whole.data.subarray(MARGIN + shift, MARGIN + shift + data.length);
  own.set(data);
  return {
    tensor: new Tensor(own, shape),
    free() {
      const around = [...whole.data.subarray(0, MARGIN + shift), ...whole.data.subarray(-MARGIN)];
      whole[Symbol.dispose]();
      if (around.some((number) => number !== GUARD)) {
        throw new Error(`Numbers beside a tensor were changed: ${around}`);
      }
    },
  };
}
