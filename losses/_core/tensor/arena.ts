/**
 * What tensors need to know of the arena, the memory in which kernels read and write arrays in place: see ../arena/. Nobody
 * needs its code before it has been opened.
 */

import type { Shaped } from "./types.ts";

/** The memory of the arena. */
export interface ArenaMemory {
  /** True if a buffer is this memory. As it grows, it has several buffer objects. */
  owns(buffer: ArrayBufferLike): boolean;
  /**
   * Refuses arrays in memory that was freed.
   *
   * @param what What they are wanted for, such as "read input", for error messages.
   * @param numbers What is read or written.
   * @throws {RangeError} If one of the arrays lies in memory that was freed.
   */
  checkLive(what: string, numbers: readonly (Shaped | undefined)[]): void;
}

/** The arena, once it has been opened. */
export let arena: ArenaMemory | undefined;

/** Tells everyone that the arena has been opened. */
export function openArena(memory: ArenaMemory): void {
  arena = memory;
}
