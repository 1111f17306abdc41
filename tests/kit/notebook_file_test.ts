/** Notebook files: written byte for byte as Jupyter does, and refused if invalid. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  formatNotebook,
  type Json,
  parseNotebook,
  readNotebook,
  replaceFile,
} from "../../notebooks/_kit/notebook/notebook_file.ts";

/** Written by nbformat 5.11 (Python): every kind of cell and output, odd texts and numbers. */
const WRITTEN_BY_JUPYTER = String.raw`{
 "cells": [
  {
   "attachments": {
    "a.png": {
     "image/png": "AAAA"
    }
   },
   "cell_type": "markdown",
   "id": "text_1",
   "metadata": {
    "tags": [
     "x"
    ]
   },
   "source": [
    "# 损失 😀\n",
    "\n",
    "two\r\n",
    "three\u000b",
    "four"
   ]
  },
  {
   "cell_type": "raw",
   "id": "raw-1",
   "metadata": {},
   "source": []
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "code-1",
   "metadata": {},
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "a\n",
      "b"
     ]
    },
    {
     "data": {
      "application/json": [],
      "application/vnd.plotly.v1+json": {
       "empty": {},
       "y": [
        1e-07,
        1.5e-05,
        0.0001,
        -2.5e-10,
        0,
        123456789,
        0.1,
        1e+21
       ]
      },
      "image/png": "AAAA",
      "image/svg+xml": [
       "<svg>\n",
       "</svg>"
      ],
      "text/plain": [
       "x\n"
      ]
     },
     "metadata": {
      "image/png": {
       "width": 640
      }
     },
     "output_type": "display_data"
    },
    {
     "data": {
      "text/plain": [
       "2"
      ]
     },
     "execution_count": 1,
     "metadata": {},
     "output_type": "execute_result"
    },
    {
     "ename": "Error",
     "evalue": "\"quoted\"",
     "output_type": "error",
     "traceback": [
      "\u001b[31mError\u001b[0m\n  at x"
     ]
    }
   ],
   "source": [
    "1 + 1"
   ]
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Deno",
   "language": "typescript",
   "name": "deno"
  },
  "language_info": {
   "codemirror_mode": "typescript",
   "file_extension": ".ts",
   "mimetype": "text/x.typescript",
   "name": "typescript",
   "nbconvert_exporter": "script",
   "pygments_lexer": "typescript"
  },
  "title": "t"
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

interface Raw {
  [key: string]: unknown;
  metadata: Record<string, unknown>;
  cells: (Record<string, unknown> & { metadata: unknown; outputs: Record<string, unknown>[] })[];
}

/** The notebook above after a change to its JSON. */
function changed(change: (json: Raw) => void): string {
  const json = JSON.parse(WRITTEN_BY_JUPYTER);
  change(json);
  return JSON.stringify(json);
}

describe("formatNotebook", () => {
  it("writes the bytes that Jupyter wrote", () => {
    assertEquals(formatNotebook(parseNotebook(WRITTEN_BY_JUPYTER)), WRITTEN_BY_JUPYTER);
  });

  it("writes the same bytes for any order of keys, and for texts in one string", () => {
    const reversed = (value: Json): Json =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).reverse().map(([k, v]) => [k, reversed(v)]))
        : value;
    const text = JSON.stringify(reversed(JSON.parse(WRITTEN_BY_JUPYTER)));
    assertEquals(formatNotebook(parseNotebook(text)), WRITTEN_BY_JUPYTER);
    const joined = changed(({ cells }) => {
      cells[0].source = (cells[0].source as string[]).join("");
      cells[2].outputs[0].text = "a\nb";
    });
    assertEquals(formatNotebook(parseNotebook(joined)), WRITTEN_BY_JUPYTER);
  });

  it("drops metadata of one session or one version", () => {
    const text = changed(({ metadata, cells }) => {
      metadata.signature = "sha256:0";
      metadata.orig_nbformat = 4;
      metadata.language_info = { name: "typescript", version: "5.0.0" };
      cells[2].metadata = { execution: { "iopub.status.idle": "2026-01-01" }, trusted: true };
    });
    assertEquals(formatNotebook(parseNotebook(text)), WRITTEN_BY_JUPYTER);
  });

  it("does not modify the notebook", () => {
    const notebook = parseNotebook(WRITTEN_BY_JUPYTER);
    const before = structuredClone(notebook);
    formatNotebook(notebook);
    assertEquals(notebook, before);
  });
});

describe("parseNotebook", () => {
  it("joins lines and does not change JSON data", () => {
    const { cells } = parseNotebook(WRITTEN_BY_JUPYTER);
    assertEquals(cells[0].source, "# 损失 😀\n\ntwo\r\nthree\vfour");
    assert(cells[2].cell_type === "code" && cells[2].outputs[1].output_type === "display_data");
    assertEquals(cells[2].outputs[1].data["application/json"], []);
    assertEquals(cells[2].outputs[1].data["image/svg+xml"], "<svg>\n</svg>");
  });

  it("refuses what is not JSON", () => {
    for (const text of ["", "{nope", '{"cells": [', "\0"]) {
      assertThrows(() => parseNotebook(text), SyntaxError, "as it is not JSON");
    }
  });

  const refusals: [message: string, change: (json: Raw) => void][] = [
    ["nbformat must be 4: current value is 3", (nb) => nb.nbformat = 3],
    ["nbformat must be 4: current value is missing", (nb) => delete nb.nbformat],
    ["nbformat_minor must be >= 5: current value is 4", (nb) => nb.nbformat_minor = 4],
    [
      "cells must be a list: current value is missing",
      (nb) => Object.assign(nb, { cells: undefined }),
    ],
    ["Cannot read cell 1 as it must be an object", (nb) => Object.assign(nb, { cells: [1] })],
    [
      "metadata as it must be an object: current value is []",
      (nb) => Object.assign(nb, { metadata: [] }),
    ],
    ["Cannot read cell 2 as its id must be", ({ cells }) => delete cells[1].id],
    ['current value is "a b"', ({ cells }) => cells[1].id = "a b"],
    ['"raw-1" occurs twice', ({ cells }) => cells[2].id = "raw-1"],
    ["cell 1 as cell_type must be", ({ cells }) => cells[0].cell_type = "heading"],
    ["cell 1 as source must be text", ({ cells }) => cells[0].source = ["a", 1]],
    [
      "metadata of cell 2 as it must be",
      ({ cells }) => delete (cells[1] as Raw[string] & { metadata?: unknown }).metadata,
    ],
    ["cell 3 as outputs must be a list", ({ cells }) => Object.assign(cells[2], { outputs: null })],
    [
      'execution_count must be an integer or null: current value is "1"',
      ({ cells }) => cells[2].execution_count = "1",
    ],
    ["output 1 of cell 3 as name must be", ({ cells }) => cells[2].outputs[0].name = "stdin"],
    ["output 2 of cell 3 as it must be an object", ({ cells }) => delete cells[2].outputs[1].data],
    [
      "output 3 of cell 3 as text/plain must be text",
      ({ cells }) => cells[2].outputs[2].data = { "text/plain": 2 },
    ],
    [
      "output 4 of cell 3 as traceback must be a list",
      ({ cells }) => cells[2].outputs[3].traceback = "x",
    ],
    [
      'output 4 of cell 3 as output_type is unknown: current value is "pyout"',
      ({ cells }) => cells[2].outputs[3].output_type = "pyout",
    ],
  ];
  for (const [message, change] of refusals) {
    it(`says: ${message}`, () => {
      assertThrows(() => parseNotebook(changed(change)), TypeError, message);
    });
  }

  it("refuses JSON that is not an object", () => {
    for (const text of ["null", "[]", "4", '"x"']) {
      assertThrows(() => parseNotebook(text), TypeError, `current value is ${text}`);
    }
  });
});

describe("files", () => {
  it("are replaced as a whole, without other files left", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/x.ipynb`;
      await Deno.writeTextFile(path, "old");
      await replaceFile(path, WRITTEN_BY_JUPYTER);
      const { notebook, text } = await readNotebook(path);
      assertEquals(text, WRITTEN_BY_JUPYTER);
      assertEquals(notebook, parseNotebook(text));
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.ipynb"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("do not change if they cannot be replaced", async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${folder}/x.ipynb/inside`, { recursive: true });
      await assertRejects(() => replaceFile(`${folder}/x.ipynb`, "new"));
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["x.ipynb"]);
      await assertRejects(() => readNotebook(`${folder}/y.ipynb`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});
