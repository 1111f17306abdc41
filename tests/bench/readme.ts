/**
 * The tables of speed and accuracy in tests/bench/README.md, from the last run of `deno task bench`, and the excerpt in the
 * project's README: `deno run -A tests/bench/readme.ts` prints the tables, with `--write` it puts them into both files.
 */
import { fileURLToPath } from "node:url";
import { PROJECT, readProject } from "../checks/files.ts";
import { markedIn, withMarked } from "../checks/marked.ts";
import { findTestPackages } from "../offline/test_packages.ts";
import type { Accuracy } from "./accuracy.ts";
import { digits, duration, meanRatio, percent, ratio } from "./report.ts";
import { type Line, readResult, type Result } from "./result.ts";

/** The file that holds the whole tables. */
const WHOLE = "tests/bench/README.md";

/** The rows that the project's README shows, one for each kind of loss. */
const EXCERPT = [
  "MSE 2^20",
  "BCEWithLogits 2^20",
  "CrossEntropy 1024×1000",
  "TripletMargin 4096×256",
  "CTC 150×16×64",
];

/** The columns that explain our time, which the excerpt leaves out. */
const EXPLAINING = ["limit", "copies", "kernels"];

const MEAN = "**geometric mean**";

/** The fastest JavaScript peer, under one name; one whose answer is wrong only if all are. */
const BEST_PEER = "best JavaScript peer";

/** Lines with the fastest of the JavaScript peers as one more contender. */
export function withBestPeer(lines: readonly Line[]): Line[] {
  return lines.map((line) => {
    const [best] = Object.entries(line.times)
      .filter(([name]) => /^(tfjs|jax-js)/.test(name))
      .map(([, time]) => time)
      .sort((a, b) => Number(!!a.wrong) - Number(!!b.wrong) || a.seconds - b.seconds);
    return best ? { ...line, times: { ...line.times, [BEST_PEER]: best } } : line;
  });
}

/** The table of speed as Markdown. */
export function speedMarkdown({ lines, limits, machine, versions }: Result): string {
  const speed = withBestPeer(lines.filter(({ part }) => part === "speed"));
  const pytorch = [...new Set(speed.flatMap(({ times }) => Object.keys(times)))]
    .filter((name) => name.startsWith("PyTorch"));
  const others = [...pytorch, BEST_PEER, "plain loop"];
  const compared = speed.filter(({ times }) => times[BEST_PEER] !== undefined);
  const cheap = compared.filter(({ times, limit, copies }) =>
    times[BEST_PEER].seconds < 10 * Math.max(limit, copies)
  );
  const times = (x: number | undefined) => x === undefined ? "–" : `${digits(x)}×`;
  const cells = (line: Line) => [
    line.name,
    line.times["ours"] ? duration(line.times["ours"].seconds) : "–",
    duration(line.limit),
    duration(line.copies),
    line.shares ? percent(line.shares.kernels) : "–",
    ...others.map((name) => `${times(ratio(line, name))}${line.times[name]?.wrong ? " !" : ""}`),
  ];
  const means = others.map((name) => `**${times(meanRatio(speed, name))}**`);
  const text = [
    table([
      ["value + gradient, float32", "ours", "limit", "copies", "kernels", ...others],
      ...speed.map(cells),
      [MEAN, "", "", "", "", ...means],
    ]),
    "",
    `Medians of one run on ${machine} (${
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }). In it a bare exponential took ${duration(limits.exp.float32)} (float64 ${
      duration(limits.exp.float64)
    }), which tells how fast the machine was. In ${cheap.length} of ${compared.length} rows the best peer takes less than ` +
    "10 times the limit or the copies, so that no kernel behind them can be 10 times as fast as the peer.",
  ];
  if (speed.some(({ times }) => others.some((name) => times[name]?.wrong))) {
    text.push('A "!" marks a value or gradients that are off by more than 0.1 %.');
  }
  return text.join("\n");
}

/** The tables of accuracy as Markdown. */
export function accuracyMarkdown({ losses, functions }: Accuracy): string {
  const power = (x: number) => x === 0 ? "0" : x.toExponential(0);
  return [
    table([
      ["largest deviation", "cases", "ours, float32", "PyTorch, float32", "ours, float64"],
      ...losses.map(({ group, cases, float32, pytorch32, float64 }) => [
        group,
        `${cases}`,
        ...[float32, pytorch32, float64].map(power),
      ]),
    ]),
    "",
    "From PyTorch's float64 results on the same inputs, value and every gradient, as a share of the largest number of the tensor.",
    "",
    table([
      ["largest error in ulp", "float32", "float64"],
      ...functions.map(({ name, float32, float64 }) => [
        name,
        float32.toFixed(2),
        float64.toFixed(2),
      ]),
    ]),
  ].join("\n");
}

/** Rows as a Markdown table, the first column to the left and the others to the right. */
function table([head, ...body]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => i === 0 ? "---" : "--:");
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

/** A few rows of the whole table with the means of all of them, as Markdown. */
export function speedExcerpt(wholeFile: string, names: readonly string[] = EXCERPT): string {
  const rows = markedIn(wholeFile, "speed").split("\n").filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const [head, , ...body] = rows;
  const shown = [...names, MEAN].map((name) => {
    const row = body.find(([first]) => first === name);
    if (!row) throw new Error(`Cannot make the excerpt as ${WHOLE} has no row "${name}"`);
    return name === MEAN ? ["**geometric mean, all rows**", ...row.slice(1)] : row;
  });
  const isShown = (_: string, column: number) => !EXPLAINING.includes(head[column]);
  return table([head, ...shown].map((row) => row.filter(isShown)));
}

async function accuracy(): Promise<Accuracy> {
  using packages = await findTestPackages();
  const script = fileURLToPath(new URL("accuracy.ts", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", ...packages.flags, script],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main(args: string[]): Promise<void> {
  const speed = speedMarkdown(await readResult());
  const exact = accuracyMarkdown(await accuracy());
  if (!args.includes("--write")) return console.log(`${speed}\n\n${exact}`);
  const whole = withMarked(withMarked(readProject(WHOLE), "speed", speed), "accuracy", exact);
  await Deno.writeTextFile(new URL(WHOLE, PROJECT), whole);
  const readme = withMarked(readProject("README.md"), "speed", speedExcerpt(whole));
  await Deno.writeTextFile(new URL("README.md", PROJECT), readme);
}

if (import.meta.main) await main(Deno.args);
