/** Small notebooks in a temporary folder. */

import { join } from "node:path";
import { type Cell, formatNotebook } from "../../notebooks/_kit/notebook/notebook_file.ts";

/** A cell for a notebook: its code, or its code and tags. */
export type Source = string | { code: string; tags: string[] };

/** A temporary folder with notebooks. */
export class Folder implements Disposable {
  /** Where it is. */
  readonly path: string;

  constructor(dir?: string) {
    this.path = Deno.makeTempDirSync({ dir, prefix: ".lossbook-test-" });
  }

  /** Writes a notebook with these code cells, not run yet; gives its path. */
  write(name: string, ...sources: Source[]): string {
    const cells = sources.map((source, i): Cell => ({
      cell_type: "code",
      id: `cell-${i + 1}`,
      metadata: typeof source === "string" ? {} : { tags: source.tags },
      source: typeof source === "string" ? source : source.code,
      execution_count: null,
      outputs: [],
    }));
    const text = formatNotebook({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
    return this.writeText(name, text);
  }

  /** Writes any text as a notebook; gives its path. */
  writeText(name: string, text: string): string {
    const path = join(this.path, `${name}.ipynb`);
    Deno.writeTextFileSync(path, text);
    return path;
  }

  /** The names of the files in it. */
  names(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
