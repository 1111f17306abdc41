/** The book as files: links, languages, weights, search. Built from the stored notebooks, without a browser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as esbuild from "esbuild";
import MiniSearch from "minisearch";
import { gzipSync } from "node:zlib";
import { answer } from "../../notebooks/_book/book.ts";
import { build } from "../../notebooks/_book/build.ts";
import { SEARCH } from "../../notebooks/_book/search_terms.ts";
import { afterwards, contents } from "../../notebooks/_kit/contents/contents.ts";

const site = await build();
await esbuild.stop();

const text = (path: string): string => {
  const content = site.get(path);
  assert(content !== undefined, `${path} is not there`);
  return typeof content === "string" ? content : new TextDecoder().decode(content);
};
const pages = [...site.keys()].filter((path) => path.endsWith(".html"));
const chapters = [
  "index",
  ...contents.map(({ file }) => file),
  ...afterwards.map(({ file }) => file),
];

describe("the book", () => {
  it("has every notebook and the playground in both languages", () => {
    for (const file of [...chapters, "playground"]) {
      for (const language of ["zh", "en"]) assert(site.has(`${language}/${file}.html`), file);
    }
  });

  it("is the same, byte for byte, if it is built again", async () => {
    const again = await build();
    await esbuild.stop();
    assertEquals([...again.keys()], [...site.keys()]);
    for (const [path, content] of site) {
      const other = again.get(path)!;
      const isSame = typeof content === "string"
        ? content === other
        : content.every((byte, i) => byte === other[i]);
      assert(isSame, path);
    }
  });

  it("loads nothing from elsewhere", () => {
    for (const path of pages) {
      const loaded = [...text(path).matchAll(/<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"/g)];
      const foreign = loaded.map(([, url]) => url).filter((url) => /^(\w+:)?\/\//.test(url));
      assertEquals(foreign, [], path);
    }
  });

  it("has no link that leads nowhere", () => {
    const anchors = new Map(
      pages.map((
        path,
      ) => [path, new Set([...text(path).matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))]),
    );
    const broken: string[] = [];
    for (const path of pages) {
      for (
        const [, href] of text(path).matchAll(/<(?:a|link|img|script)[^>]*(?:href|src)="([^"]*)"/g)
      ) {
        if (/^\w+:/.test(href)) continue;
        const url = new URL(href, `file:///${path}`);
        const target = decodeURIComponent(url.pathname.slice(1));
        const anchor = decodeURIComponent(url.hash.slice(1));
        const isThere = site.has(target) && (anchor === "" || anchors.get(target)?.has(anchor));
        if (!isThere) broken.push(`${path}: ${href}`);
      }
    }
    assertEquals(broken, []);
  });

  it("answers with files and their types, and for no others", async () => {
    const page = answer(site, new URL("http://localhost/en/huber.html"));
    assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert((await page.text()).includes("<title>HuberLoss"));
    assertEquals(answer(site, new URL("http://localhost/")).status, 200);
    assertEquals(answer(site, new URL("http://localhost/en/")).status, 200);
    assertEquals(answer(site, new URL("http://localhost/nothing.html")).status, 404);
    assertEquals(answer(site, new URL("http://localhost/%2e%2e/deno.json")).status, 404);
  });
});

describe("a page", () => {
  for (const file of chapters) {
    it(`${file} has the same headings in both languages`, () => {
      const ids = (language: string) =>
        [...text(`${language}/${file}.html`).matchAll(/<h[1-3] id="([^"]*)"/g)].map(([, id]) => id);
      assert(ids("zh").length > 3);
      assertEquals(ids("zh"), ids("en"));
    });
  }

  it("weighs at most 60 kB, compressed", () => {
    for (const path of pages) {
      const { length } = gzipSync(text(path));
      assert(length <= 60_000, `${path}: ${length} bytes`);
    }
  });

  it("needs at most 60 kB of style and scripts, compressed", () => {
    for (const path of pages) {
      const loaded = [
        ...text(path).matchAll(/<(?:script|link rel="stylesheet")[^>]*(?:src|href)="([^"]*)"/g),
      ];
      let total = 0;
      for (const [, href] of loaded) {
        total += gzipSync(text(new URL(href, `file:///${path}`).pathname.slice(1))).length;
      }
      assert(total <= 60_000, `${path}: ${total} bytes`);
    }
  });

  it("has pictures with their size and a text", () => {
    for (const path of pages) {
      for (const [image] of text(path).matchAll(/<img [^>]*>/g)) {
        if (image.includes("files/")) continue;
        assertMatch(image, /alt="[^"]+"/, path);
        assertMatch(image, /width="\d+" height="\d+" loading="lazy"/, path);
      }
    }
  });

  it("has no formula left as LaTeX", () => {
    for (const path of pages) {
      const prose = text(path).replace(/<(pre|code)[^]*?<\/\1>/g, "");
      const [left] = prose.match(/\$[^$<\n]*\\[a-z]+[^$<\n]*\$/) ?? [];
      assertEquals(left, undefined, path);
    }
  });
});

describe("the search", () => {
  const find = (language: "zh" | "en", query: string): string[] =>
    MiniSearch.loadJSON(text(`assets/search_${language}.json`), SEARCH).search(query)
      .map(({ id }) => String(id).replace(/\.html#.*/, ""));

  it("finds pages by what they are about", () => {
    assertEquals(find("zh", "交叉熵")[0], "cross_entropy");
    assert(find("zh", "离群点").slice(0, 3).includes("huber"));
    assertEquals(find("en", "HuberLoss")[0], "huber");
    assertEquals(find("en", "smoothl1")[0], "smooth_l1");
    assertEquals(find("zh", "三元组")[0], "triplet_margin");
  });

  it("finds by the beginning of a word, and by a part of a Chinese sentence", () => {
    assert(find("en", "softm").length > 5);
    assert(find("zh", "知蒸馏").length === 0);
    assert(find("zh", "梯度下").length > 3);
  });
});
