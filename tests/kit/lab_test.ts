/** The installation by `deno task lab`, with a stand-in for Python, and its error messages. */

import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";

/** A stand-in for Python of some version that records its arguments, and can fail at one step. */
function fakePython({ version = "3.12", failing = "nothing" } = {}): string {
  return `#!/bin/sh
here=$(dirname "$0")
case "$*" in
  *version_info*) echo ${version} ;;
  *${failing}*) echo "no luck with ${failing}" >&2; exit 1 ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip "*) echo "pip $*" >> "$LOG" ;;
  "-m jupyterlab "*) echo "$JUPYTER_DATA_DIR: $*" >> "$LOG"; exit 3 ;;
esac
`;
}

interface World {
  folder: string;
  lab: (...args: string[]) => Promise<{ code: number; err: string; log: string }>;
  setPython: (script: string) => Promise<void>;
}

async function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const bin = `${folder}/bin`;
    await Deno.mkdir(bin);
    const url = new URL("../../notebooks/_kit/lab.ts", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { main } from "${url}";
      Deno.exit(await main(Deno.args, ${JSON.stringify(`${folder}/lab`)}));`,
    );
    // A shell needs its tools, but no Python of this machine may be found.
    for (const tool of ["sh", "dirname", "mkdir", "cp"]) {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`] })
        .output();
      await Deno.symlink(new TextDecoder().decode(stdout).trim(), `${bin}/${tool}`);
    }
    const lab: World["lab"] = async (...args) => {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", `${folder}/main.ts`, ...args],
        env: { PATH: bin, LOG: `${folder}/log`, NO_COLOR: "1" },
      }).output();
      const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
      return { code, err: new TextDecoder().decode(stderr), log };
    };
    const setPython = (script: string) =>
      Deno.writeTextFile(`${bin}/python3`, script, { mode: 0o755 });
    await use({ folder, lab, setPython });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

describe("deno task lab", () => {
  it("installs once, describes the kernel, and forwards options and exit code", async () => {
    if (Deno.build.os === "windows") return; // the stand-in is a shell script
    await withWorld(async ({ folder, lab, setPython }) => {
      await setPython(fakePython());
      const first = await lab("--no-browser", "--port", "9999");
      assertEquals([first.code, first.err], [3, ""]);
      const [pip, server] = first.log.trim().split("\n");
      assertMatch(pip, /^pip -m pip install .*--retries 1 --timeout 10 .*jupyterlab==\S+ plotly==/);
      assertMatch(server, /^\S+\/lab\/data: -m jupyterlab --notebook-dir=\S+\/notebooks /);
      assertMatch(server, / --no-browser --port 9999$/);

      const kernel = await Deno.readTextFile(`${folder}/lab/data/kernels/deno/kernel.json`);
      assertEquals(JSON.parse(kernel), {
        argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
        display_name: "Deno",
        language: "typescript",
        env: { NO_COLOR: "1" },
        interrupt_mode: "message",
      });

      const second = await lab();
      assertEquals(second.log.match(/^pip/gm)?.length, 1);
      assertEquals(second.log.match(/jupyterlab --notebook-dir/g)?.length, 2);

      await Deno.writeTextFile(`${folder}/lab/installed.txt`, "jupyterlab==1.0\n");
      assertEquals((await lab()).log.match(/^pip/gm)?.length, 2);
    });
  });

  it("names what is missing, and tries again the next time", async () => {
    if (Deno.build.os === "windows") return; // the stand-in is a shell script
    await withWorld(async ({ lab, setPython }) => {
      const none = await lab();
      assertEquals(none.code, 1);
      assertMatch(none.err, /needs Python >= 3\.10 with venv and pip: no python3 on the PATH/);

      await setPython(fakePython({ version: "3.8" }));
      assertMatch((await lab()).err, /needs Python >= 3\.10 .*: python3 is 3\.8/);

      await setPython(fakePython({ failing: "venv" }));
      const venv = await lab();
      assertEquals(venv.code, 1);
      assertMatch(venv.err, /Cannot make a Python environment[^]*no luck with venv/);

      await setPython(fakePython({ failing: "pip" }));
      const pip = await lab();
      assertEquals(pip.code, 1);
      assertMatch(pip.err, /Cannot install jupyterlab[^]*no luck with pip/);

      await setPython(fakePython());
      assertMatch((await lab()).log, /^pip/);
    });
  });
});
