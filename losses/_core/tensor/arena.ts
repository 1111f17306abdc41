/**
 * What tensors need to know of the arena, the memory in which kernels read and write arrays in place: see ../arena/. Nobody
 * needs its code before it has been opened.
 */

import type { Shaped } from "./types.ts";

/** A range of addresses. */
export interface Block {
  readonly start: number;
  /** The first address after it. */
  readonly end: number;
}

/** The memory of the arena. */
export interface ArenaMemory {
  readonly memory: WebAssembly.Memory;
  /** Its present buffer. */
  readonly buffer: ArrayBufferLike;
  /** Takes a block of at least so many bytes, aligned to cache lines; undefined if the memory is full. */
  take(bytes: number): Block | undefined;
  /** Gives a block back. */
  free(block: Block): void;
  /** True if an array lies in this memory. */
  holds(data: unknown): boolean;
  /**
   * Refuses an array in memory that was freed.
   *
   * @param name What it is wanted for, for error messages: the name that it is read under, or a class.
   * @param numbers The array, with its shape.
   * @param action What is done with that name; "read" by default.
   * @throws {RangeError} If it lies in memory that was freed.
   */
  checkLive(name: string, numbers: Shaped, action?: string): void;
}

/** The arena, once it has been opened. */
export let arena: ArenaMemory | undefined;

/** Tells everyone that the arena has been opened. */
export function openArena(memory: ArenaMemory): void {
  arena = memory;
}
