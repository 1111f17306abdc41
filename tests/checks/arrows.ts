import { importsOf, withoutTexts } from "./source.ts";

/** A part of the project and what it may import besides itself; paths are seen from the project's folder. */
interface Room {
  readonly part: RegExp;
  readonly mayImport: readonly RegExp[];
}

const PACKAGE = /^@lossbook\/losses(\/\w+)?$/;
const CORE = "losses/_core";
const KIT = "notebooks/_kit";
const REFERENCE = "tests/reference";

/** Folders of one house from the ground floor up: each may import itself and what it names, all of it further down. */
function rooms(
  house: string,
  floors: Readonly<Record<string, readonly (string | RegExp)[]>>,
): Room[] {
  const inside = (room: string) => new RegExp(`^${house}/${room.replace(".", "\\.")}(/|$)`);
  const known = new Set<string>();
  return Object.entries(floors).map(([room, uses]) => {
    known.add(room);
    const mayImport = [room, ...uses].map((used) => {
      if (typeof used !== "string") return used;
      // What is named must stand above in the list: so no circle can be written down.
      if (!known.has(used)) {
        throw new RangeError(`${house}/${room} may not use ${used}: it comes later`);
      }
      return inside(used);
    });
    return { part: inside(room), mayImport };
  });
}

const ROOMS: readonly Room[] = [
  { part: /^mod\.ts$/, mayImport: [/^losses\//] },
  ...rooms(CORE, {
    "tensor": [],
    "tensor.ts": ["tensor"],
    "formula": [],
    "kernel": ["formula", "tensor"],
    "arena": ["kernel", "tensor"],
    "arena.ts": ["arena", "kernel", "tensor", "tensor.ts"],
    "rows": ["kernel", "tensor"],
    "call": ["rows", "tensor"],
    "layer": ["call", "kernel", "tensor"],
    "formula.ts": ["formula", "kernel", "tensor"],
    "elementwise": ["call", "kernel", "tensor"],
    "types.ts": ["elementwise", "call", "tensor"],
    "define": ["elementwise", "call", "rows", "kernel", "formula", "tensor"],
    "notebook.ts": ["call", "define", "formula"],
  }),
  // A folder of the core that the list does not know belongs nowhere.
  { part: /^losses\/_core\//, mayImport: [] },
  // Losses inside of other libraries: which losses there are is none of its business.
  { part: /^losses\/_frameworks\//, mayImport: [/^losses\/_core\/(tensor\/|call\/|types\.ts$)/] },
  // What belongs to one loss stands in a folder of its name.
  { part: /^losses\/_notebook\.ts$/, mayImport: [/^losses\//] },
  { part: /^losses\/_/, mayImport: [/^losses\/_/] },
  { part: /^losses\//, mayImport: [/^losses\//] },
  ...rooms(REFERENCE, {
    "torch": [PACKAGE],
    "maths": ["torch", /^npm:mathjs@/],
    "cases": ["torch", "maths", PACKAGE],
  }),
  { part: /^tests\/reference\//, mayImport: [] },
  ...rooms(KIT, {
    "notebook": [],
    "kernel": [/^node:/],
    "show": ["notebook", PACKAGE],
    "still": [/^npm:/, /^node:/, /^tests\/reference\/torch\//],
    "plot": ["still", "show", /^npm:@types\/plotly\.js@/, /^node:/],
    "experiments": ["show", PACKAGE, /^tests\/reference\/torch\//],
    "figures": ["still", "plot", "experiments", PACKAGE, /^npm:@types\/plotly\.js@/],
    "data": [/^npm:vega-datasets@/, /^tests\/reference\/torch\//],
    "contents": [
      ...["notebook", "still", "plot", "experiments", "figures"],
      ...[PACKAGE, /^npm:@types\/plotly\.js@/, /^node:/],
    ],
    "runner": ["notebook", "kernel", "show", /^node:/],
    "mod.ts": [
      ...["show", "plot", "experiments", "figures", "data", "contents"],
      /^tests\/reference\/(torch|maths)\//,
    ],
    "run.ts": ["runner", /^node:/],
    "text.ts": ["notebook", "runner", /^node:/],
    "lab.ts": [/^node:/],
  }),
  { part: /^notebooks\/_kit\//, mayImport: [] },
  // What runs in the reader's browser knows the library, and of the project only PyTorch's numbers.
  {
    part: /^notebooks\/_book\/site\//,
    mayImport: [
      ...[/^notebooks\/_book\/(site\/|search_terms\.ts$)/, /^losses\//, PACKAGE],
      ...[/^tests\/reference\/torch\//, /^npm:minisearch@/],
    ],
  },
  {
    part: /^notebooks\/_book\//,
    mayImport: [
      ...[/^notebooks\/_book\//, /^notebooks\/_kit\/(notebook|contents)\//],
      ...[/^npm:/, /^node:/],
    ],
  },
  {
    part: /^notebooks\/.*\.ipynb$/,
    mayImport: [/^notebooks\/_kit\/mod\.ts$/, /^tests\/reference\/cases\//, PACKAGE, /^npm:/],
  },
];

/**
 * Says which imports of a file point the wrong way (mod.ts → losses → _core, and inside of that from the upper floors down;
 * notebooks and tests → reference → mod.ts), and what keeps a loss from running in Node, Bun or a browser.
 *
 * @param path The file, seen from the project's folder.
 * @param code Its source; for a notebook, that of its code cells.
 * @param bareNames deno.json's imports, which turn a bare name into npm: or jsr:.
 */
export function arrowProblems(
  path: string,
  code: string,
  bareNames: Readonly<Record<string, string>>,
): string[] {
  const problems: string[] = [];
  const room = ROOMS.find(({ part }) => part.test(path));
  for (const specifier of room ? importsOf(code) : []) {
    const target = resolve(specifier, path, bareNames);
    if (!room?.mayImport.some((allowed) => allowed.test(target))) {
      problems.push(`${path} imports ${specifier}`);
    }
  }
  if (path.startsWith("losses/") || path === "mod.ts") {
    const bare = withoutTexts(code);
    if (/\bDeno\s*[.[?]/.test(bare)) problems.push(`${path} uses Deno, which only Deno has`);
    const startsThreads = /^losses\/_core\/arena(\/|\.ts$)/.test(path);
    if (/\bawait\b/.test(bare) && !startsThreads) {
      problems.push(`${path} awaits: a loss is synchronous everywhere`);
    }
  }
  return problems;
}

function resolve(specifier: string, from: string, names: Readonly<Record<string, string>>): string {
  if (specifier.startsWith(".")) {
    return new URL(specifier, `file:///${from}`).pathname.slice(1);
  }
  // A name may stand for a whole package (mathjs) or for the start of a path in it (@std/testing/bdd).
  const name = Object.keys(names).find((key) =>
    specifier === key || specifier.startsWith(`${key}/`)
  );
  return name ? names[name] + specifier.slice(name.length) : specifier;
}
