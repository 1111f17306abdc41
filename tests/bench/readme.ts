/**
 * The tables and the picture of speed, memory and accuracy in tests/bench/README.md, from the last run of `deno task bench`, and
 * the excerpt in the project's README: `deno run -A tests/bench/readme.ts` prints the tables, with `--write` it puts them into both
 * files, and the picture with its numbers beside the first.
 */
import { fileURLToPath } from "node:url";
import { PROJECT, readProject } from "../checks/files.ts";
import { markedIn, withMarked } from "../checks/marked.ts";
import { findTestPackages } from "../offline/test_packages.ts";
import type { Accuracy } from "./accuracy.ts";
import { type Growth, growthOf } from "./growth.ts";
import { growthPicture } from "./growth_picture.ts";
import {
  ceilingText,
  contendersIn,
  duration,
  gain,
  gainsCells,
  meanGain,
  meansCells,
  memoryCells,
  othersText,
  times,
} from "./report.ts";
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

/** The columns that the excerpt leaves out. */
const LEFT_OUT = ["PyTorch, 1 thread", "plain loop", "limit"];

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

/** The contender beside which all others stand in the table. */
const UNIT = "PyTorch, 1 thread";

/** The lines of the tables of speed, and their contenders with one name for all JavaScript peers. */
function compared({ lines }: Result) {
  const speed = withBestPeer(lines.filter(({ part }) => part === "speed"));
  const { own, others } = contendersIn(speed);
  const pytorch = others.filter((name) => name.startsWith("PyTorch"));
  return { speed, own, others: [...pytorch, BEST_PEER, "plain loop"] };
}

/** How many times as fast as the others this library is, as Markdown. */
export function meansMarkdown(result: Result): string {
  const { speed, own, others } = compared(result);
  const shown = speed.map((line) => ({
    ...line,
    times: Object.fromEntries(
      [...own, ...others].flatMap((name) => line.times[name] ? [[name, line.times[name]]] : []),
    ),
  }));
  return table(meansCells(shown));
}

/** What a quick run is called in the tables, so that nobody takes its numbers for final. */
const PROVISIONAL = "quick run (provisional, without the largest rows)";

/** The table of speed as Markdown: how many times as fast as PyTorch on one thread everyone is. */
export function speedMarkdown(result: Result): string {
  const { limits, machine, versions, ceiling, isQuick } = result;
  const { speed, own, others } = compared(result);
  const columns = [...own, ...others.filter((name) => name !== UNIT)];
  const wrong = (line: Line, name: string) => line.times[name]?.wrong ? " !" : "";
  const cells = (line: Line) => {
    const unit = line.times[UNIT];
    return [
      line.name,
      unit ? `${duration(unit.seconds)}${wrong(line, UNIT)}` : "–",
      ...columns.map((name) => `${times(gain(line, name, UNIT))}${wrong(line, name)}`),
      times(unit && unit.seconds / line.limit),
    ];
  };
  const text = [
    table([
      ["value + gradient, float32", UNIT, ...columns, "limit"],
      ...speed.map(cells),
      [MEAN, "", ...columns.map((name) => `**${times(meanGain(speed, name, UNIT))}**`), ""],
    ]),
    "",
    `Medians of one ${isQuick ? PROVISIONAL : "run"} on ${machine} (${
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }). In it ${ceilingText(ceiling)}; ${othersText(speed)}. A bare exponential took ${
      duration(limits.exp.float32)
    } (float64 ${duration(limits.exp.float64)}), which tells how fast the machine was.`,
  ];
  if (speed.some((line) => [...columns, UNIT].some((name) => wrong(line, name)))) {
    text.push('A "!" marks a value or gradients that are off by more than 0.1 %.');
  }
  return text.join("\n");
}

/** The picture of growth as Markdown, with what it shows in words. */
export function growthMarkdown({ losses }: Growth): string {
  const names = losses.map(({ loss, sizes }) =>
    `${loss} up to 2^${Math.round(Math.log2(sizes[sizes.length - 1]))}`
  );
  return `![Time per element against the number of elements, both axes logarithmic: ${
    names.join(", ")
  }](growth.svg)`;
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
  const source = markedIn(wholeFile, "speed").includes(PROVISIONAL) ? " (provisional)" : "";
  const shown = [...names, MEAN].map((name) => {
    const row = body.find(([first]) => first === name);
    if (!row) throw new Error(`Cannot make the excerpt as ${WHOLE} has no row "${name}"`);
    return name === MEAN ? [`**geometric mean, all rows${source}**`, ...row.slice(1)] : row;
  });
  const isShown = (_: string, column: number) => !LEFT_OUT.includes(head[column]);
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

/** A file beside the README that holds the whole tables. */
const beside = (name: string) => new URL(name, new URL(WHOLE, PROJECT));

/** The stored numbers of the picture. */
export const GROWTH_FILE = "growth.json";

async function main(args: string[]): Promise<void> {
  const result = await readResult();
  const growth = growthOf(result);
  const { gains, memory } = result;
  if (gains === undefined || memory === undefined) {
    throw new Error("Cannot make the tables as the last run did not measure everything");
  }
  const blocks = {
    means: meansMarkdown(result),
    speed: speedMarkdown(result),
    growth: growthMarkdown(growth),
    threads: table(gainsCells(gains)),
    memory: table(memoryCells(memory)),
    accuracy: accuracyMarkdown(await accuracy()),
  };
  if (!args.includes("--write")) return console.log(Object.values(blocks).join("\n\n"));
  const whole = Object.entries(blocks).reduce(
    (text, [name, block]) => withMarked(text, name, block),
    readProject(WHOLE),
  );
  await Deno.writeTextFile(beside("README.md"), whole);
  await Deno.writeTextFile(beside(GROWTH_FILE), JSON.stringify(growth, null, 2) + "\n");
  await Deno.writeTextFile(beside("growth.svg"), growthPicture(growth));
  const readme = withMarked(readProject("README.md"), "speed", speedExcerpt(whole));
  await Deno.writeTextFile(new URL("README.md", PROJECT), readme);
}

if (import.meta.main) await main(Deno.args);
