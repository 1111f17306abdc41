/** Reads LaTeX as a reader of the page does, so that a test can ask whether the page says what the formula says. */
import type { Node } from "../../losses/_core/formula/graph.ts";

const TOKEN = /\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|\S/g;

const WORDS: ReadonlyMap<string, string> = new Map([
  ["=", "=="],
  ["\\neq", "!="],
  ["\\leq", "<="],
  ["\\geq", ">="],
  ["\\vee", "or"],
  ["\\wedge", "and"],
  ["\\neg", "not"],
  ["\\cdot", "*"],
  ["\\varepsilon", "eps"],
]);

/**
 * Turns LaTeX back into a formula text.
 *
 * @param tex What `Formula.latex` printed with names of its own choice.
 * @returns A text that has the parentheses of the LaTeX, and fractions, powers and cases in parentheses.
 * @throws {SyntaxError} If TeX would not set it, or a reader could take it for something else.
 */
export function readLatex(tex: string): string {
  const tokens: string[] = tex.match(TOKEN) ?? [];
  let at = 0;

  const fail = (why: string): never => {
    throw new SyntaxError(`${why} before "${tokens.slice(at).join(" ")}" in ${tex}`);
  };
  const expect = (wanted: string): void => {
    for (const token of wanted.match(TOKEN) ?? []) {
      if (tokens[at++] !== token) fail(`${wanted} is wanted`);
    }
  };
  /** Everything up to a closing token. */
  const until = (end: string): string => {
    let text = "";
    while (tokens[at] !== end) text += at < tokens.length ? piece() : fail(`${end} is wanted`);
    at++;
    return text;
  };
  const braces = (): string => {
    expect("{");
    return until("}");
  };
  /** Upright letters stand for themselves. */
  const word = (): string => {
    expect("{");
    const end = tokens.indexOf("}", at);
    const letters = tokens.slice(at, end).join("").replaceAll("\\_", "_");
    at = end + 1;
    return letters;
  };

  function piece(): string {
    const token = tokens[at++];
    switch (token) {
      case "\\left": {
        const bar = tokens[at++] === "|";
        const inner = until("\\right");
        expect(bar ? "|" : ")");
        return bar ? `abs(${inner})` : `(${inner})`;
      }
      case "^": {
        const exponent = braces();
        if (tokens[at] === "^") fail("a second exponent");
        return `^(${exponent})`;
      }
      case "e":
        return tokens[at] === "^" ? `exp${piece().slice(1)}` : token;
      case "_":
        return braces();
      case "\\frac": {
        const quotient = `((${braces()}) / (${braces()}))`;
        if (tokens[at] === "^") fail("a fraction with an exponent");
        return quotient;
      }
      case "\\sqrt":
        return `sqrt(${braces()})`;
      case "\\,":
        if (/^[-\d]/.test(tokens[at])) fail("a thin space");
        if (tokens[at] === "\\frac" && /^[-\d]/.test(tokens[at + 2])) fail("a mixed number");
        return " * ";
      case "\\sigma":
        return tokens[at] === "\\left" ? "sigmoid" : "sigma";
      case "\\operatorname":
        return word();
      case "\\mathrm": {
        const name = word();
        if (tokens.slice(at, at + 3).join("") === "\\,\\left(") fail("what looks like a call");
        return name;
      }
      case "\\begin": {
        expect("{cases}");
        const block = casesBlock();
        if (["\\,", "\\cdot", "^"].includes(tokens[at])) fail("a factor with an open end");
        return block;
      }
      case "+":
      case "-":
        if (tokens[at] === "-") fail("a second sign");
        return token;
    }
    return WORDS.has(token) ? ` ${WORDS.get(token)} ` : token.replace(/^\\/, "");
  }

  function casesBlock(): string {
    const value = until("&");
    expect("\\text");
    if (word() === "otherwise") {
      expect("\\end{cases}");
      return `(${value})`;
    }
    expect("\\;");
    return `((${until("\\\\")}) ? (${value}) : ${casesBlock()})`;
  }

  let text = "";
  while (at < tokens.length) text += piece();
  return text;
}

/** A product with its sign; a sum is a list of them. */
interface Term {
  readonly minus: boolean;
  readonly factors: readonly string[];
}

/**
 * What a formula says, in a form in which two formulas are equal if they differ only in what LaTeX leaves out: the grouping
 * of sums, products, quotients of quotients, `and` and `or`, the place of a sign, and the names of short forms such as
 * `square`.
 *
 * @param node A formula.
 * @returns Its meaning as text.
 */
export function meaning(node: Node): string {
  return textOf(terms(node));
}

function textOf(terms: readonly Term[]): string {
  return terms.map(({ minus, factors }) => (minus ? "-" : "+") + factors.join("*")).join("");
}

function terms(node: Node): Term[] {
  const [a, b] = node.args;
  switch (node.op) {
    case "number":
      return fromNumber(node.value);
    case "add":
      return [...terms(a), ...terms(b)];
    case "sub":
      return [...terms(a), negative(term(b))];
    case "neg":
      return [negative(term(a))];
    case "mul":
      return [product(term(a), term(b))];
    case "xlogy":
      return [product(term(a), factor(`log(${meaning(b)})`))];
    case "div": {
      let [above, below] = [a, term(b)];
      while (above.op === "div") {
        below = product(term(above.args[1]), below);
        above = above.args[0];
      }
      return [factor(`div(${meaning(above)},${textOf([below])})`)];
    }
    case "square":
      return [factor(`pow(${meaning(a)},+2)`)];
    case "log1p":
      return [factor(`log(+1${meaning(a)})`)];
    case "hinge":
      return [factor(`max(+0,${meaning(a)})`)];
    case "and":
    case "or":
      return [factor(`${node.op}(${operands(node, node.op).map(meaning).join()})`)];
    default:
      return [factor(`${node.name || node.op}(${node.args.map(meaning).join()})`)];
  }
}

/** A node where only one term may stand. */
function term(node: Node): Term {
  const all = terms(node);
  return all.length === 1 ? all[0] : factor(`(${textOf(all)})`);
}

function factor(text: string): Term {
  return { minus: false, factors: [text] };
}

function negative({ minus, factors }: Term): Term {
  return { minus: !minus, factors };
}

function product(a: Term, b: Term): Term {
  return { minus: a.minus !== b.minus, factors: [...a.factors, ...b.factors] };
}

function fromNumber(value: number): Term[] {
  const [mantissa, exponent] = String(Math.abs(value)).split("e");
  const power = exponent === undefined ? [] : [`pow(+10,${textOf(fromNumber(Number(exponent)))})`];
  const factors = mantissa === "1" && power.length > 0 ? power : [mantissa, ...power];
  return [{ minus: value < 0, factors }];
}

function operands(node: Node, op: "and" | "or"): Node[] {
  return node.op === op ? node.args.flatMap((arg) => operands(arg, op)) : [node];
}
