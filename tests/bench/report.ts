/** The results of a run as text tables for a terminal. */
import { geometricMean } from "./measure.ts";
import { breakEven, type Gain } from "./break_even.ts";
import { CALM } from "./calm.ts";
import type { Ceiling } from "./ceiling.ts";
import type { Fresh } from "./fresh.ts";
import type { Memory } from "./memory.ts";
import { isOurs, ORDINARY } from "./contender.ts";
import type { Line, Result, Time } from "./result.ts";

/** How many times as fast `one` is as `other`; undefined if either was not measured. */
export function gain({ times }: Line, one: string, other: string): number | undefined {
  const [us, them] = [times[one], times[other]];
  return us && them && them.seconds / us.seconds;
}

/** The geometric mean of {@linkcode gain} over the lines in which both took part. */
export function meanGain(lines: readonly Line[], one: string, other: string): number | undefined {
  const gains = lines.map((line) => gain(line, one, other)).filter((r) => r !== undefined);
  return gains.length === 0 ? undefined : geometricMean(gains);
}

/** The line in which `one` is slowest beside `other`, and how many times as fast it is there. */
export function slowest(
  lines: readonly Line[],
  one: string,
  other: string,
): { readonly name: string; readonly gain: number } | undefined {
  const gains = lines.flatMap((line) => {
    const times = gain(line, one, other);
    return times === undefined ? [] : [{ name: line.name, gain: times }];
  });
  return gains.length === 0 ? undefined : gains.reduce((a, b) => b.gain < a.gain ? b : a);
}

/** The contenders that take part, in the order in which they first occur: the ways to use this library, and the others. */
export function contendersIn(
  lines: readonly Line[],
): { readonly own: string[]; readonly others: string[] } {
  const names = [...new Set(lines.flatMap(({ times }) => Object.keys(times)))];
  return { own: names.filter(isOurs), others: names.filter((name) => !isOurs(name)) };
}

/** How many times as fast, with three digits. */
export function times(gain: number | undefined): string {
  return gain === undefined ? "–" : `${digits(gain)}×`;
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

/**
 * Times, and for the others how many times as long they take as this library with ordinary arrays. "!" marks the time of a
 * contender whose results are wrong.
 */
export function speedTable(lines: readonly Line[]): string {
  const { own, others } = contendersIn(lines);
  const cell = (time: Time | undefined, ...ratios: string[]) =>
    time ? [`${duration(time.seconds)}${time.wrong ? " !" : ""}`, ...ratios].join("  ") : "–";
  const body = lines.map((line) => [
    line.name,
    ...own.map((name) => cell(line.times[name])),
    duration(line.limit),
    duration(line.copies),
    ...others.map((name) => cell(line.times[name], times(gain(line, ORDINARY, name)))),
  ]);
  return align([["value + gradient", ...own, "limit", "copies", ...others], ...body]);
}

/** How many times as fast as each of the others this library is: geometric means, and the slowest row beside PyTorch. */
export function meansCells(lines: readonly Line[]): string[][] {
  const { own, others } = contendersIn(lines);
  const pytorch = others.filter((name) => name.startsWith("PyTorch"));
  const worst = (name: string, other: string) => {
    const found = slowest(lines, name, other);
    return found ? `${times(found.gain)} (${found.name})` : "–";
  };
  return [
    ["how many times as fast", ...others, ...pytorch.map((name) => `slowest beside ${name}`)],
    ...own.map((name) => [
      name,
      ...others.map((other) => times(meanGain(lines, name, other))),
      ...pytorch.map((other) => worst(name, other)),
    ]),
  ];
}

/** What threads gain by size, call after call and after pauses, and from which size on they gain. */
export function gainsCells(gains: readonly Gain[]): string[][] {
  const losses = [...new Set(gains.map(({ loss }) => loss))];
  const powers = [...new Set(gains.map(({ size }) => Math.round(Math.log2(size))))]
    .sort((a, b) => a - b);
  const moments = ["busy", "parked"] as const;
  const cells = (one: (loss: string, when: (typeof moments)[number]) => string) =>
    losses.flatMap((loss) => moments.map((when) => one(loss, when)));
  const power = (size: number | undefined) =>
    size === undefined ? "–" : `2^${Math.round(Math.log2(size))}`;
  return [
    ["elements", ...cells((loss, when) => `${loss}, ${when}`)],
    ...powers.map((exponent) => [
      `2^${exponent}`,
      ...cells((loss, when) => {
        const found = gains.find((gain) =>
          gain.loss === loss && Math.round(Math.log2(gain.size)) === exponent
        );
        return times(found?.isShared ? found[when] : undefined);
      }),
    ]),
    ["they gain from", ...cells((loss, when) => power(breakEven(gains, loss, when)))],
  ];
}

/** The peak of memory beside inputs and outputs. */
export function memoryCells(memory: readonly Memory[]): string[][] {
  const names = [...new Set(memory.flatMap(({ peaks }) => Object.keys(peaks)))];
  return [
    ["peak memory", "inputs and outputs", ...names.map((name) => `${name}, beside them`)],
    ...memory.map(({ row, given, peaks }) => [
      row,
      megabytes(given),
      ...names.map((name) => name in peaks ? megabytes(peaks[name]) : "–"),
    ]),
  ];
}

function megabytes(bytes: number): string {
  return `${digits(bytes / 2 ** 20)} MiB`;
}

/** In how many rows other programs disturbed the measurement, and how much at most. */
export function othersText(lines: readonly Line[]): string {
  const disturbed = lines.filter(({ others }) => others >= CALM);
  const most = Math.max(0, ...lines.map(({ others }) => others));
  return `in ${disturbed.length} of ${lines.length} rows other programs used ${CALM} CPUs or more meanwhile (at most ${
    most.toFixed(2)
  })`;
}

/** How much faster independent loops run together than one of them alone. */
export function ceilingText({ threads, compute, cache, memory }: Ceiling): string {
  return `${threads} independent loops together are ${
    times(compute)
  } as fast as one alone where they compute exponentials, ` +
    `${times(cache)} where they copy 4 MiB and ${times(memory)} where they copy 64 MiB`;
}

/** Our times in float64 divided by those in float32. */
export function doubleTable(lines: readonly Line[]): string {
  const body = lines.filter(({ part }) => part === "float64").map((line) => {
    const single = lines.find(({ name }) => `${name} float64` === line.name);
    const [double, float] = [line.times[ORDINARY], single?.times[ORDINARY]];
    const factor = double && float ? `${digits(double.seconds / float.seconds)}×` : "–";
    return [line.name.replace(/ float64$/, ""), factor];
  });
  return align([["time in float64 / in float32", ORDINARY], ...body]);
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** The shares of our time with ordinary arrays, for rows that were profiled. */
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

function freshText({ importMs, firstCallMs }: Fresh): string {
  return align([
    ["in a fresh process", ""],
    ["import of mod.ts", `${digits(importMs)} ms`],
    ...Object.entries(firstCallMs).map(([name, ms]) => [`first call, ${name}`, `${digits(ms)} ms`]),
  ]);
}

function limitsText({ limits: { bandwidth, exp, log } }: Result): string {
  const ns = (seconds: number) => `${digits(seconds * 1e9)} ns`;
  const speeds = [bandwidth[0], bandwidth[bandwidth.length - 1]]
    .map(({ bytes, perSecond }) =>
      `${digits(perSecond / 1e9)} GB/s (${digits(bytes / 2 ** 20)} MiB)`
    );
  return `limit: the larger of bytes moved at ${speeds.join(" to ")} and of bare ` +
    `exp (${ns(exp.float32)}, float64 ${ns(exp.float64)}) and log (${ns(log.float32)}, float64 ${
      ns(log.float64)
    }) on one thread\n` +
    "copies: arguments copied into the memory of the kernels, gradients out of it, nothing computed";
}

/** All tables of a run. */
export function report(result: Result): string {
  const { lines, ceiling, gains, fresh, memory = [] } = result;
  const part = (wanted: Line["part"]) => lines.filter(({ part }) => part === wanted);
  const wrong = wrongAnswers(lines);
  const sections = [
    `${result.machine}\n${
      Object.entries(result.versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }`,
    ...(["speed", "call", "float64", "growth"] as const).filter((name) => part(name).length > 0)
      .flatMap((name) => [speedTable(part(name)), align(meansCells(part(name)))]),
    `ceiling: ${ceilingText(ceiling)}\n${othersText(lines)}\n${limitsText(result)}`,
    ...(gains ? [`what threads gain\n${align(gainsCells(gains))}`] : []),
    ...(part("float64").length > 0 ? [doubleTable(lines)] : []),
    ...(lines.some(({ shares }) => shares) ? [profileTable(lines)] : []),
    ...(wrong.length > 0
      ? [`! results that differ from those of the plain loop:\n${wrong.join("\n")}`]
      : []),
    ...(fresh ? [freshText(fresh)] : []),
    ...(memory.length > 0 ? [align(memoryCells(memory))] : []),
  ];
  return sections.join("\n\n");
}
