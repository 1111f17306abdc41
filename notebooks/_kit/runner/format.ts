/** The layout of code in notebooks, which is that of `deno fmt`; by itself it would break formulas in the text of notebooks. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cell } from "../notebook/notebook_file.ts";

const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** Fenced code in text cells, which is TypeScript in solutions. */
const FENCES = /(?<=^```ts\n)[^]*?(?=^```$)/gm;

/**
 * Formats the code of cells, and the TypeScript in their texts.
 *
 * @param cells The cells, which are not modified.
 * @returns The same cells with their code as `deno fmt` lays it out.
 * @throws {SyntaxError} If some code cannot be parsed.
 */
export async function formatted(cells: readonly Cell[]): Promise<Cell[]> {
  const pieces = cells.flatMap(({ cell_type, source }) =>
    cell_type === "code" ? [source] : source.match(FENCES) ?? []
  );
  const done = await formatAll(pieces);
  const next = () => done.shift() ?? "";
  return cells.map((cell) => ({
    ...cell,
    source: cell.cell_type === "code"
      ? next().trimEnd()
      : cell.source.replace(FENCES, () => next()),
  }));
}

async function formatAll(pieces: readonly string[]): Promise<string[]> {
  if (pieces.length === 0) return [];
  const folder = await Deno.makeTempDir({ prefix: "lossbook-format-" });
  try {
    const paths = pieces.map((_, i) => join(folder, `${i}.ts`));
    await Promise.all(pieces.map((piece, i) => Deno.writeTextFile(paths[i], piece)));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--quiet", "--config", CONFIG, ...paths],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    if (!success) {
      const reason = new TextDecoder().decode(stderr).replaceAll(folder, "").trim();
      throw new SyntaxError(`Cannot format the code of the notebook: ${reason}`);
    }
    return await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
