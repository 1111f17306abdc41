/** A headless Chromium that opens the book, if this machine has one. */
import { type Browser, chromium, type Page } from "playwright-core";
import { answer } from "../../notebooks/_book/book.ts";
import type { Site } from "../../notebooks/_book/build.ts";

/** The book on a server of its own, with a browser. */
export class Reader implements AsyncDisposable {
  /** What consoles said, and requests that failed. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(browser: Browser, server: Deno.HttpServer<Deno.NetAddr>) {
    this.#browser = browser;
    this.#server = server;
  }

  /** Starts both; `policy` is sent as a header, besides the policy that pages have themselves. */
  static async start(executablePath: string, site: Site, policy?: string): Promise<Reader> {
    const server = Deno.serve({ port: 0, hostname: "localhost", onListen() {} }, (request) => {
      const response = answer(site, new URL(request.url));
      if (policy !== undefined) response.headers.set("content-security-policy", policy);
      return response;
    });
    const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run " +
      "--disable-background-networking --disable-component-update --disable-sync";
    const browser = await chromium.launch({ executablePath, args: flags.split(" ") });
    return new Reader(browser, server);
  }

  /** Opens a page of the book. */
  async open(
    path: string,
    { width = 1200, height = 900, hasScript = true, scheme = "light" as "light" | "dark" } = {},
  ): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      javaScriptEnabled: hasScript,
      colorScheme: scheme,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${path}: ${message.text()}`);
    });
    page.on("pageerror", ({ message }) => this.complaints.push(`${path}: ${message}`));
    page.on("requestfailed", (request) => {
      // Leaving a page aborts what it still loads.
      const reason = request.failure()?.errorText ?? "";
      if (reason !== "net::ERR_ABORTED") {
        this.complaints.push(`${path}: ${request.url()} ${reason}`);
      }
    });
    await page.goto(`http://localhost:${this.#server.addr.port}/${path}`);
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await this.#server.shutdown();
  }
}
