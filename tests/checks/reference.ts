/**
 * The table of all losses, made from the code.
 *
 * @module
 */
import * as lossbook from "@lossbook/losses";
import { namesIn, readProject } from "./files.ts";

/** One row: a loss and what belongs to it. */
export interface Row {
  /** PyTorch's name, which is ours. */
  readonly name: string;
  /** The file's name without its ending. */
  readonly file: string;
  /** The value, as the kernel reads it. */
  readonly formula: string;
}

/** The losses that mod.ts exports, in the order of their files. */
export function lossesOfProject(): Row[] {
  return namesIn("losses", ".ts").flatMap((file) => {
    const [, name] = readProject(`losses/${file}.ts`).match(/^export class (\w+Loss)\b/m) ?? [];
    if (name === undefined) return [];
    const loss: unknown = Reflect.get(lossbook, name);
    if (typeof loss !== "function") throw new Error(`mod.ts does not export ${name}`);
    const formula = (Reflect.get(loss, "formula") as { value?: unknown } | undefined)?.value;
    if (typeof formula !== "string") throw new Error(`${name}.formula.value is no text`);
    return [{ name, file, formula }];
  });
}

/** The table as Markdown, with paths as losses/README.md sees them. */
export function referenceTable(rows: readonly Row[]): string {
  const lines = rows.map(({ name, file, formula }) => {
    // A bar would end the cell even inside code.
    const value = formula.replaceAll("|", "\\|");
    const cells = [
      `[\`${name}\`](${file}.ts)`,
      `\`${value}\``,
      `\`torch.nn.${name}\``,
      `[${file}](../notebooks/${file}.ipynb)`,
      `[test](../tests/${file}_test.ts)`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| loss | value of one element | in PyTorch | notebook | test |",
    "|---|---|---|---|---|",
    ...lines,
  ]
    .join("\n");
}
