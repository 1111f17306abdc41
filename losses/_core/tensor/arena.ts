/**
 * What tensors need to know of the arena, the memory in which kernels read and write arrays in place: see ../arena/. Nobody
 * needs its code before it has been opened.
 */

import type { Shaped } from "./types.ts";

/** The memory of the arena. */
export interface ArenaMemory {
  /** True if an array lies in this memory. */
  holds(data: unknown): boolean;
  /**
   * Refuses arrays in memory that was freed.
   *
   * @param loss The class, for error messages.
   * @param numbers What a call reads and writes.
   * @throws {RangeError} If one of the arrays lies in memory that was freed.
   */
  checkLive(loss: string, numbers: readonly (Shaped | undefined)[]): void;
}

/** The arena, once it has been opened. */
export let arena: ArenaMemory | undefined;

/** Tells everyone that the arena has been opened. */
export function openArena(memory: ArenaMemory): void {
  arena = memory;
}
