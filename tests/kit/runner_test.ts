/** The command that runs notebooks: what it verifies, refuses and writes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { fileURLToPath } from "node:url";
import { parseNotebook } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { runNotebook, type RunReport } from "../../notebooks/_kit/runner/run_notebook.ts";
import { Folder } from "./temporary_notebooks.ts";

const NOTEBOOKS = fileURLToPath(new URL("../../notebooks/", import.meta.url));
const COMMAND = fileURLToPath(new URL("../../notebooks/_kit/run.ts", import.meta.url));

function run(path: string, { write = false, timeout = 20_000 } = {}): Promise<RunReport> {
  return runNotebook(path, { write, timeout });
}

async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { NO_COLOR: "", FORCE_COLOR: "1" }; // as on a terminal that insists on colours
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", COMMAND, ...args],
    env,
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const FIGURE_AND_CHECKS = `await Deno.jupyter.broadcast("display_data", {
  data: { "application/vnd.plotly.v1+json": { data: [] }, "image/png": "AAAA", "text/plain": "" },
  metadata: { lossbook: { checks: 3 } },
  transient: {},
});`;

describe("a notebook that runs", () => {
  it("gets its outputs with --write, and is verified then without being written", async () => {
    using folder = new Folder();
    const path = folder.write("fresh", "console.log('a');\n6 * 7", "", FIGURE_AND_CHECKS);
    const written = await run(path, { write: true });
    assertEquals(
      { ...written, seconds: 0 },
      { name: "fresh", cells: 3, checks: 3, figures: 1, seconds: 0, written: true },
    );
    const text = await Deno.readTextFile(path);
    const { cells } = parseNotebook(text);
    assert(cells[0].cell_type === "code" && cells[1].cell_type === "code");
    assertEquals(cells[0].outputs, [
      { output_type: "stream", name: "stdout", text: "a\n" },
      {
        output_type: "execute_result",
        data: { "text/plain": "42" },
        metadata: {},
        execution_count: 1,
      },
    ]);
    assertEquals([cells[1].execution_count, cells[1].outputs], [null, []]);

    const before = await Deno.stat(path);
    for (const write of [false, true]) {
      const { problem, written } = await run(path, { write });
      assertEquals({ problem, written }, { problem: undefined, written: false });
    }
    const after = await Deno.stat(path);
    assertEquals([after.mtime, after.ino], [before.mtime, before.ino]);
    assertEquals(await Deno.readTextFile(path), text);
    assertEquals(folder.names(), ["fresh.ipynb"]);
  });

  it("fails if a stored output differs, and is not written", async () => {
    using folder = new Folder();
    const path = folder.write("stale", "6 * 7", FIGURE_AND_CHECKS);
    await run(path, { write: true });
    const good = await Deno.readTextFile(path);
    const changes: [from: string, to: string, expected: RegExp][] = [
      ['"42"', '"43"', /cell 1 \(In \[1\]\), output 1, text\/plain differs:\n.*43\n.*42/],
      ['"AAAA"', '"AAAB"', /cell 2 \(In \[2\]\), output 1: the bytes of its image\/png differ/],
      ['"checks": 3', '"checks": 4', /output 1, metadata\.lossbook\.checks differs/],
      ['"execution_count": 2', '"execution_count": 9', /stored with the number In \[9\]/],
      ["{", "{ ", /the outputs are equal, but the file is formatted differently/],
    ];
    for (const [from, to, expected] of changes) {
      const stale = good.replace(from, to);
      assert(stale !== good);
      folder.writeText("stale", stale);
      const { problem = "", written } = await run(path);
      assertMatch(problem, expected);
      assertMatch(problem, /--write/);
      assertEquals([written, await Deno.readTextFile(path)], [false, stale]);
    }
  });

  it("may throw in a cell with that tag, and shows no path of this machine", async () => {
    using folder = new Folder(NOTEBOOKS);
    const path = folder.write(
      "throws",
      { code: "throw new Error('wanted');", tags: ["raises-exception"] },
      `new URL("../../losses/huber.ts", "file://${folder.path}/x").href`,
    );
    const { problem } = await run(path, { write: true });
    assertEquals(problem, undefined);
    const [first, second] = parseNotebook(await Deno.readTextFile(path)).cells;
    assert(first.cell_type === "code" && second.cell_type === "code");
    assert(first.outputs[0].output_type === "error");
    assertEquals(first.outputs[0].evalue, "wanted");
    assert(second.outputs[0].output_type === "execute_result");
    assertEquals(second.outputs[0].data["text/plain"], '"losses/huber.ts"');
  });

  it("imports the package by its name", async () => {
    using folder = new Folder(NOTEBOOKS);
    const path = folder.write(
      "imports",
      `import { HuberLoss } from "@lossbook/losses";
      if (HuberLoss.name !== "HuberLoss") throw new Error("no HuberLoss");`,
    );
    assertEquals((await run(path, { write: true })).problem, undefined);
  });
});

describe("a notebook that fails", () => {
  const failures: [name: string, cell: string, expected: RegExp][] = [
    ["throws", "throw new RangeError('far')", /^cell 2 \(In \[2\]\) threw\nRangeError: far\n/],
    ["throws text", "throw 'far'", /^cell 2 \(In \[2\]\) threw\nfar$/],
    [
      "cannot be parsed",
      "\nconst = 1;",
      /^cell 2 \(In \[2\]\) cannot run[^]*Unexpected token `=`[^]*cell 2, line 2:7$/,
    ],
    ["forgets await", "Promise.reject(new Error('lost')); 1", /^cell 2 .* unhandled error[^]*lost/],
    [
      "throws later",
      "setTimeout(() => { throw new Error('late'); }, 10); 1",
      /^the notebook .* unhandled error[^]*late/,
    ],
    ["exits", "Deno.exit(0)", /^cell 2: the kernel died \(exit code 0\)$/],
    ["is killed", `Deno.kill(Deno.pid, "SIGKILL")`, /^cell 2: the kernel died \(SIGKILL\)$/],
    ["hangs", "while (true);", /^cell 2: the kernel gave no answer within 1 s$/],
    [
      "shows a path",
      "'file:///home/' + 'ada/x.ts'",
      /^cell 2 .* path of this machine: file:.*x\.ts$/,
    ],
  ];
  for (const [name, code, expected] of failures) {
    it(`because it ${name} says so and is not written`, async () => {
      using folder = new Folder();
      const path = folder.write("bad", "1", code, "throw new Error('never reached')");
      // The last cell must not run after a failure; where there is none at once, it must not fail.
      if (/later|path/.test(name)) folder.write("bad", "1", code);
      const before = await Deno.readTextFile(path);
      const { problem = "", written } = await run(path, { write: true, timeout: 1000 });
      assertMatch(problem, expected);
      assertEquals(written, false);
      assertEquals(await Deno.readTextFile(path), before);
      assertEquals(folder.names(), ["bad.ipynb"]);
    });
  }

  it("because it is no notebook says so and is not written", async () => {
    using folder = new Folder();
    const texts: [text: string, expected: RegExp][] = [
      ["{nope", /it is not JSON/],
      ["", /it is not JSON/],
      ['{"nbformat": 3}', /nbformat must be 4: current value is 3/],
      ["[]", /it must be an object/],
    ];
    for (const [text, expected] of texts) {
      const path = folder.writeText("bad", text);
      assertMatch((await run(path, { write: true })).problem ?? "", expected);
      assertEquals(await Deno.readTextFile(path), text);
    }
    assertEquals((await run(`${folder.path}/missing.ipynb`)).problem, "the file does not exist");
  });
});

describe("deno task notebooks", () => {
  it("reports every notebook and the total, even if one fails", async () => {
    using folder = new Folder();
    const good = folder.write("good", "6 * 7", FIGURE_AND_CHECKS);
    const bad = folder.write("bad", "throw new Error('no')");
    const missing = `${folder.path}/missing.ipynb`;
    const { code, out, err } = await command(missing, bad, good, good, "--write");
    assertEquals([code, err], [1, ""]);
    assertMatch(out, /^FAILED missing .*\n +the file does not exist$/m);
    assertMatch(out, /^FAILED bad .*\n +cell 1 \(In \[1\]\) threw\n +Error: no$/m);
    assertMatch(out, /^ok {5}good +2 cells +3 checks +1 figures +\d+\.\d s {3}written$/m);
    assertMatch(out, /^total {2}3 notebooks +2 cells +3 checks +1 figures +\d+\.\d s$/m);
    assertEquals(out.trimEnd().split("\n").at(-1), "1 passed, 2 failed");
  });

  it("passes if all outputs are the stored ones", async () => {
    using folder = new Folder();
    const path = folder.write("good", "({ a: 1 })");
    assertEquals((await command(path, "--write")).code, 0);
    assertMatch(await Deno.readTextFile(path), /"\{ a: 1 \}"/);
    const { code, out } = await command(path.replace(/\.ipynb$/, ""), "--jobs", "1");
    assertEquals([code, out.includes("\x1b")], [0, false]);
    assertEquals(out.trimEnd().split("\n").at(-1), "1 passed, 0 failed");
  });

  it("looks for a bare name in notebooks/", async () => {
    const { code, out } = await command("no_such_loss", "no_such_loss.ipynb");
    assertEquals(code, 1);
    assertMatch(out, /^FAILED no_such_loss +0 cells/m);
    assertMatch(out, /^0 passed, 1 failed$/m);
  });

  it("refuses unknown and invalid options, and runs nothing", async () => {
    using folder = new Folder();
    const path = folder.write("good", "6 * 7");
    const refusals: [args: string[], expected: RegExp][] = [
      [["--wirte"], /^Unknown option '--wirte'/],
      [["--timeout", "0"], /^Cannot run as --timeout must be .*: current value is 0$/m],
      [["--timeout", "soon"], /current value is soon/],
      [["--jobs", "1.5"], /^Cannot run as --jobs must be an integer > 0: current value is 1\.5/],
      [["--write=yes"], /--write/],
    ];
    for (const [args, expected] of refusals) {
      const { code, out, err } = await command(path, ...args);
      assertEquals([code, out], [2, ""]);
      assertMatch(err, expected);
      assertMatch(err, /^Usage: deno task notebooks/m);
    }
    const help = await command("--help");
    assertEquals(help.code, 0);
    assertMatch(help.out, /^Usage: deno task notebooks/);
  });

  it("ends its kernels when it is interrupted", async () => {
    if (Deno.build.os === "windows") return; // has no such signals
    using folder = new Folder();
    const started = `${folder.path}/started`;
    const wait = `Deno.writeTextFileSync("${started}", String(Deno.pid)); while (true);`;
    const path = folder.write("endless", wait);
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const runner = new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", COMMAND, path],
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const kernel = await waitForText(started);
      runner.kill(signal);
      const { code, stdout } = await runner.output();
      assertEquals(code, 130);
      assertMatch(new TextDecoder().decode(stdout), /the kernel was stopped[^]*interrupted/);
      assertEquals(isRunning(Number(kernel)), false);
      await Deno.remove(started);
    }
  });
});

async function waitForText(path: string): Promise<string> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text !== "") return text;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} did not appear`);
}

function isRunning(id: number): boolean {
  return new Deno.Command("kill", { args: ["-0", String(id)], stderr: "null" }).outputSync()
    .success;
}
