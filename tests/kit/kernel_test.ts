/** The client, with the real Deno kernel. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Kernel, KernelError } from "../../notebooks/_kit/kernel/kernel.ts";
import type { Output } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { OutputCollector } from "../../notebooks/_kit/runner/outputs.ts";

const CWD = Deno.cwd();
const TIMEOUT = 20_000;

async function withKernel(
  use: (
    run: (code: string, timeout?: number) => ReturnType<Kernel["execute"]>,
    kernel: Kernel,
  ) => Promise<void>,
): Promise<void> {
  await using kernel = await Kernel.start({ cwd: CWD });
  await use((code, timeout = TIMEOUT) => kernel.execute(code, { timeout }), kernel);
}

/** The process ids of all kernels that run on this machine and belong to this process. */
function kernelProcesses(): number[] {
  const ids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Boolean);
  return ids.filter((id) => {
    try {
      const parent = Deno.readTextFileSync(`/proc/${id}/status`).match(/^PPid:\s*(\d+)/m)?.[1];
      const command = Deno.readTextFileSync(`/proc/${id}/cmdline`).split("\0");
      return Number(parent) === Deno.pid && command.includes("--kernel");
    } catch {
      return false; // it has just ended
    }
  });
}

describe("a kernel", () => {
  it("runs code in its folder, counts from 1, and keeps the variables of cells", async () => {
    await withKernel(async (run) => {
      assertEquals(await run("const x: number = 20"), { executionCount: 1, unhandled: [] });
      const second = await run(
        `if (x + 22 !== 42 || Deno.cwd() !== ${JSON.stringify(CWD)} || !Deno.noColor) throw 1`,
      );
      assertEquals(second, { executionCount: 2, unhandled: [] });
    });
  });

  it("loses no output, large and late ones included", async () => {
    await using kernel = await Kernel.start({ cwd: CWD });
    const collector = new OutputCollector();
    for (let i = 0; i < 25; i++) {
      const outputs: Output[] = collector.beginCell();
      const code = `for (let i = 0; i < 20; i++) console.log(i);
        Deno.jupyter.broadcast("display_data", {
          data: { "text/plain": "x".repeat(300_000) }, metadata: {}, transient: {},
        });
        "end"`;
      await kernel.execute(code, { timeout: TIMEOUT, onMessage: (m) => collector.accept(m) });
      const kinds = outputs.map(({ output_type }) => output_type);
      assertEquals(kinds, ["stream", "display_data", "execute_result"]);
      assert(outputs[0].output_type === "stream" && outputs[1].output_type === "display_data");
      assertEquals(outputs[0].text, [...Array(20).keys()].map((n) => `${n}\n`).join(""));
      assertEquals(String(outputs[1].data["text/plain"]).length, 300_000);
    }
  });

  it("reports errors, and continues", async () => {
    await withKernel(async (run) => {
      const thrown = await run(`throw new RangeError("too far")`);
      assertEquals([thrown.error?.ename, thrown.error?.evalue], ["RangeError", "too far"]);
      assertEquals(thrown.error?.traceback[0], "RangeError: too far");
      assertEquals((await run("const = 1")).error?.traceback, []);
      assertEquals((await run("1")).error, undefined);
    });
  });

  it("reports unhandled errors", async () => {
    await withKernel(async (run, kernel) => {
      const rejected = await run(`Promise.reject(new Error("lost")); 1`);
      assertEquals(rejected.error, undefined);
      assertEquals(rejected.unhandled.length, 1);
      assertMatch(rejected.unhandled[0], /^Error: lost\n/);
      assertEquals((await run("1")).unhandled, []);

      const slow = `(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error("slow");
      })(); setTimeout(() => { throw "a string"; }, 25); 1`;
      assertEquals((await run(slow)).unhandled, []);
      const settled = await kernel.settle(TIMEOUT);
      assertEquals(settled.map((text) => text.split("\n")[0]), ["Error: slow", '"a string"']);
    });
  });
});

describe("a lost kernel", () => {
  it("is noticed when it exits or is killed", async () => {
    await withKernel(async (run) => {
      await assertRejects(() => run("Deno.exit(7)"), KernelError, "died (exit code 7)");
      await assertRejects(() => run("1"), KernelError, "died (exit code 7)");
    });
    await withKernel(async (run) => {
      await assertRejects(() => run(`Deno.kill(Deno.pid, "SIGKILL")`), KernelError, "SIGKILL");
    });
  });

  it("includes one that hangs, in a computation or while waiting", async () => {
    for (
      const code of ["while (true);", "await new Promise((resolve) => setTimeout(resolve, 1e6))"]
    ) {
      await withKernel(async (run) => {
        await assertRejects(() => run(code, 300), KernelError, "no answer within 0.3 s");
      });
    }
  });

  it("is stopped by a signal, also while it starts", async () => {
    const controller = new AbortController();
    await using kernel = await Kernel.start({ cwd: CWD, signal: controller.signal });
    const endless = kernel.execute("while (true);", { timeout: TIMEOUT });
    setTimeout(() => controller.abort(), 50);
    await assertRejects(() => endless, KernelError, "was stopped");
    const { signal } = controller;
    await assertRejects(() => Kernel.start({ cwd: CWD, signal }), KernelError, "was stopped");
  });

  it("says why it cannot start", async () => {
    const cwd = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${cwd}/deno.json`, "{broken");
      await assertRejects(() => Kernel.start({ cwd }), KernelError, "deno.json");
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  });
});

describe("no kernel", () => {
  it("remains after it was stopped, killed or hung", async () => {
    if (Deno.build.os !== "linux") return; // only there can processes be listed by reading files
    await withKernel(async (run) => {
      await run("1");
      assertEquals(kernelProcesses().length, 1);
    });
    await withKernel(async (run) => {
      await assertRejects(() => run("while (true);", 200), KernelError);
    });
    assertEquals(kernelProcesses(), []);
  });
});
