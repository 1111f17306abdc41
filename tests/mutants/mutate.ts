/**
 * Makes mutants of a source text: the same text with one token changed. What only people read is left alone: comments, types,
 * messages of errors.
 */
import ts from "typescript-6"; // The last one with a parser that JavaScript can call.
import { readText } from "../fuzz/formula/text_reader.ts";
import type { Tree } from "../fuzz/formula/tree.ts";

/** One change of a source text. */
export interface Mutant {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** What stands there, and what takes its place. */
  readonly before: string;
  readonly after: string;
  /** The line that it begins in, counted from 1. */
  readonly line: number;
  /** That line, or all lines of a statement, without the spaces around them: what the mutant is known by. */
  readonly code: string;
  /** The same with the change in it. */
  readonly mutated: string;
}

/** What an operator may be mistaken for. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "/=": ["*="],
  "&=": ["|="],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "++": ["--"],
  "--": ["++"],
};

/** The same for the operators and functions of formula texts. */
const FORMULA_TOKENS: Readonly<Record<string, readonly string[]>> = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "and": ["or"],
  "or": ["and"],
  "not": [""],
  "min": ["max"],
  "max": ["min"],
};
const FORMULA_TOKEN = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z]\w*|[<>=!]=|\S/g;
/** Behind these, a minus is a sign. */
const BEFORE_SIGN = /^(?:[-+*/^<>(,?:]|[<>=!]=|and|or|not)$/;

/** What says that a text is for people. */
const PROSE = /Cannot |must be |current value|current shape|wanted/;

/** All mutants of a source text. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];

  const add = (start: number, end: number, after: string, from = start, to = end): void => {
    const before = source.slice(start, end);
    const lineStart = source.lastIndexOf("\n", from) + 1;
    const nextLine = source.indexOf("\n", to);
    const lineEnd = nextLine < 0 ? source.length : nextLine;
    mutants.push({
      file,
      start,
      end,
      before,
      after,
      line: tree.getLineAndCharacterOfPosition(start).line + 1,
      code: oneLine(source.slice(lineStart, lineEnd)),
      mutated: oneLine(source.slice(lineStart, start) + after + source.slice(end, lineEnd)),
    });
  };
  const replace = (node: ts.Node, after: string) => add(node.getStart(tree), node.getEnd(), after);

  const visit = (node: ts.Node): void => {
    if (isForPeople(node)) return;
    if (ts.isBinaryExpression(node)) {
      const { operatorToken: sign } = node;
      const isOfTexts = sign.getText(tree) === "+" && [node.left, node.right].some(isText);
      if (!isOfTexts) {
        for (const after of OPERATORS[sign.getText(tree)] ?? []) replace(sign, after);
      }
    } else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const sign = ts.tokenToString(node.operator)!;
      const at = ts.isPrefixUnaryExpression(node)
        ? node.getStart(tree)
        : node.getEnd() - sign.length;
      if (sign === "!" || sign === "-" || sign === "~") add(at, at + sign.length, "");
      else for (const after of OPERATORS[sign] ?? []) add(at, at + sign.length, after);
    } else if (ts.isNumericLiteral(node)) {
      const value = Number(node.text);
      for (const after of [value + 1, value - 1]) {
        // 0 - 1 is no literal, and 1e300 + 1 is no other number.
        if (after !== value) replace(node, after < 0 ? `(${after})` : String(after));
      }
    } else if (ts.isBigIntLiteral(node)) {
      const value = BigInt(node.text.slice(0, -1));
      for (const after of [value + 1n, value - 1n]) {
        replace(node, after < 0n ? `(${after}n)` : `${after}n`);
      }
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) replace(node, "false");
    else if (node.kind === ts.SyntaxKind.FalseKeyword) replace(node, "true");
    else if (ts.isPropertyAccessExpression(node) && node.expression.getText(tree) === "Math") {
      if (node.name.text === "min") replace(node.name, "max");
      if (node.name.text === "max") replace(node.name, "min");
    } else if (
      ts.isExpressionStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node) ||
      (ts.isReturnStatement(node) && node.expression === undefined)
    ) {
      replace(node, ";");
    } else if (
      ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateExpression(node)
    ) {
      mutateFormula(node);
    }
    ts.forEachChild(node, visit);
  };

  /** Mutates the parts of a text, if the text is a formula. */
  const mutateFormula = (
    node: ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateExpression,
  ): void => {
    const parts = ts.isTemplateExpression(node)
      ? [node.head, ...node.templateSpans.map(({ literal }) => literal)]
      : [node];
    if (!isFormula(parts.map(({ text }) => text))) return;
    for (const part of parts) {
      // A text with escapes has another length than its source, and no formula has any.
      const start = part.getStart(tree) + 1;
      if (source.slice(start, start + part.text.length) !== part.text) continue;
      // What is put in before a part is an operand.
      let previous = part === parts[0] ? "(" : "z";
      for (const match of part.text.matchAll(FORMULA_TOKEN)) {
        const [token] = match;
        const at = start + match.index;
        const isSign = token === "-" && BEFORE_SIGN.test(previous);
        const numbers = /^[\d.]/.test(token) ? [Number(token) + 1, Number(token) - 1] : [];
        for (const after of isSign ? [""] : FORMULA_TOKENS[token] ?? numbers.map(String)) {
          add(at, at + token.length, after, node.getStart(tree), node.getEnd());
        }
        previous = token;
      }
    }
  };

  visit(tree);
  return mutants;
}

function oneLine(code: string): string {
  return code.replaceAll(/\s+/g, " ").trim();
}

function isText(node: ts.Node): boolean {
  return ts.isStringLiteral(node) || ts.isTemplateLiteral(node) ||
    (ts.isBinaryExpression(node) && [node.left, node.right].some(isText));
}

/** Whether nothing below this node has a part in what is computed. */
function isForPeople(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
    return true;
  }
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isThrowStatement(node)) return true;
  if (ts.isNewExpression(node)) return /Error$/.test(node.expression.getText());
  return isText(node) && PROSE.test(node.getText());
}

/** Whether the parts of a text, with an operand between each two, are a formula that computes something. */
function isFormula(parts: readonly string[]): boolean {
  let tree: Tree;
  try {
    tree = readText(parts.join("z"));
  } catch {
    return false;
  }
  return "args" in tree && hasSymbol(tree);
}

function hasSymbol(tree: Tree): boolean {
  return tree.op === "symbol" || ("args" in tree && tree.args.some(hasSymbol));
}

/** The source text with the change in it. */
export function apply(source: string, { start, end, before, after }: Mutant): string {
  if (source.slice(start, end) !== before) {
    throw new RangeError(`Cannot apply the mutant as the source is another one: no '${before}'`);
  }
  return source.slice(0, start) + after + source.slice(end);
}
