/** The vector program that a formula becomes, as text. */
import { read } from "../../../losses/_core/formula/grammar.ts";
import { Lowering } from "../../../losses/_core/kernel/lower.ts";
import { ALL_FUNCTIONS } from "../../../losses/_core/kernel/math.ts";
import { SCRATCH_PAGES } from "../../../losses/_core/kernel/sizes.ts";
import type { Operand } from "../../../losses/_core/kernel/program.ts";
import { encode } from "../../../losses/_core/kernel/wasm.ts";

/** A program in lines, and the size of its WebAssembly module in bytes. */
export interface Listing {
  readonly lines: readonly string[];
  readonly bytes: number;
}

/**
 * Compiles a formula and a derivative for float32, as one kernel.
 *
 * @param symbols The symbols, each an operand with a number for each element.
 * @param texts The formulas.
 */
export function listingOf(symbols: readonly string[], texts: readonly string[]): Listing {
  const places = [...symbols, ...texts.map((_, i) => `result ${i}`)];
  const operands = new Map(
    places.map((name, i): [string, Operand] => [name, { kind: "element", offset: 64 * i }]),
  );
  const program = new Lowering({ dtype: "float32", operands, functions: ALL_FUNCTIONS });
  const values = texts.map((text) => read(text, program));
  const stores = values.map((value, i) => ({
    kind: "element" as const,
    offset: 64 * (symbols.length + i),
    value,
  }));
  const lines = program.instructions.map(({ op, args, value }, i) => {
    if (op === "element") return `v${i} = load ${symbols[Number(value) / 64]}`;
    const leaf = op === "const" ? ` ${value}` : op === "bits" ? ` 0x${value.toString(16)}` : "";
    const shift = op === "shl" || op === "shr" ? ` ${value}` : "";
    return `v${i} = ${op}${leaf}${args.map((arg) => ` v${arg}`).join("")}${shift}`;
  });
  const names = ["value", "gradient"];
  values.forEach((value, i) => lines.push(`store ${names[i]} v${value}`));
  const { length } = encode({ program, stores, reductions: [] }, false, SCRATCH_PAGES);
  return { lines, bytes: length };
}
