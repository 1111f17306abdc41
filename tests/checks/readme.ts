import { registryIn } from "./source.ts";

/** A block of code between two fences. */
export interface Fence {
  /** What stands after the opening fence: `ts`, `sh`, … */
  readonly language: string;
  readonly code: string;
}

/** The blocks of code of a Markdown text. */
export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)]
    .map(([, language, code]) => ({ language: language.trim(), code }));
}

/** What a page is checked against. */
export interface Surroundings {
  /** The names of deno.json's tasks. */
  readonly tasks: readonly string[];
  /** The version of Deno that CI installs. */
  readonly deno: string;
  /** Whether the project has a file or folder. */
  isThere(path: string): boolean;
  /** Reads a file of the project. */
  read(path: string): string;
}

/**
 * Says which blocks of code nobody runs or could run, and which links lead nowhere.
 *
 * @param page The Markdown file, seen from the project's folder, where its links start from.
 * @param markdown Its text.
 * @param around What it speaks of.
 */
export function pageProblems(page: string, markdown: string, around: Surroundings): string[] {
  const registry = registryIn(markdown);
  return [
    ...fencesOf(markdown).flatMap((fence) => fenceProblems(fence, around)),
    ...linkProblems(page, markdown, around),
    ...(registry ? [`names the registry ${registry}`] : []),
    ...(markdown.includes("{@") ? ["has a {@link}, which only documentation generators read"] : []),
  ];
}

function fenceProblems({ language, code }: Fence, around: Surroundings): string[] {
  switch (language) {
    case "ts":
      // `deno task test` runs it, and would not notice a wrong result that nothing asserts.
      return /\bassert\w*\(/.test(code) ? [] : [`an example asserts nothing: ${firstLine(code)}`];
    case "sh":
      return code.split("\n").map((line) => line.replace(/\s*#.*/, "")).filter(Boolean)
        .flatMap((command) => commandProblems(command, around));
    case "text":
      return [];
    default:
      return [`a fence is "${language}", but ts, sh or text is wanted: ${firstLine(code)}`];
  }
}

/** Commands whose effect tests/runtimes_test.ts checks, or other programs answer for. */
const KNOWN_COMMANDS = [
  /^deno (test|pack -o|bundle --platform browser --minify mod\.ts -o) ?/,
  /^npm install \.\.\/lossbook\/losses\.tgz$/,
  /^deno add jsr:@lossbook\/losses$/,
  /^npx jsr add @lossbook\/losses$/,
  /^git \w+/,
];

function commandProblems(command: string, { tasks, deno, isThere }: Surroundings): string[] {
  const [, version, rest] = command.match(/^(?:npx -y deno@(\S+)|deno) (.*)$/) ?? [];
  if (version !== undefined && version !== deno) return [`CI runs Deno ${deno}: ${command}`];
  const [, task] = rest?.match(/^task (\S+)/) ?? [];
  if (task !== undefined) {
    return tasks.includes(task) ? [] : [`there is no task ${task}: ${command}`];
  }
  const [, script] = rest?.match(/^run -A (\S+)/) ?? [];
  if (script !== undefined) return isThere(script) ? [] : [`there is no ${script}: ${command}`];
  const plain = rest === undefined ? command : `deno ${rest}`;
  return KNOWN_COMMANDS.some((known) => known.test(plain))
    ? []
    : [`nothing checks the command: ${command}`];
}

function firstLine(code: string): string {
  return code.trimStart().split("\n", 1)[0];
}

function linkProblems(page: string, markdown: string, { isThere, read }: Surroundings): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "code");
  const links = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)|\b(?:src|href|srcset)="([^"]+)"/g)]
    .map(([, markdownLink, htmlLink]) => markdownLink ?? htmlLink)
    .filter((link) => !/^[a-z]+:/.test(link));
  return links.flatMap((link) => {
    const [path, anchor] = link.split("#");
    const target = decodeURI(new URL(path, `file:///${page}`).pathname.slice(1));
    if (path !== "" && !isThere(target)) return [`a link leads nowhere: ${link}`];
    if (anchor === undefined) return [];
    const anchors = anchorsOf(path === "" ? markdown : read(target));
    return anchors.includes(decodeURI(anchor)) ? [] : [`no heading has the anchor: ${link}`];
  });
}

/** The anchors that GitHub makes of headings. */
function anchorsOf(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading.trim().toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-")
  );
}

/** How many characters fit beside each other where GitHub shows a page. */
const WIDTH = 130;

/** How many lines a Markdown text takes on a screen: long ones are broken, link targets and comments are not shown. */
export function linesShown(markdown: string): number {
  const shown = markdown.replace(/<!--.*?-->\n+/g, "").replace(/\]\([^)]*\)/g, "]");
  const height = (line: string) => Math.max(1, Math.ceil(line.length / WIDTH));
  return shown.split("\n").reduce((sum, line) => sum + height(line), 0);
}
