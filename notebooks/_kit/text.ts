/**
 * The command that turns a notebook into plain text and back, for editing it without a server and for comparing versions:
 *
 * ```sh
 * deno run -A notebooks/_kit/text.ts show huber > huber.txt
 * deno run -A notebooks/_kit/text.ts store huber < huber.txt   # then: deno task notebooks huber --write
 * ```
 *
 * `store` formats the code as `deno fmt` does, also that of the solutions in the text, and keeps the outputs of cells that did not
 * change.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { formatNotebook, readNotebook, replaceFile } from "./notebook/notebook_file.ts";
import { fromText, toText, withOutputs } from "./notebook/notebook_text.ts";
import { formatted } from "./runner/format.ts";

if (import.meta.main) {
  const [action, name] = Deno.args;
  if ((action !== "show" && action !== "store") || name === undefined) {
    console.error("Usage: deno run -A notebooks/_kit/text.ts show|store NAME");
    Deno.exit(2);
  }
  const path = fileURLToPath(new URL(`../${name}.ipynb`, import.meta.url));
  const { notebook } = await readNotebook(path);
  if (action === "show") {
    console.log(toText(notebook));
  } else {
    const text = await new Response(Deno.stdin.readable).text();
    const cells = withOutputs(await formatted(fromText(text)), notebook.cells);
    await replaceFile(path, formatNotebook({ ...notebook, cells }));
  }
}
