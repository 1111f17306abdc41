/**
 * `deno task book [--serve] [--port N]`: builds the book as a static site in _site/, and serves it, built again whenever a file
 * changes.
 *
 * @module
 */
import * as esbuild from "esbuild";
import { createHash } from "node:crypto";
import { build, type Site } from "./build.ts";
import { keep, recall } from "./memo.ts";

const PROJECT = new URL("../../", import.meta.url);
const FOLDER = new URL("_site/", PROJECT);
/** What the next build need not typeset again. */
const MEMORY = new URL(".book/memory.json", PROJECT);

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  gz: "application/gzip",
};

/** Changes with everything that typesetting depends on besides the texts: the versions of packages, and our own code. */
async function versionOf(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of ["deno.lock", "notebooks/_book/markdown.ts", "notebooks/_book/highlight.ts"]) {
    hash.update(await Deno.readFile(new URL(path, PROJECT)));
  }
  return hash.digest("hex");
}

/** Writes what has changed, and removes what is not of the book any more. */
async function write(site: Site): Promise<number> {
  let changed = 0;
  for (const [path, content] of site) {
    const url = new URL(path, FOLDER);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const old = await Deno.readFile(url).catch(() => undefined);
    if (old !== undefined && same(old, bytes)) continue;
    await Deno.mkdir(new URL(".", url), { recursive: true });
    await Deno.writeFile(url, bytes);
    changed++;
  }
  for (const path of filesIn(FOLDER)) if (!site.has(path)) await Deno.remove(new URL(path, FOLDER));
  return changed;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function filesIn(folder: URL, path = ""): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(new URL(`${name}/`, folder), `${path}${name}/`) : `${path}${name}`
  );
}

/**
 * Answers a request for a file of the book.
 *
 * @param site The book.
 * @param url The address.
 */
export function answer(site: Site, url: URL): Response {
  const path = decodeURIComponent(url.pathname.slice(1)) || "index.html";
  const content = site.get(path.endsWith("/") ? `${path}index.html` : path);
  if (content === undefined) return new Response("not found", { status: 404 });
  const type = TYPES[path.split(".").at(-1) ?? ""] ?? "text/plain; charset=utf-8";
  const body = typeof content === "string" ? content : new Uint8Array(content);
  return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
}

async function serve(first: Site, port: number): Promise<void> {
  let site = first;
  Deno.serve({
    port,
    hostname: "localhost",
    onListen: ({ port }) => console.log(`The book is at http://localhost:${port}/`),
  }, (request) => answer(site, new URL(request.url)));
  const folders = ["notebooks", "losses", "README.md"].map((path) =>
    decodeURIComponent(new URL(path, PROJECT).pathname)
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const { paths } of Deno.watchFs(folders)) {
    if (!paths.some((path) => /\.(ipynb|ts|css|html|svg|md)$/.test(path))) continue;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        site = await build();
        await keep(MEMORY, await versionOf());
        console.log(`${await write(site)} files are new`);
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }, 200);
  }
}

async function main(args: readonly string[]): Promise<void> {
  let port = 8000;
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--serve") continue;
    if (args[i] === "--port" && /^\d+$/.test(args[i + 1] ?? "")) port = Number(args[++i]);
    else {
      throw new RangeError(
        `Cannot build the book as the arguments are --serve and --port with a number: current argument is "${
          args[i]
        }"`,
      );
    }
  }
  const start = performance.now();
  const version = await versionOf();
  await recall(MEMORY, version);
  const site = await build();
  await keep(MEMORY, version);
  const changed = await write(site);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`_site/ has ${site.size} files, ${changed} of them new, after ${seconds} s`);
  if (args.includes("--serve")) await serve(site, port);
  else await esbuild.stop();
}

if (import.meta.main) await main(Deno.args);
