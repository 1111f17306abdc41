/**
 * The arena: one shared memory that holds arrays of the caller, where kernels read and write them in place.
 *
 * | pages               | hold                                                                |
 * | ------------------- | ------------------------------------------------------------------- |
 * | 0 … SCRATCH_PAGES-1 | operands of kernels that lie nowhere else, as in ../kernel/memory.ts |
 * | then                | blocks: arrays of the caller, tables of kernels, long operands      |
 *
 * The memory grows when a block is taken, and never shrinks. Kernels may read up to 16 bytes beyond the end of an array, so that
 * memory reaches further than its last block.
 */

import { bestMachine, type Machine } from "../kernel/memory.ts";
import { LINE, MOST_PAGES, PAGE, SCRATCH_PAGES, SLACK } from "../kernel/sizes.ts";
import { type ArenaMemory, type Block, openArena } from "../tensor/arena.ts";
import { show } from "../tensor/shape.ts";
import type { Shaped, TensorData } from "../tensor/types.ts";
import { Blocks } from "./blocks.ts";

/** The memory grows by this many pages at least. */
const GROWTH = 256;

/** The arena, once it has been opened, and whether that has been tried. */
let only: Arena | undefined;
let isTried = false;

/** The shared memory and what of it is in use. */
export class Arena implements ArenaMemory {
  readonly memory: WebAssembly.Memory;
  readonly machine: Machine;
  readonly #blocks = new Blocks(SCRATCH_PAGES * PAGE, MOST_PAGES * PAGE - SLACK);
  /** The buffer objects that arrays were made of: the memory gets another one whenever it grows, in some engines by any thread. */
  readonly #buffers = new WeakSet<ArrayBufferLike>();

  private constructor(machine: Machine) {
    this.machine = machine;
    this.memory = new WebAssembly.Memory({
      initial: SCRATCH_PAGES + GROWTH,
      maximum: MOST_PAGES,
      shared: true,
    });
  }

  /** The arena, opened by the first call; undefined where there is no shared memory, or no WebAssembly. */
  static open(): Arena | undefined {
    if (isTried) return only;
    isTried = true;
    const machine = bestMachine();
    if (machine === "interpreter") return undefined;
    try {
      openArena(only = new Arena(machine));
    } catch {
      // There is no shared memory here, or not enough.
    }
    return only;
  }

  get buffer(): ArrayBufferLike {
    const { buffer } = this.memory;
    this.#buffers.add(buffer);
    return buffer;
  }

  checkLive(name: string, { data, shape }: Shaped, action = "read"): void {
    if (!this.holds(data) || this.#isLive(data)) return;
    throw new RangeError(
      `Cannot ${action} ${name} as the memory of arguments and buffers must not be freed: that for the shape ${
        show(shape)
      } was`,
    );
  }

  #isLive({ byteOffset, byteLength }: TensorData): boolean {
    return byteLength === 0 || this.#blocks.isUsed(byteOffset, byteOffset + byteLength);
  }

  holds(data: unknown): data is TensorData {
    // For small arrays a buffer is made when it is asked for. Those that begin with their buffer are not in a block.
    return ArrayBuffer.isView(data) && (data.byteOffset > 0 || data.byteLength > LINE) &&
      this.#buffers.has(data.buffer);
  }

  take(bytes: number): Block | undefined {
    const block = this.#blocks.take(LINE * Math.max(1, Math.ceil(bytes / LINE)));
    if (block === undefined || this.#reach(block.end + SLACK)) return block;
    this.#blocks.free(block);
    return undefined;
  }

  free(block: Block): void {
    this.#blocks.free(block);
  }

  /** Grows the memory to so many bytes at least; false if that is impossible. */
  #reach(bytes: number): boolean {
    const pages = this.memory.buffer.byteLength / PAGE;
    const missing = Math.ceil(bytes / PAGE) - pages;
    if (missing <= 0) return true;
    const most = MOST_PAGES - pages;
    for (const more of [Math.min(most, Math.max(missing, GROWTH)), missing]) {
      try {
        this.memory.grow(more);
        return true;
      } catch {
        // Another attempt, or none: the system refuses.
      }
    }
    return false;
  }
}
