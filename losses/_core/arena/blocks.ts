/**
 * Which parts of a range of addresses are in use: blocks are taken from the first gap that is large enough, and given back.
 */

import type { Block } from "../tensor/arena.ts";

/** Blocks of a range of addresses. */
export class Blocks {
  /** What is in use, and what is not, both by address. Neighbouring gaps are joined. */
  readonly #used: Block[] = [];
  readonly #gaps: Block[];

  constructor(start: number, end: number) {
    this.#gaps = [{ start, end }];
  }

  /** Takes a block of so many addresses; undefined if no gap is large enough. */
  take(size: number): Block | undefined {
    const at = this.#gaps.findIndex(({ start, end }) => end - start >= size);
    if (at < 0) return undefined;
    const gap = this.#gaps[at]!;
    const block = { start: gap.start, end: gap.start + size };
    if (block.end === gap.end) this.#gaps.splice(at, 1);
    else this.#gaps[at] = { start: block.end, end: gap.end };
    this.#used.splice(countUpTo(this.#used, block.start), 0, block);
    return block;
  }

  /** Gives a block back; nothing happens if it is not in use. */
  free(block: Block): void {
    const index = countUpTo(this.#used, block.start) - 1;
    if (this.#used[index] !== block) return;
    this.#used.splice(index, 1);
    let { start, end } = block;
    const at = countUpTo(this.#gaps, start);
    const before = this.#gaps[at - 1];
    const after = this.#gaps[at];
    const joinsBefore = before?.end === start;
    const joinsAfter = after?.start === end;
    if (joinsBefore) start = before!.start;
    if (joinsAfter) end = after!.end;
    this.#gaps.splice(at - Number(joinsBefore), Number(joinsBefore) + Number(joinsAfter), {
      start,
      end,
    });
  }

  /** True if all addresses of a range belong to one block that is in use. */
  isUsed(start: number, end: number): boolean {
    const block = this.#used[countUpTo(this.#used, start) - 1];
    return block !== undefined && end <= block.end;
  }
}

/** How many of the blocks begin at an address up to this one. */
function countUpTo(blocks: readonly Block[], address: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}
