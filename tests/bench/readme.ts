/**
 * The README's tables of speed and accuracy, from the last run of `deno task bench`: `deno run -A tests/bench/readme.ts`
 * prints them, with `--write` they take the place of those that stand there.
 */
import { fileURLToPath } from "node:url";
import { PROJECT } from "../checks/files.ts";
import { findTestPackages } from "../offline/test_packages.ts";
import type { Accuracy } from "./accuracy.ts";
import { digits, duration, meanRatio, percent, ratio } from "./report.ts";
import { type Line, readResult, type Result } from "./result.ts";

/** The lines between which the tables stand. */
export const MARKERS = { begin: "<!-- speed: begin -->", end: "<!-- speed: end -->" } as const;

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
      ["**geometric mean**", "", "", "", "", ...means],
    ]),
    "",
    `How many times as long the others take, medians of one run on ${machine} (${
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }). Ours runs on one thread and writes into buffers given by \`out\`; PyTorch gets \`x.grad = None\` before each ` +
    "backward pass; a peer's gradient is not copied out of its memory. CTC is measured from raw scores, log-softmax included.",
    "",
    "The limit is what no one can stay below on one thread: all arguments read and all gradients written once at the speed of this memory, or the bare " +
    "exponentials and logarithms. Copies are what this library adds to it: kernels see only a memory of their own, so that arguments are copied in and gradients out. " +
    "Kernels are the share of our time in which anything is computed; the rest is copies and, where rows are few or labels many, TypeScript. " +
    `In this run a bare exponential took ${duration(limits.exp.float32)} (float64 ${
      duration(limits.exp.float64)
    }), which tells how fast the machine was. ` +
    `In ${cheap.length} of ${compared.length} rows the best peer takes less than 10 times the limit or the copies, so that no kernel behind them can be 10 times as fast as the peer.`,
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

/** A text with something new between the markers. */
export function between(text: string, content: string): string {
  const begin = text.indexOf(MARKERS.begin);
  const end = text.indexOf(MARKERS.end);
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot place the tables as there is no ${MARKERS.begin} … ${MARKERS.end}`);
  }
  return `${text.slice(0, begin)}${MARKERS.begin}\n\n${content}\n\n${text.slice(end)}`;
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
  const content = `${speedMarkdown(await readResult())}\n\n${accuracyMarkdown(await accuracy())}`;
  if (!args.includes("--write")) return console.log(content);
  const readme = new URL("README.md", PROJECT);
  await Deno.writeTextFile(readme, between(await Deno.readTextFile(readme), content));
}

if (import.meta.main) await main(Deno.args);
