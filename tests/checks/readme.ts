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

/** What the README is checked against. */
export interface Surroundings {
  /** The names of deno.json's tasks. */
  readonly tasks: readonly string[];
  /** The version of Deno that CI installs. */
  readonly deno: string;
  /** Whether the project has a file or folder. */
  isThere(path: string): boolean;
}

/** Says which blocks of code nobody runs or could run, and which links lead nowhere. */
export function readmeProblems(markdown: string, around: Surroundings): string[] {
  const registry = registryIn(markdown);
  return [
    ...fencesOf(markdown).flatMap((fence) => fenceProblems(fence, around)),
    ...linkProblems(markdown, around),
    ...(registry ? [`names the registry ${registry}`] : []),
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

function commandProblems(command: string, { tasks, deno }: Surroundings): string[] {
  const [, version, task] = command.match(/^(?:npx -y deno@(\S+)|deno) task (\S+)/) ?? [];
  if (task !== undefined) {
    return [
      ...(tasks.includes(task) ? [] : [`there is no task ${task}: ${command}`]),
      ...(version === undefined || version === deno ? [] : [`CI runs Deno ${deno}: ${command}`]),
    ];
  }
  const isKnown = /^(?:deno test|deno add jsr:@lossbook\/losses|npx jsr add @lossbook\/losses)\b/;
  return isKnown.test(command) ? [] : [`nothing checks the command: ${command}`];
}

function firstLine(code: string): string {
  return code.trimStart().split("\n", 1)[0];
}

function linkProblems(markdown: string, { isThere }: Surroundings): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "code");
  const links = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)|\b(?:src|href|srcset)="([^"]+)"/g)]
    .map(([, markdownLink, htmlLink]) => markdownLink ?? htmlLink)
    .filter((link) => !/^[a-z]+:/.test(link));
  return links.flatMap((link) => {
    const [path, anchor] = link.split("#");
    if (path !== "" && !isThere(decodeURI(path))) return [`a link leads nowhere: ${link}`];
    if (path === "" && !anchorsOf(markdown).includes(decodeURI(anchor))) {
      return [`no heading has the anchor: ${link}`];
    }
    return [];
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
