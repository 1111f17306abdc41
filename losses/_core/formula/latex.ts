/**
 * Prints an expression graph as LaTeX, so that the formula on a page is the one that runs.
 *
 * The LaTeX is what a mathematician would write: it keeps the value of the formula, not its parentheses. `a + (b + c)` is
 * printed without them, `a / b / c` as one fraction, `(-a) * b` as -a b.
 */

import { argumentsFirst, type Node, type Operands, symbolsOf } from "./graph.ts";

/** How tightly a text binds, loosest first. */
const OR = 1;
const AND = 2;
const COMPARISON = 3;
const SUM = 4;
/** A `cases` block is a term of a sum, but no factor: its right end is open. */
const CASES = 5;
const PRODUCT = 6;
/** A fraction or a power is a factor, but no base of another power. */
const POWER = 7;
const ATOM = 8;

type Printed = readonly [tex: string, level: number];

/** A quotient by its parts, the lower one ready to be a factor. */
interface Quotient {
  readonly above: string;
  readonly below: string;
}

const INFIX: Readonly<Record<string, readonly [sign: string, level: number]>> = {
  or: ["\\vee", OR],
  and: ["\\wedge", AND],
  lt: ["<", COMPARISON],
  le: ["\\leq", COMPARISON],
  gt: [">", COMPARISON],
  ge: ["\\geq", COMPARISON],
  eq: ["=", COMPARISON],
  ne: ["\\neq", COMPARISON],
};

const GREEK =
  " alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega ";

/** Single letters in italics, Greek letters as such, words upright, digits at the end as an index. */
function symbol(name: string): string {
  const [, word, index] = /^(.*?[^_])_?(\d+)$/.exec(name) ?? ["", name];
  const letter = word === "eps"
    ? "\\varepsilon"
    : GREEK.includes(` ${word} `)
    ? `\\${word}`
    : undefined;
  const base = letter ?? (word.length === 1 ? word : upright(word));
  return index === undefined ? base : `${base}_{${index}}`;
}

function upright(name: string): string {
  return `\\mathrm{${name.replaceAll("_", "\\_")}}`;
}

/** The LaTeX of each symbol of a formula: no two print the same unless `names` says so. */
function symbolTable(
  node: Node,
  names: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const table = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of symbolsOf(node)) {
    // x1 and x_1 have the same LaTeX: if a formula has both, the second is spelled out.
    const own = symbol(name);
    const tex = Object.hasOwn(names, name) ? names[name]! : taken.has(own) ? upright(name) : own;
    table.set(name, tex);
    taken.add(tex);
  }
  return table;
}

function number(value: number): Printed {
  if (Number.isNaN(value)) return ["\\mathrm{NaN}", ATOM];
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [digits, level] = positive(Math.abs(value));
  return [sign + digits, sign === "" ? level : PRODUCT];
}

function positive(value: number): Printed {
  if (value === Infinity) return ["\\infty", ATOM];
  if (value === Math.PI) return ["\\pi", ATOM];
  const [mantissa, exponent] = String(value).split("e") as [string, string?];
  if (exponent === undefined) return [mantissa, ATOM];
  const power = `10^{${Number(exponent)}}`;
  return mantissa === "1" ? [power, POWER] : [`${mantissa}\\cdot${power}`, PRODUCT];
}

/** A space only where a command would otherwise swallow the letter behind it. */
function infix(left: string, sign: string, right: string): string {
  return `${left}${sign}${sign.startsWith("\\") && /^[A-Za-z]/.test(right) ? " " : ""}${right}`;
}

function plus(left: string, right: string): string {
  return right.startsWith("-") ? left + right : `${left}+${right}`;
}

/**
 * A dot where the thin space of a product could be misread: before a number (2 3), before a sign (y -1), and between a
 * word and a parenthesis (margin (x + y), which looks like a call).
 */
function times(left: string, right: string): string {
  const afterWord = /\\mathrm\{[^{}]*\}(_\{\d+\})?$/.test(left);
  const needsDot = /^(\\frac\{)*-?\d|^-/.test(right) || (afterWord && right.startsWith("\\left("));
  return `${left}${needsDot ? "\\cdot" : "\\,"}${right}`;
}

function call(name: string, ...args: readonly string[]): Printed {
  return [`${name}${parenthesised(args.join(","))}`, ATOM];
}

function parenthesised(tex: string): string {
  return `\\left(${tex}\\right)`;
}

/**
 * A formula as LaTeX, without dollar signs.
 *
 * @param root The formula.
 * @param names How symbols are to be written, such as `{ x: "\\hat y" }`; Greek names become Greek letters by themselves.
 * @returns LaTeX for use inside `$…$`, for MathJax and KaTeX alike.
 */
export function latex(root: Node, names: Readonly<Record<string, string>> = {}): string {
  const symbols = symbolTable(root, names);
  const letters = new Set(symbols.values());
  // A letter that stands for a function is spelled out where a symbol has that letter.
  const exp = letters.has("e") ? undefined : "e";
  const sigmoid = letters.has("\\sigma") ? "\\operatorname{sigmoid}" : "\\sigma";

  // Nodes are printed after their arguments, without recursion, however deep the formula is.
  const printed = new Map<Node, Printed>();
  const quotients = new Map<Node, Quotient>();
  const rows = new Map<Node, string>();

  /** The text of a node, in parentheses if it binds less tightly than its surroundings need. */
  const print = (node: Node, needed = 0): string => {
    const [tex, level] = printed.get(node)!;
    return level < needed ? parenthesised(tex) : tex;
  };

  /** The same for what stands behind a sign, where a second sign needs parentheses: x - (-y). */
  const printBehindSign = (node: Node, needed: number): string => {
    const tex = print(node, needed);
    return tex.startsWith("-") ? parenthesised(tex) : tex;
  };

  const factor = (node: Node): string =>
    node.op === "number" ? number(node.value)[0] : printBehindSign(node, PRODUCT);

  function visit(node: Node): Printed {
    const [a, b] = node.args as Operands;
    switch (node.op) {
      case "number":
        return number(node.value);
      case "symbol": {
        const tex = symbols.get(node.name) as string;
        // Of two exponents the second would be an error: x^{(i)}^{2}.
        return [tex, tex.includes("^") ? POWER : ATOM];
      }
      case "neg":
        return [`-${printBehindSign(a, PRODUCT)}`, PRODUCT];
      case "not":
        return call("\\neg", print(a));
      case "abs":
        return [`\\left|${print(a)}\\right|`, ATOM];
      case "square":
        return [`${print(a, ATOM)}^{2}`, POWER];
      case "sqrt":
        return [`\\sqrt{${print(a)}}`, ATOM];
      case "exp":
        return exp ? [`${exp}^{${print(a)}}`, POWER] : call("\\exp", print(a));
      case "pow":
        return [`${print(a, ATOM)}^{${print(b)}}`, POWER];
      case "log":
        return call("\\log", print(a));
      case "log1p":
        return call("\\log", plus("1", print(a, SUM)));
      case "sigmoid":
        return call(sigmoid, print(a));
      case "softplus":
      case "sign":
        return call(`\\operatorname{${node.op}}`, print(a));
      case "hinge":
        return call("\\max", "0", print(a));
      case "min":
      case "max":
        return call(`\\${node.op}`, print(a), print(b));
      case "xlogy":
        return [times(print(a, PRODUCT), call("\\log", print(b))[0]), PRODUCT];
      case "add":
        return [plus(print(a, SUM), print(b, SUM)), SUM];
      case "sub":
        return [`${print(a, SUM)}-${printBehindSign(b, CASES)}`, SUM];
      case "mul":
        return [times(print(a, PRODUCT), factor(b)), PRODUCT];
      case "div":
        return [fraction(node), POWER];
      case "select":
        return [cases(node), CASES];
      default: {
        const [sign, level] = INFIX[node.op]!;
        const needed = level === COMPARISON ? SUM : level;
        return [infix(print(a, needed), sign, print(b, needed)), level];
      }
    }
  }

  /** One fraction, also for a quotient that is divided again: a / b / c is a / (b c). */
  function fraction(node: Node): string {
    const [over, under] = node.args as Operands;
    const inner = quotients.get(over);
    if (inner === undefined) {
      quotients.set(node, { above: print(over), below: print(under, PRODUCT) });
      return `\\frac{${print(over)}}{${print(under)}}`;
    }
    const { above } = inner;
    const below = times(inner.below, factor(under));
    quotients.set(node, { above, below });
    return `\\frac{${above}}{${below}}`;
  }

  /** One row for each branch; a condition in the last branch continues the list instead of nesting. */
  function cases(node: Node): string {
    const [condition, yes, no] = node.args as Operands;
    const rest = rows.get(no) ?? `${print(no)}&\\text{otherwise}`;
    const all = `${print(yes)}&\\text{if}\\;${print(condition)}\\\\${rest}`;
    rows.set(node, all);
    return `\\begin{cases}${all}\\end{cases}`;
  }

  for (const node of argumentsFirst(root)) printed.set(node, visit(node));
  return print(root);
}
