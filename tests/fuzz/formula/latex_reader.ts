/**
 * Reads LaTeX as a mathematician does: what binds more tightly, where a power ends, what a fraction holds. It knows the forms
 * that formulas are printed in, and is generous about spaces and about which of two usual commands is used; what TeX itself
 * would refuse, such as a second superscript, is an error.
 */
import { type InfixName, node, number, symbol, type Tree } from "./tree.ts";

/** Commands, numbers, and single characters. */
const TOKEN = /\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|\S/gs;
/** Spaces of TeX; between two factors one says that they are two. */
const SPACES = new Set(["\\,", "\\;", "\\:", "\\!", "\\ ", "~"]);

const RELATIONS: Readonly<Record<string, InfixName>> = {
  "<": "lt",
  ">": "gt",
  "=": "eq",
  "\\le": "le",
  "\\leq": "le",
  "\\ge": "ge",
  "\\geq": "ge",
  "\\ne": "ne",
  "\\neq": "ne",
};
const CONNECTIVES: readonly (readonly [InfixName, ReadonlySet<string>])[] = [
  ["or", new Set(["\\lor", "\\vee"])],
  ["and", new Set(["\\land", "\\wedge"])],
];
const NOT = new Set(["\\lnot", "\\neg"]);
const TIMES = new Set(["\\cdot", "\\times"]);
const GREEK = new Set(
  ("alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau " +
    "upsilon phi chi psi omega").split(" "),
);
/** Functions of one argument, by command or operator name. */
const FUNCTIONS: Readonly<Record<string, (u: Tree) => Tree>> = {
  log: (u) => node("log", u),
  ln: (u) => node("log", u),
  exp: (u) => node("exp", u),
  sigma: (u) => node("sigmoid", u),
  sign: (u) => node("sign", u),
  sgn: (u) => node("sign", u),
  sigmoid: (u) => node("sigmoid", u),
  softplus: (u) => node("softplus", u),
};
const PAIRS = new Set(["max", "min"]);
const OPENING = new Set(["\\left", "\\bigl", "\\Bigl"]);
const CLOSING = new Set(["\\right", "\\bigr", "\\Bigr"]);

/** Reads a formula in LaTeX; what cannot be read is an error. */
export function readLatex(latex: string): Tree {
  return new Reader(latex).read();
}

class Reader {
  readonly #latex: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(latex: string) {
    this.#latex = latex;
    this.#tokens = latex.match(TOKEN) ?? [];
  }

  read(): Tree {
    const tree = this.#connective(0);
    if (this.#peek() !== undefined) this.#fail("nothing more");
    return tree;
  }

  #fail(wanted: string): never {
    throw new SyntaxError(
      `${wanted} is wanted before '${this.#tokens.slice(this.#at).join("")}' in ${this.#latex}`,
    );
  }

  /** The next token that is no space. */
  #peek(): string | undefined {
    while (SPACES.has(this.#tokens[this.#at])) this.#at++;
    return this.#tokens[this.#at];
  }

  #accept(token: string | ReadonlySet<string>): string | undefined {
    const next = this.#peek();
    const isThere = typeof token === "string" ? next === token : next && token.has(next);
    if (!isThere) return undefined;
    this.#at++;
    return next;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) this.#fail(`'${token}'`);
  }

  #connective(level: number): Tree {
    if (level === CONNECTIVES.length) return this.#relation();
    const [op, signs] = CONNECTIVES[level];
    let left = this.#connective(level + 1);
    while (this.#accept(signs)) left = node(op, left, this.#connective(level + 1));
    return left;
  }

  #relation(): Tree {
    if (this.#accept(NOT)) return node("not", this.#fenced());
    const left = this.#sum();
    const next = this.#peek() ?? "";
    if (!Object.hasOwn(RELATIONS, next)) return left;
    this.#at++;
    return node(RELATIONS[next], left, this.#sum());
  }

  #sum(): Tree {
    const isNegative = this.#accept("-") !== undefined;
    let left = this.#product();
    if (isNegative) left = node("neg", left);
    for (;;) {
      if (this.#accept("+")) {
        // x + -3 is not well set, but there is no doubt about it.
        const isOpposite = this.#accept("-") !== undefined;
        const right = this.#product();
        left = node("add", left, isOpposite ? node("neg", right) : right);
      } else if (this.#accept("-")) left = node("sub", left, this.#product());
      else return left;
    }
  }

  #product(): Tree {
    let left = this.#power();
    for (;;) {
      if (this.#accept(TIMES)) {
        // y · -1 as well: the dot keeps the sign from being a difference.
        const isOpposite = this.#accept("-") !== undefined;
        const right = this.#power();
        left = node("mul", left, isOpposite ? node("neg", right) : right);
      } else if (this.#beginsFactor()) left = node("mul", left, this.#power());
      else return left;
    }
  }

  #beginsFactor(): boolean {
    const next = this.#peek();
    if (next === undefined || CLOSING.has(next) || TIMES.has(next) || NOT.has(next)) return false;
    if (Object.hasOwn(RELATIONS, next) || CONNECTIVES.some(([, signs]) => signs.has(next))) {
      return false;
    }
    return !/^(?:[-+,&)}|^_]|\\\\|\\end|\\text)$/.test(next);
  }

  #power(): Tree {
    const isBaseOfExp = this.#peek() === "e";
    const base = this.#atom();
    if (!this.#accept("^")) return base;
    const exponent = this.#argument();
    if (this.#peek() === "^") this.#fail("one superscript");
    if (isBaseOfExp) return node("exp", exponent);
    return exponent.op === "number" && exponent.value === 2
      ? node("square", base)
      : node("pow", base, exponent);
  }

  /** What a superscript or a fraction takes: a group, or a single token. */
  #argument(): Tree {
    if (this.#peek() !== "{") return this.#atom();
    this.#expect("{");
    const tree = this.#connective(0);
    this.#expect("}");
    return tree;
  }

  #atom(): Tree {
    const next = this.#peek() ?? this.#fail("a factor");
    if (/^[\d.]/.test(next)) {
      this.#at++;
      return number(Number(next), next);
    }
    if (next === "{") return node("group", this.#argument());
    if (next === "(" || next === "|" || OPENING.has(next)) return this.#fenced();
    this.#at++;
    if (/^[A-Za-z]$/.test(next)) return this.#named(next);
    switch (next) {
      case "\\frac":
        return node("div", this.#argument(), this.#argument());
      case "\\sqrt":
        return node("sqrt", this.#argument());
      case "\\pi":
        return number(Math.PI, "pi");
      case "\\infty":
        return number(Infinity, "Infinity");
      case "\\hat":
        return symbol(`\\hat ${this.#word()}`);
      case "\\mathrm":
        return this.#named(this.#word());
      case "\\operatorname":
        return this.#call(this.#word());
      case "\\begin":
        return this.#cases();
    }
    const name = next.slice(1);
    const isCall = ["(", "\\left", "\\bigl"].includes(this.#tokens[this.#at]);
    if (PAIRS.has(name) || (Object.hasOwn(FUNCTIONS, name) && (isCall || !GREEK.has(name)))) {
      return this.#call(name);
    }
    if (GREEK.has(name)) return this.#named(name === "varepsilon" ? "eps" : name);
    this.#at--;
    return this.#fail("a factor");
  }

  /** The letters of a group, as text. */
  #word(): string {
    if (this.#peek() !== "{") {
      const letter = this.#peek() ?? this.#fail("a letter");
      this.#at++;
      return letter;
    }
    this.#expect("{");
    let word = "";
    for (let next = this.#peek(); next !== "}"; next = this.#peek()) {
      if (next === undefined || !/^(?:\w|\d+|\\_)$/.test(next) || next === "_") {
        this.#fail("a letter");
      }
      word += next === "\\_" ? "_" : next;
      this.#at++;
    }
    this.#expect("}");
    return word;
  }

  /** A name with its index. */
  #named(name: string): Tree {
    if (!this.#accept("_")) return symbol(name);
    return symbol(name + this.#word());
  }

  #call(name: string): Tree {
    if (PAIRS.has(name)) {
      const [a, b] = this.#list(2);
      return node(name as "max" | "min", a, b);
    }
    if (!Object.hasOwn(FUNCTIONS, name)) this.#fail(`a function other than ${name}`);
    const [argument] = this.#list(1);
    return FUNCTIONS[name](argument);
  }

  /** What stands between parentheses or bars. */
  #fenced(): Tree {
    const isBig = this.#accept(OPENING) !== undefined;
    const opening = this.#accept("(") ?? this.#accept("|") ?? this.#fail("'('");
    const tree = this.#connective(0);
    if (isBig && !this.#accept(CLOSING)) this.#fail("'\\right'");
    this.#expect(opening === "(" ? ")" : "|");
    return opening === "(" ? node("group", tree) : node("abs", tree);
  }

  #list(count: number): Tree[] {
    const isBig = this.#accept(OPENING) !== undefined;
    this.#expect("(");
    const list = [this.#connective(0)];
    while (list.length < count) {
      this.#expect(",");
      list.push(this.#connective(0));
    }
    if (isBig && !this.#accept(CLOSING)) this.#fail("'\\right'");
    this.#expect(")");
    return list;
  }

  #cases(): Tree {
    this.#environment();
    const tree = this.#rows();
    this.#expect("\\end");
    this.#environment();
    return tree;
  }

  /** The rows of a case distinction: value and condition, at last a value otherwise. */
  #rows(): Tree {
    const value = this.#connective(0);
    this.#expect("&");
    const word = this.#accept("\\text") ? this.#word() : "if";
    if (word === "otherwise") return value;
    if (word !== "if") this.#fail("'if' or 'otherwise'");
    const condition = this.#connective(0);
    this.#expect("\\\\");
    return node("select", condition, value, this.#rows());
  }

  #environment(): void {
    if (this.#word() !== "cases") this.#fail("'cases'");
  }
}
