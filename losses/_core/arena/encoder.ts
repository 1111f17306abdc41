/**
 * Encodes kernels for the arena. They differ from others (../kernel/wasm.ts) in three points:
 *
 * - Operands may lie anywhere: a table tells where each of them begins, and how far the rows of an element operand lie apart
 *   beyond the length of a row.
 * - Nothing is written after the end of a row, as there may be numbers of someone else.
 * - The memory is shared with other threads, and grows.
 *
 * The second parameter of a kernel is the address of its table: 32-bit words, first the number of columns, then two for each
 * operand. Params are the exception: they are the same for all threads, and lie in the place that the plan says.
 */

import {
  BLOCK,
  CodeWriter,
  ELSE,
  END,
  I32_ADD,
  I32_GE_U,
  I32_LOAD,
  I32_LT_U,
  IF,
  V128_STORE,
  V128_STORE_LANE,
} from "../kernel/assembler.ts";
import { COLS, FULL, INTEGERS, J, ROW_END } from "../kernel/locals.ts";
import type { Plan } from "../kernel/plan.ts";
import type { Op, Operand, OperandKind } from "../kernel/program.ts";
import { MOST_PAGES, VECTOR_BYTES } from "../kernel/sizes.ts";
import { Encoder } from "../kernel/wasm.ts";

/** Where the table says how many columns there are. */
export const COLUMNS = 0;
/** Where the table says where an operand begins. */
export const beginOf = (slot: number): number => 1 + 2 * slot;
/** Where the table says how many bytes lie between the rows of an operand. */
export const gapOf = (slot: number): number => 2 + 2 * slot;

/** Where the table is; after it, an address for each operand, then a gap for each operand. */
const TABLE = INTEGERS;

/** The instructions that read operands in the table. */
const KINDS: { readonly [op in Op]?: true } = { element: true, column: true, row: true };

class ArenaEncoder extends Encoder {
  /** The operands that the kernel has in the table, by offset: their kind, their place in the table, and the local for their address. */
  readonly #operands = new Map<number, { kind: OperandKind; slot: number; local: number }>();
  readonly #base: number;

  constructor(
    plan: Plan,
    relaxed: boolean,
    operands: ReadonlyMap<string, Operand>,
    base: number,
  ) {
    super(plan, relaxed, 1 + 2 * operands.size);
    this.#base = base;
    const used = new Set(
      plan.program.instructions.filter(({ op }) => op in KINDS).map(({ value }) => value),
    );
    for (const { offset } of [...plan.stores, ...plan.reductions]) used.add(offset);
    let slot = 0;
    for (const { kind, offset } of operands.values()) {
      if (kind !== "param" && used.has(offset)) {
        this.#operands.set(offset, { kind, slot, local: TABLE + 1 + 2 * slot });
      }
      slot++;
    }
  }

  override encode(limits: CodeWriter): Uint8Array<ArrayBuffer> {
    this.get(COLS).set(TABLE);
    this.#load(COLUMNS, COLS);
    for (const { slot, local } of this.#operands.values()) {
      this.#load(beginOf(slot), local);
      this.#load(gapOf(slot), local + 1);
    }
    return super.encode(limits);
  }

  /** Sets a local to a word of the table. */
  #load(word: number, local: number): void {
    this.get(TABLE).byte(I32_LOAD).at(4 * word).set(local);
  }

  protected override place(kind: OperandKind, offset: number): number {
    if (kind === "param") {
      super.place(kind, offset);
      return this.#base + offset;
    }
    this.get(this.#operands.get(offset)!.local);
    super.place(kind, offset);
    this.byte(I32_ADD);
    return 0;
  }

  protected override endRow(): void {
    for (const { kind, local } of this.#operands.values()) {
      if (kind === "element") this.get(local).get(local + 1).byte(I32_ADD).set(local);
    }
  }

  /** Stores the whole vector, or the lanes that belong to the row. */
  protected override storeRest(): void {
    const size = this.wide ? 8 : 4;
    for (const { kind, offset, value } of this.plan.stores) {
      this.push(value, 0);
      this.set(this.pending);
      this.get(J).get(FULL).byte(I32_LT_U).open(IF);
      const address = this.place(kind, offset);
      this.get(this.pending).simd(V128_STORE).at(address);
      this.byte(ELSE).open(BLOCK);
      for (let lane = 0; lane < VECTOR_BYTES / size - 1; lane++) {
        this.get(J).i32(size * lane).byte(I32_ADD).get(ROW_END).byte(I32_GE_U).leave(0);
        this.place(kind, offset);
        this.get(this.pending).simd(V128_STORE_LANE + this.wide).at(address + size * lane).byte(
          lane,
        );
      }
      this.byte(END).byte(END);
    }
  }
}

/**
 * Encodes a kernel for the arena.
 *
 * @param plan The kernel.
 * @param relaxed True to use the multiply-add and select of relaxed SIMD.
 * @param operands All operands that it may have, in the order of the table.
 * @param base Where params lie, in bytes: what their offsets are added to.
 */
export function encodeForArena(
  plan: Plan,
  relaxed: boolean,
  operands: ReadonlyMap<string, Operand>,
  base: number,
): Uint8Array<ArrayBuffer> {
  const sharedAndGrowing = new CodeWriter().byte(3).leb(1).leb(MOST_PAGES);
  return new ArenaEncoder(plan, relaxed, operands, base).encode(sharedAndGrowing);
}
