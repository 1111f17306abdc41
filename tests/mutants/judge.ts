/** Whether the tests notice a mutant: they are run on a copy of the project that has it. */
import { isThere, PROJECT, projectFiles, readConfig, readProject } from "../checks/files.ts";
import { apply, type Mutant } from "./mutate.ts";

/** What became of a mutant. */
export type Verdict = "killed" | "timeout" | "survived";

/** The standard test packages are the stand-ins: no run waits for the network. */
const STAND_INS = {
  "@std/assert": "./tests/offline/assert.ts",
  "@std/testing/bdd": "./tests/offline/testing_bdd.ts",
};

/** What the tests need of the project. */
export const COPIED = /^(losses\/|tests\/|(mod\.ts|README\.md|deno\.json|deno\.lock)$)/;
/** Tests of the package: all but those about the project, the kit and the tools. */
const QUICK = /^tests\/.*_test\.ts$/;
const NOT_QUICK =
  /^tests\/((docs|notebooks|readme|runtimes|pairing|fixtures|security)_test\.ts$|(bench|book|fuzz|kit|mutants|offline)\/)/;

/** Memory of a test run, in MB: a loop without end must not take that of the machine. */
const MEMORY = 2048;
/** How much longer than without a mutant tests may take, and what is always allowed, in ms. */
const PATIENCE = 5;
const LEAST_MS = 20_000;

/** Tests that know most about a part of the core; of all other files the test has the same name. */
const RELEVANT: readonly (readonly [part: RegExp, tests: readonly string[]])[] = [
  [/^losses\/_core\/formula\/derivative/, ["core/derivative", "core/gaps", "core/parse"]],
  [/^losses\/_core\/formula\/latex/, ["core/latex"]],
  [/^losses\/_core\/formula/, ["core/parse", "core/latex", "core/derivative", "core/gaps"]],
  [
    /^losses\/_core\/kernel\/(math|lower)/,
    ["core/kernels", "core/math", "core/polynomial", "core/gaps"],
  ],
  [/^losses\/_core\/kernel/, ["core/kernels", "core/without_wasm", "core/gaps", "huber"]],
  [/^losses\/_core\/tensor\/print/, ["core/print"]],
  [/^losses\/_core\/tensor/, ["core/tensor", "core/arguments", "l1", "helpers"]],
  [/^losses\/_core\/call/, ["core/arguments", "huber", "cross_entropy", "nll"]],
  [/^losses\/_core\/rows\/(infinite|softmax)/, [
    "core/infinite_scores",
    "cross_entropy",
    "helpers",
  ]],
  [/^losses\/_core\/rows\/(cosines|powers)/, ["cosine_embedding", "helpers", "triplet_margin"]],
  [/^losses\/_core\/rows\/distances/, ["triplet_margin", "helpers"]],
  [/^losses\/_core\/rows/, ["cross_entropy", "helpers", "multi_label_soft_margin"]],
  [/^losses\/_core\/layer/, [
    "core/linear",
    "linear_cross_entropy",
    "adaptive_log_softmax_with_loss",
  ]],
  [/^losses\/_core\/elementwise/, ["huber", "gaussian_nll", "l1", "bce_with_logits"]],
  [
    /^losses\/_core\/define/,
    ["define_loss", "define/check_gradient", "define/errors", "define/names"],
  ],
  [/^losses\/_ctc/, ["core/alignment", "ctc"]],
  [/^losses\/_linear/, ["core/gaps", "linear_cross_entropy", "adaptive_log_softmax_with_loss"]],
];

/** The tests that most likely notice a change of a file: listed above, of the same name, or those that speak of it. */
export function relevantTests(file: string): string[] {
  const name = file.replace(/^.*\/|\.ts$/g, "");
  const listed = RELEVANT.find(([part]) => part.test(file))?.[1] ??
    [file.replace(/^losses\/(.*)\.ts$/, "$1")];
  const known = listed.map((name) => `tests/${name}_test.ts`).filter(isThere);
  if (known.length > 0) return known;
  const inCamelCase = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const speaksOf = new RegExp(`\\b(${name}|${inCamelCase})\\b`);
  return quickTests().filter((path) => speaksOf.test(readProject(path)));
}

/** All tests that a mutant may be noticed by. */
export function quickTests(): string[] {
  return projectFiles().filter((path) => QUICK.test(path) && !NOT_QUICK.test(path));
}

/** A copy of the project in which one file at a time is another. */
export class Copy implements AsyncDisposable {
  readonly #folder: string;
  /** By test files, how long they take without a mutant, in ms. */
  readonly #times = new Map<string, number>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the project as it is now. */
  static async make(): Promise<Copy> {
    const folder = await Deno.makeTempDir({ prefix: "lossbook-mutants-" });
    for (const path of projectFiles()) {
      if (!COPIED.test(path)) continue;
      const target = `${folder}/${path}`;
      await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
      await Deno.copyFile(new URL(path, PROJECT), target);
    }
    const packages = Object.entries(readConfig().imports).filter(([, to]) => to.startsWith("npm:"));
    const imports = { ...Object.fromEntries(packages), ...STAND_INS };
    await Deno.writeTextFile(`${folder}/import_map.json`, JSON.stringify({ imports }));
    return new Copy(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Throws if a test fails without any mutant: then nothing that fails with one says anything. */
  async checkBaseline(): Promise<void> {
    if (await this.#measure(quickTests()) !== "survived") {
      throw new Error("Cannot judge mutants as the tests fail without one: see deno task test");
    }
  }

  /** Runs the tests on the copy with a mutant in it: first those that know most about it, then all others. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const path = `${this.#folder}/${mutant.file}`;
    const first = relevantTests(mutant.file);
    const all = quickTests();
    await this.#measure(first);
    await this.#measure(all);
    const source = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, apply(source, mutant));
    try {
      const verdict = await this.#run(first, this.#limit(first));
      if (verdict !== "survived") return verdict;
      const rest = all.filter((test) => !first.includes(test));
      const other = await this.#run(rest, this.#limit(all));
      // Of so many tests one may have failed for another reason, such as a busy machine: a mutant is noticed every time.
      return other === "survived" ? other : await this.#run(rest, this.#limit(all));
    } finally {
      await Deno.writeTextFile(path, source);
    }
  }

  /** Runs tests without a mutant, the first time that they are needed, to know how long they take. */
  async #measure(tests: readonly string[]): Promise<Verdict> {
    const key = tests.join();
    if (this.#times.has(key)) return "survived";
    const start = performance.now();
    const verdict = await this.#run(tests, 600_000);
    this.#times.set(key, performance.now() - start);
    return verdict;
  }

  #limit(tests: readonly string[]): number {
    return Math.max(LEAST_MS, PATIENCE * (this.#times.get(tests.join()) ?? 0));
  }

  async #run(tests: readonly string[], limit: number): Promise<Verdict> {
    if (tests.length === 0) return "survived";
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--allow-all",
        "--quiet",
        "--no-check",
        "--fail-fast",
        `--v8-flags=--max-old-space-size=${MEMORY}`,
        "--import-map=import_map.json",
        ...tests,
      ],
      cwd: this.#folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let isLate = false;
    const alarm = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, limit);
    const { success } = await child.status;
    clearTimeout(alarm);
    return isLate ? "timeout" : success ? "survived" : "killed";
  }
}
