/// <reference lib="dom" />
/** The book as its readers use it, in a real browser. Skipped where there is none. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CrossEntropyLoss } from "@lossbook/losses";
import axe from "axe-core";
import * as esbuild from "esbuild";
import type { Page } from "playwright-core";
import { build } from "../../notebooks/_book/build.ts";
import { findChromium } from "../_chromium.ts";
import { Reader } from "./_browser.ts";

const chromium = findChromium();

/** The number that a panel shows. */
async function shown(page: Page, kind: "loss" | "gradient"): Promise<string> {
  return await page.locator(`.numbers dd.${kind}`).first().innerText();
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<axe.AxeResults> } }).axe.run()
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`);
}

if (chromium === undefined) {
  it("the book in a browser: skipped, as there is no Chromium here", { skip: true }, () => {});
} else {
  const site = await build();
  await esbuild.stop();
  const pages = [...site.keys()].filter((path) => /^(zh|en)\/.*\.html$/.test(path))
    // Pages of source code differ in the code alone.
    .filter((path) => !path.includes("/source_") || path.includes("/source_huber"));

  describe("the book in a browser", () => {
    it("fits small screens, and has nothing that axe calls serious", async () => {
      await using reader = await Reader.start(chromium, site);
      const faults: string[] = [];
      const page = await reader.open(pages[0], { width: 320, height: 640 });
      for (const path of pages) {
        await page.goto(new URL(`/${path}`, page.url()).href);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (over > 0) faults.push(`${path} scrolls sideways by ${over}`);
        faults.push(...(await violations(page)).map((fault) => `${path}: ${fault}`));
      }
      assertEquals([...faults, ...reader.complaints], []);
    });

    const uses: readonly [what: string, use: (reader: Reader) => Promise<void>][] = [
      ["can be read without scripts", isReadWithoutScript],
      ["can be tried with the keyboard alone", isTried],
      ["lets a point be dragged", isDragged],
      ["finds pages", isSearched],
      ["checks itself against PyTorch", isVerified],
      ["keeps the place when the language changes", keepsItsPlace],
      ["draws a figure that is touched", wakesItsFigures],
      ["draws any formula, and says what is wrong with one", plays],
    ];
    for (const [what, use] of uses) {
      it(what, async () => {
        await using reader = await Reader.start(chromium, site);
        await use(reader);
        assertEquals(reader.complaints, []);
      });
    }

    it("works where WebAssembly is not allowed", async () => {
      await using reader = await Reader.start(chromium, site, "script-src 'self'");
      const page = await reader.open("en/cross_entropy.html");
      await page.locator(".numbers dd.loss").waitFor();
      const want = new CrossEntropyLoss().forward([2, 1, 0.1, -1], 0).item();
      assertAlmostEquals(Number(await shown(page, "loss")), want, 1e-4);
      // The browser reports each attempt to compile.
      const others = reader.complaints.filter((text) => !/WebAssembly|wasm/i.test(text));
      assertEquals(others, []);
    });
  });
}

async function isReadWithoutScript(reader: Reader): Promise<void> {
  const page = await reader.open("zh/huber.html", { hasScript: false });
  assert(await page.locator("main h2").count() > 8);
  assert(await page.locator("main math").first().isVisible());
  assert(await page.locator("figure.plot img").first().isVisible());
  assertMatch(await page.locator(".panel").innerText(), /JavaScript/);
  await page.locator(".contents summary").click();
  await page.getByRole("link", { name: "MSELoss" }).first().click();
  assertMatch(page.url(), /zh\/mse\.html$/);
  await page.context().close();
}

/** With the keyboard alone. */
async function isTried(reader: Reader): Promise<void> {
  const page = await reader.open("en/cross_entropy.html");
  const slider = page.getByRole("slider", { name: "labelSmoothing" });
  await slider.focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  const loss = new CrossEntropyLoss({ labelSmoothing: 0.2 });
  const { value, grad } = loss.valueAndGrad([2, 1, 0.1, -1], 0);
  assertEquals(Number(await shown(page, "loss")), Number(value.item().toFixed(4)));
  const gradient = (await shown(page, "gradient")).split(", ").map((text) =>
    Number(text.replace("−", "-"))
  );
  assertEquals(gradient, Array.from(grad.input.data, (g) => Number(g.toFixed(4))));
  assertMatch(page.url(), /\?labelSmoothing=0\.2$/);
  await page.getByRole("button", { name: "Copy as PyTorch" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assertMatch(copied, /torch\.nn\.CrossEntropyLoss\(label_smoothing=0\.2\)/);
  await page.reload();
  assertEquals(Number(await shown(page, "loss")), Number(value.item().toFixed(4)));
  await page.context().close();
}

async function isDragged(reader: Reader): Promise<void> {
  const page = await reader.open("en/mse.html");
  const dot = page.locator(".plane circle.loss");
  await dot.waitFor();
  await dot.scrollIntoViewIfNeeded();
  const before = await shown(page, "loss");
  const box = (await dot.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 60, box.y - 20, { steps: 4 });
  await page.mouse.up();
  assert(await shown(page, "loss") !== before);
  const x = Number(await page.getByRole("slider", { name: "input" }).inputValue());
  assertAlmostEquals(Number(await shown(page, "loss")), x * x, 0.1);
  await page.context().close();
}

async function isSearched(reader: Reader): Promise<void> {
  const page = await reader.open("zh/index.html");
  const field = page.getByRole("combobox");
  await field.fill("交叉熵");
  const found = page.getByRole("option");
  await found.first().waitFor();
  assertMatch(await found.first().innerText(), /CrossEntropyLoss/);
  await field.press("ArrowDown");
  await field.press("Enter");
  await page.waitForURL(/zh\/cross_entropy\.html/);
  await page.context().close();
}

async function isVerified(reader: Reader): Promise<void> {
  const page = await reader.open("en/huber.html");
  await page.getByRole("button", { name: "Check against PyTorch" }).click();
  const output = page.locator(".verify output");
  await output.filter({ hasText: "✓" }).waitFor({ timeout: 20_000 });
  assertMatch(await output.innerText(), /^\d+ cases of PyTorch \S+ ✓, \d+ numbers/);
  await page.context().close();
}

async function keepsItsPlace(reader: Reader): Promise<void> {
  const page = await reader.open("zh/cross_entropy.html#derivation");
  await page.locator("#derivation").scrollIntoViewIfNeeded();
  await page.locator("#language").click();
  await page.waitForURL(/en\/cross_entropy\.html.*#/);
  const anchor = new URL(page.url()).hash.slice(1);
  const { top } = await page.locator(`#${anchor}`).evaluate((element) =>
    element.getBoundingClientRect()
  );
  assert(top > -50 && top < 500, `${anchor} is at ${top}`);
  await page.getByRole("button", { name: "Dark" }).click();
  assertEquals(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.context().close();
}

async function wakesItsFigures(reader: Reader): Promise<void> {
  const page = await reader.open("en/cross_entropy.html");
  const figure = page.locator("figure.plot").first();
  await figure.locator("button").click();
  await figure.locator(".main-svg").first().waitFor({ timeout: 20_000 });
  await page.context().close();
}

async function plays(reader: Reader): Promise<void> {
  const page = await reader.open("en/playground.html");
  const field = page.getByLabel("Formula", { exact: true });
  await field.fill("abs(x - 2) + x ^ 2");
  await page.locator(".check").filter({ hasText: "✓" }).waitFor();
  assertMatch(await page.locator(".numbers").innerText(), /kinks\s*2/);
  await field.fill("x + $");
  assertEquals(await page.locator("#wrong mark").innerText(), "$");
  assertEquals(await field.getAttribute("aria-invalid"), "true");
  await field.fill("softplus(-y * x)");
  assertEquals(await page.locator("#wrong").innerText(), "");
  const url = page.url();
  await page.goto(url);
  assertEquals(await field.inputValue(), "softplus(-y * x)");
  await page.getByRole("button", { name: "Copy as defineLoss" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assertMatch(copied, /value: "softplus\(-y \* x\)"/);
  await page.context().close();
}
