/// <reference lib="dom" />
/** The arena and threads in a browser: on a page that is cross-origin isolated, and on one that is not. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { chromium } from "playwright-core";
import { inFolder, run } from "../_package.ts";
import { findChromium } from "../_chromium.ts";
import { PROJECT } from "../checks/files.ts";

const executablePath = findChromium();
const whereThereIsOne = executablePath === undefined ? it.skip : it;

/** What the page found. */
interface Found {
  readonly isIsolated: boolean;
  readonly isInPlace: boolean;
  /** The number of threads, or why there are none. */
  readonly threads: number | string;
  /** The different values of many equal calls. */
  readonly values: readonly number[];
  readonly gradient: number;
  /** The different values of many equal calls of CTCLoss, divided by that of an ordinary array. */
  readonly sums: readonly number[];
  /** How often cross entropies of rows and of columns had the bits of an ordinary array, in many calls. */
  readonly entropies: number;
}

const PAGE = `<!doctype html><title>threads</title><script type="module">
import { CrossEntropyLoss, CTCLoss, empty, int32, MSELoss, Tensor, useThreads } from "/losses.js";
// They can be ended, and started again.
await useThreads(2).then((threads) => threads[Symbol.asyncDispose](), String);
const threads = await useThreads(3).then(({ count }) => count, String);
const [x, gradient] = [empty([2 ** 20]), empty([2 ** 20])];
x.data.fill(3);
const values = new Set();
for (let k = 0; k < 50; k++) {
  values.add(new MSELoss().valueAndGrad(x, 1, { out: { input: gradient } }).value.item());
}
// What threads compute without a kernel.
const scores = empty([100, 8, 20]);
scores.data.fill(0);
const labels = int32(new Array(80).fill(1), [8, 10]);
const lengths = [100, 10].map((length) => int32(new Array(8).fill(length)));
const ctc = new CTCLoss({ logits: true });
const ordinary = new Tensor(new Float32Array(16000), [100, 8, 20]);
const ofArray = ctc.forward(ordinary, labels, ...lengths).item();
const sums = new Set();
for (let k = 0; k < 30; k++) sums.add(ctc.forward(scores, labels, ...lengths).item() / ofArray);
let entropies = 0;
for (const shape of [[3000, 100], [2, 10, 9000]]) {
  const [samples, classes, ...inner] = shape;
  const input = empty(shape);
  input.data.forEach((_, i) => input.data[i] = Math.sin(i));
  const target = int32(input.data.slice(0, input.data.length / classes).map((_, i) => i % 10), [samples, ...inner]);
  const loss = new CrossEntropyLoss();
  const wanted = loss.valueAndGrad(new Tensor(input.data.slice(), shape), target);
  for (let k = 0; k < 30; k++) {
    const { value, grad } = loss.valueAndGrad(input, target);
    const isSame = grad.input.data.every((number, i) => number === wanted.grad.input.data[i]);
    entropies += Number(isSame && value.item() === wanted.value.item());
  }
}
globalThis.found = {
  entropies,
  sums: [...sums],
  isIsolated: crossOriginIsolated,
  isInPlace: !(x.data.buffer instanceof ArrayBuffer),
  threads,
  values: [...values],
  gradient: gradient.data[2 ** 20 - 1] * 2 ** 20,
};
</script>`;

/** Opens the page with these headers. */
async function open(headers: Record<string, string>): Promise<Found> {
  let found: Found | undefined;
  await inFolder(async (folder) => {
    const mod = new URL("mod.ts", PROJECT).href;
    await Deno.writeTextFile(
      `${folder}/all.js`,
      `export { CrossEntropyLoss, CTCLoss, empty, int32, MSELoss, Tensor, useThreads } from "${mod}";`,
    );
    const args = ["bundle", "--quiet", "--platform", "browser", "--minify"];
    await run(Deno.execPath(), [...args, `${folder}/all.js`, "-o", `${folder}/losses.js`]);
    const script = await Deno.readTextFile(`${folder}/losses.js`);
    await using server = Deno.serve(
      { port: 0, hostname: "localhost", onListen() {} },
      ({ url }) => {
        const isScript = new URL(url).pathname === "/losses.js";
        const type = isScript ? "text/javascript" : "text/html";
        return new Response(isScript ? script : PAGE, {
          headers: { "content-type": type, ...headers },
        });
      },
    );
    const browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.addr.port}/`);
    await page.waitForFunction(() => "found" in globalThis);
    found = await page.evaluate(() => (globalThis as unknown as { found: Found }).found);
    await browser.close();
  });
  return found!;
}

const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

describe("in a browser", () => {
  whereThereIsOne("threads share the work on a page that is cross-origin isolated", async () => {
    const found = await open(ISOLATED);
    assertEquals(found, {
      isIsolated: true,
      isInPlace: true,
      threads: 3,
      values: [4],
      gradient: 2 * 2,
      sums: [1],
      entropies: 60,
    });
  });

  whereThereIsOne("pages that forbid such workers are told so, and compute as ever", async () => {
    const found = await open({ ...ISOLATED, "content-security-policy": "worker-src 'self'" });
    assertEquals([found.isInPlace, found.values, found.gradient], [true, [4], 4]);
    assert(typeof found.threads === "string");
    assertStringIncludes(found.threads, "see worker-src");
  });

  whereThereIsOne("other pages are told what is missing, and compute as ever", async () => {
    const found = await open({});
    assertEquals([found.isIsolated, found.values, found.gradient], [false, [4], 4]);
    assert(typeof found.threads === "string");
    assertStringIncludes(found.threads, "Cross-Origin-Opener-Policy: same-origin");
  });
});
