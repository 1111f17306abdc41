/** The results of a run as text tables for a terminal. */
import { geometricMean } from "./measure.ts";
import type { Fresh } from "./fresh.ts";
import type { Line, Result, Time } from "./result.ts";

/** A contender's time divided by ours; undefined if either was not measured. */
export function ratio({ times }: Line, contender: string): number | undefined {
  const [us, them] = [times["ours"], times[contender]];
  return us && them && them.seconds / us.seconds;
}

/** The geometric mean of a contender's ratios over the lines in which it took part. */
export function meanRatio(lines: readonly Line[], contender: string): number | undefined {
  const ratios = lines.map((line) => ratio(line, contender)).filter((r) => r !== undefined);
  return ratios.length === 0 ? undefined : geometricMean(ratios);
}

/** All contenders except ours, in the order in which they first occur. */
export function othersIn(lines: readonly Line[]): string[] {
  const names = new Set(lines.flatMap(({ times }) => Object.keys(times)));
  names.delete("ours");
  return [...names];
}

/** A time with a suitable unit and three digits. */
export function duration(seconds: number): string {
  const [unit, scale] = seconds < 1e-6
    ? ["ns", 1e9]
    : seconds < 1e-3
    ? ["µs", 1e6]
    : seconds < 1
    ? ["ms", 1e3]
    : ["s", 1];
  return `${digits(seconds * scale)} ${unit}`;
}

/** A number with at least three digits. */
export function digits(x: number): string {
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}

/** Rows of cells as text, with the first column aligned to the left and the others to the right. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** Times and their ratios to ours: above 1 ours is faster. "!" marks the time of a contender whose results are wrong. */
export function speedTable(lines: readonly Line[]): string {
  const others = othersIn(lines);
  const cell = (time: Time | undefined, times: number | undefined) =>
    time ? `${duration(time.seconds)}${time.wrong ? " !" : ""}  ${digits(times ?? NaN)}×` : "–";
  const body = lines.map((line) => [
    line.name,
    line.times["ours"] ? duration(line.times["ours"].seconds) : "–",
    duration(line.limit),
    duration(line.copies),
    ...others.map((name) => cell(line.times[name], ratio(line, name))),
  ]);
  const means = others.map((name) => `${digits(meanRatio(lines, name) ?? NaN)}×`);
  return align([
    ["value + gradient", "ours", "limit", "copies", ...others],
    ...body,
    ["geometric mean", "", "", "", ...means],
  ]);
}

/** Our times in float64 divided by those in float32. */
export function doubleTable(lines: readonly Line[]): string {
  const body = lines.filter(({ part }) => part === "float64").map((line) => {
    const single = lines.find(({ name }) => `${name} float64` === line.name);
    const [double, float] = [line.times["ours"], single?.times["ours"]];
    const factor = double && float ? `${digits(double.seconds / float.seconds)}×` : "–";
    return [line.name.replace(/ float64$/, ""), factor];
  });
  return align([["time in float64 / in float32", "ours"], ...body]);
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** The shares of our time, for rows that were profiled. */
export function profileTable(lines: readonly Line[]): string {
  const body = lines.flatMap(({ name, shares }) =>
    shares === undefined ? [] : [[
      name,
      percent(shares.kernels),
      percent(shares.copies),
      percent(shares.typescript),
      percent(shares.garbage),
    ]]
  );
  return align([["our time", "kernels", "copies", "TypeScript", "garbage"], ...body]);
}

/** One line for each contender whose results differ from those of the plain loop. */
export function wrongAnswers(lines: readonly Line[]): string[] {
  return lines.flatMap(({ name, times }) =>
    Object.entries(times).flatMap(([contender, { wrong }]) =>
      wrong ? [`${contender}, ${name}: ${wrong} wrong`] : []
    )
  );
}

function freshText({ importMs, firstCallMs, peak }: Fresh): string {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return align([
    ["in a fresh process", ""],
    ["import of mod.ts", `${digits(importMs)} ms`],
    ...Object.entries(firstCallMs).map(([name, ms]) => [`first call, ${name}`, `${digits(ms)} ms`]),
    [`peak memory, ${peak.row}: arguments and gradient alone`, megabytes(peak.inputs)],
    [`peak memory, ${peak.row}: with the loss`, megabytes(peak.loss)],
  ]);
}

function limitsText({ limits: { bandwidth, exp, log } }: Result): string {
  const ns = (seconds: number) => `${digits(seconds * 1e9)} ns`;
  return `limit: the larger of bytes moved at ${digits(bandwidth / 1e9)} GB/s and of bare ` +
    `exp (${ns(exp.float32)}, float64 ${ns(exp.float64)}) and log (${ns(log.float32)}, float64 ${
      ns(log.float64)
    }) on one thread\n` +
    "copies: arguments copied into the memory of the kernels, gradients out of it, nothing computed";
}

/** All tables of a run. */
export function report(result: Result): string {
  const { lines, fresh } = result;
  const part = (wanted: Line["part"]) => lines.filter(({ part }) => part === wanted);
  const wrong = wrongAnswers(lines);
  const sections = [
    `${result.machine}\n${
      Object.entries(result.versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }`,
    ...(["speed", "call", "float64"] as const).filter((name) => part(name).length > 0)
      .map((name) => speedTable(part(name))),
    limitsText(result),
    ...(part("float64").length > 0 ? [doubleTable(lines)] : []),
    ...(lines.some(({ shares }) => shares) ? [profileTable(lines)] : []),
    ...(wrong.length > 0
      ? [`! results that differ from those of the plain loop:\n${wrong.join("\n")}`]
      : []),
    ...(fresh ? [freshText(fresh)] : []),
  ];
  return sections.join("\n\n");
}
