/**
 * `deno task tables`: writes every table that is made from the code into the Markdown file that shows it, and the package's
 * subpaths into deno.json. The tests fail on what is out of date.
 *
 * @module
 */
import { speedExcerpt } from "../bench/readme.ts";
import { exportsOfProject, withExports } from "./exports.ts";
import { PROJECT, readProject } from "./files.ts";
import { withMarked } from "./marked.ts";
import { questionTable } from "./questions.ts";
import { lossesOfProject, referenceTable } from "./reference.ts";
import { unlikeTable } from "./unlike.ts";

/** A table and where it stands. */
export interface Table {
  /** The Markdown file, seen from the project's folder. */
  readonly file: string;
  /** The name in its markers. */
  readonly name: string;
  /** Makes the table from what the project says today. */
  make(): string;
}

/** Every table that can be made without measuring anything. */
export const TABLES: readonly Table[] = [
  { file: "README.md", name: "questions", make: () => questionTable() },
  {
    file: "README.md",
    name: "speed",
    make: () => speedExcerpt(readProject("tests/bench/README.md")),
  },
  { file: "losses/README.md", name: "losses", make: () => referenceTable(lossesOfProject()) },
  { file: "losses/README.md", name: "unlike", make: unlikeTable },
];

function write(): void {
  for (const { file, name, make } of TABLES) {
    Deno.writeTextFileSync(new URL(file, PROJECT), withMarked(readProject(file), name, make()));
  }
  const config = withExports(readProject("deno.json"), exportsOfProject());
  Deno.writeTextFileSync(new URL("deno.json", PROJECT), config);
}

if (import.meta.main) write();
