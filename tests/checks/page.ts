/**
 * Rules for pages that a reader finishes: one language a cell, equal formulas in both, short texts, code in the common layout,
 * exercises that do not tell.
 */

import type {
  Cell,
  CodeCell,
  Notebook,
  TextCell,
} from "../../notebooks/_kit/notebook/notebook_file.ts";

const LANGUAGES = ["zh", "en"] as const;
type Language = typeof LANGUAGES[number];

const MOST_CHARACTERS = 1500;

/** The rows that the card of a page must have, by the words in their first column. */
const CARD = {
  zh: ["用于", "不用于", "形状", "选项", "值", "梯度", "PyTorch", "十分钟"],
  en: ["Use it for", "Not for", "Shapes", "Options", "Value", "Gradient", "PyTorch", "Ten minutes"],
};

/**
 * Finds what breaks the rules for pages. The layout of code is not examined here, as it needs `deno fmt`.
 *
 * @param notebook The page.
 * @param options The options of its loss, which the card must name; the index has no loss, and no card.
 */
export function pageProblems(notebook: Notebook, options?: readonly string[]): string[] {
  const { cells } = notebook;
  return [
    ...cells.flatMap((cell, index) =>
      [...textProblems(cell), ...codeProblems(cell)].map((problem) =>
        `cell ${index + 1}: ${problem}`
      )
    ),
    ...languageProblems(cells),
    ...(options ? [...cardProblems(cells, options), ...beginningProblems(cells)] : []),
  ];
}

function isText(cell: Cell): cell is TextCell {
  return cell.cell_type === "markdown";
}

function tagsOf({ metadata }: Cell): unknown[] {
  return Array.isArray(metadata.tags) ? metadata.tags : [];
}

function languageOf(cell: Cell): Language | undefined {
  return LANGUAGES.find((language) => tagsOf(cell).includes(language));
}

/** Headings of Markdown; a line of code that begins with # is none. */
function headingsIn(source: string): string[] {
  return source.replace(/^```[^]*?^```$/gm, "").split("\n").filter((line) => /^#{1,6} /.test(line));
}

// What a language is recognised by: formulas, code and addresses have none.
function prose(source: string): string {
  return source
    .replace(/^```[^]*?^```$|\$\$[^]*?\$\$|\$[^$\n]+\$|`[^`\n]*`/gm, " ")
    .replace(/\]\([^)]*\)|<[^>]+>/g, " ");
}

const HAN = /\p{Script=Han}/gu;

function textProblems(cell: Cell): string[] {
  if (!isText(cell)) return [];
  const { source } = cell;
  const problems: string[] = [];
  if (source.length > MOST_CHARACTERS) {
    problems.push(`${source.length} characters, but at most ${MOST_CHARACTERS} are wanted`);
  }
  const languages = LANGUAGES.filter((language) => tagsOf(cell).includes(language));
  const headings = headingsIn(source);
  const text = prose(source);
  const han = text.match(HAN)?.length ?? 0;
  if (headings.length > 0) {
    if (source.trim() !== headings.join("\n") || headings.length > 1) {
      problems.push("a heading does not stand alone in its cell");
    }
    if (languages.length > 0) problems.push("a heading has a language tag, but both languages");
    if (han === 0 || !/[A-Za-z]{3}/.test(text)) problems.push("a heading is not in both languages");
    return problems;
  }
  if (languages.length !== 1) {
    problems.push(
      `tagged ${languages.join(" and ") || "with no language"}, but one of zh and en is wanted`,
    );
  }
  // Chinese prose has English terms in brackets and names of authors; English prose has no Chinese at all.
  const isChinese = han > (text.match(/[A-Za-z]{2,}/g)?.length ?? 0);
  if (languages[0] === "zh" && !isChinese) problems.push("tagged zh, but hardly any Chinese");
  if (languages[0] === "en" && han > 0) problems.push(`tagged en, but has ${text.match(HAN)?.[0]}`);
  return [...problems, ...derivativeProblems(text)];
}

/** Derivatives are taken with respect to something; one may still multiply a gradient by a number. */
function derivativeProblems(text: string): string[] {
  const by = /\b(?:(?:gradient|derivative|slope)s?|differentiat\w+) by\b/gi;
  return [...text.matchAll(by)].flatMap(({ 0: found, index }) => {
    const before = text.slice(Math.max(0, index - 40), index);
    return /\b(?:multipl|divid|scal)\w*\b[^.;:]*$/i.test(before)
      ? []
      : [`says "${found.replace(/\s+/g, " ")}" instead of "with respect to"`];
  });
}

function codeProblems(cell: Cell): string[] {
  if (cell.cell_type !== "code") return [];
  const { source } = cell;
  const problems: string[] = [];
  if (/\.reduce(Right)?\(/.test(source)) {
    problems.push("a fold, where a loop or a function of the kit is wanted");
  }
  if (/\b(?:const|let) \[[^\]=]*,[^\]=]*\] = \[/.test(source)) {
    problems.push("several names are given values in one packed line");
  }
  return [
    ...problems,
    ...derivativeProblems(source),
    ...hiddenProblems(cell),
    ...stubProblems(source),
    ...figureProblems(cell),
  ];
}

/** Collapsed input is for cells that only draw: imports, and one call of `plot`. */
function hiddenProblems({ metadata, source, outputs }: CodeCell): string[] {
  const jupyter = metadata.jupyter as { source_hidden?: boolean } | undefined;
  if (jupyter?.source_hidden !== true) return [];
  const draws = outputs.some((output) =>
    "data" in output && output.data["image/png"] !== undefined
  );
  const statements = source.split("\n").filter((line) => /^[^\s)}\]]/.test(line));
  const others = statements.filter((line) =>
    !line.startsWith("import ") && !line.startsWith("await plot(")
  );
  return draws && others.length === 0 ? [] : ["collapsed, but does more than draw"];
}

/** A stub may compute what it wants, but must not print it; that something is 0 tells nothing. */
function stubProblems(source: string): string[] {
  if (!/[^`"]\bTODO\b[^`"]/.test(source.replace(/^import .*$/gm, ""))) return [];
  const wanted = [...source.matchAll(/\b(?:want|printed): *((?:\[[^\n]*?\]|[^,}\n])*)/g)];
  const told = wanted.filter(([, value]) =>
    // Without Math.PI and the like, a value that is no computation has no names.
    /[1-9]/.test(value) && !/[A-Za-z_]/.test(value.replace(/\bMath\.\w+/g, ""))
  );
  return told.map(([whole]) => `a stub tells the answer: ${whole.trim()}`);
}

/** Alt texts are two lines, Chinese and English, because figures have no Chinese. */
function figureProblems({ outputs }: CodeCell): string[] {
  return outputs.flatMap((output) => {
    if (!("data" in output) || output.data["image/png"] === undefined) return [];
    const lines = String(output.data["text/plain"]).split("\n");
    const isBoth = lines.length === 2 && /\p{Script=Han}/u.test(lines[0]) &&
      !/\p{Script=Han}/u.test(lines[1]);
    return isBoth ? [] : ["a figure without alt text in both languages"];
  });
}

/** Between two other cells, the Chinese comes first and the English says the same: equal formulas, equal code. */
function languageProblems(cells: Cell[]): string[] {
  const problems: string[] = [];
  let passage: TextCell[] = [];
  const close = (end: number) => {
    if (passage.length > 0) problems.push(...passageProblems(passage, end - passage.length + 1));
    passage = [];
  };
  cells.forEach((cell, index) => {
    if (isText(cell) && languageOf(cell) !== undefined) passage.push(cell);
    else close(index);
  });
  close(cells.length);
  return problems;
}

function passageProblems(passage: TextCell[], first: number): string[] {
  const where = passage.length > 1
    ? `cells ${first} to ${first + passage.length - 1}`
    : `cell ${first}`;
  const order = passage.map(languageOf).join(" ");
  const [zh, en] = LANGUAGES.map((language) =>
    passage.filter((cell) => languageOf(cell) === language)
  );
  if (!/^(zh )+en( en)*$/.test(order) || zh.length !== en.length) {
    return [`${where}: the order is ${order}, but as many en after zh are wanted`];
  }
  const problems: string[] = [];
  const [chinese, english] = [zh, en].map((texts) => texts.map(({ source }) => source).join("\n"));
  const compare = (what: string, pattern: RegExp) => {
    const [ours, theirs] = [chinese, english].map((text) => text.match(pattern) ?? []);
    const at = ours.findIndex((piece, i) => piece !== theirs[i]);
    if (at < 0 && ours.length === theirs.length) return;
    const index = at < 0 ? ours.length : at;
    problems.push(
      `${where}: ${what} ${index + 1} is ${ours[index] ?? "missing"} in Chinese and ${
        theirs[index] ?? "missing"
      } in English`,
    );
  };
  compare("formula", /\$\$[^]*?\$\$|\$[^$\n]+\$/g);
  compare("piece of code", /^```[^]*?^```$/gm);
  compare("fold", /<\/?details>/g);
  return problems;
}

function cardProblems(cells: Cell[], options: readonly string[]): string[] {
  const end = cells.findIndex(({ cell_type }) => cell_type === "code");
  return LANGUAGES.flatMap((language) => {
    const card = cells.slice(0, end).find((cell) =>
      languageOf(cell) === language && tagsOf(cell).includes("card")
    );
    if (card === undefined) return [`no cell before the code is tagged ${language} and card`];
    const rows = CARD[language].filter((name) => !card.source.includes(`\n| **${name}** |`));
    const unnamed = options.filter((name) => !card.source.includes(`\`${name}\``));
    return [
      ...rows.map((name) => `the card in ${language} has no row "${name}"`),
      ...unnamed.map((name) => `the card in ${language} does not name the option ${name}`),
    ];
  });
}

/** The page begins with its title, and the first code calls the loss and shows value and gradient. */
function beginningProblems(cells: Cell[]): string[] {
  const problems: string[] = [];
  if (!cells[0]?.source.startsWith("# ")) problems.push("the first cell is not the title");
  const first = cells.find(({ cell_type }) => cell_type === "code")?.source ?? "";
  const lines = first.split("\n").filter((line) =>
    line.trim() !== "" && !line.startsWith("import ")
  );
  if (
    lines.length !== 3 || !/\.valueAndGrad\(/.test(first) || !/\.value\b/.test(first) ||
    !/\.grad\b/.test(first)
  ) {
    problems.push("the first code is not three lines: the loss called, its value, its gradient");
  }
  return problems;
}
