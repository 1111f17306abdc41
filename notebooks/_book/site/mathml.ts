/**
 * The LaTeX of a formula as MathML, for formulas that are made in the browser. It knows what `Formula.latex()` writes and
 * nothing more, so that no typesetter need be loaded.
 */

const OPERATORS: Readonly<Record<string, string>> = {
  cdot: "⋅",
  leq: "≤",
  geq: "≥",
  neq: "≠",
  vee: "∨",
  wedge: "∧",
  neg: "¬",
  quad: " ",
};

const LETTERS: Readonly<Record<string, string>> = {
  infty: "∞",
  partial: "∂",
  ...Object.fromEntries(
    ("alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ " +
      "nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi ϕ chi χ psi ψ omega ω").split(" ")
      .flatMap((name, i, all) => i % 2 === 0 ? [[name, all[i + 1]]] : []),
  ),
};

const FUNCTIONS = new Set(["log", "exp", "max", "min"]);

/** Text in which MathML sees no tags. */
function escape(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/**
 * Converts LaTeX of {@linkcode Formula.latex} to MathML.
 *
 * @param tex The LaTeX.
 * @param isDisplay True if it is to stand on a line of its own.
 * @throws {SyntaxError} If there is a command that formulas do not use.
 */
export function toMathml(tex: string, isDisplay = false): string {
  const tokens = tex.match(/\\\\|\\[A-Za-z]+|\\.|[\d.]+|\S/g) ?? [];
  let at = 0;

  function list(...ends: readonly string[]): string {
    let parts = "";
    while (at < tokens.length && !ends.includes(tokens[at])) parts += scripted();
    return `<mrow>${parts}</mrow>`;
  }

  /** An atom with what is raised or lowered beside it. */
  function scripted(): string {
    const base = atom();
    let below: string | undefined;
    let above: string | undefined;
    while (tokens[at] === "^" || tokens[at] === "_") {
      if (tokens[at++] === "^") above = atom();
      else below = atom();
    }
    if (above !== undefined && below !== undefined) {
      return `<msubsup>${base}${below}${above}</msubsup>`;
    }
    if (above !== undefined) return `<msup>${base}${above}</msup>`;
    return below === undefined ? base : `<msub>${base}${below}</msub>`;
  }

  function group(): string {
    at++;
    const inner = list("}");
    at++;
    return inner;
  }

  /** The text between braces, as it is. */
  function text(): string {
    at++;
    let all = "";
    while (at < tokens.length && tokens[at] !== "}") all += tokens[at++].replace("\\_", "_");
    at++;
    return escape(all);
  }

  function cases(): string {
    text();
    let rows = "";
    do {
      if (tokens[at] === "\\\\") at++;
      const value = list("&");
      at++;
      rows += `<mtr><mtd>${value}</mtd><mtd>${list("\\\\", "\\end")}</mtd></mtr>`;
    } while (tokens[at] === "\\\\");
    at++;
    text();
    return `<mrow><mo fence="true">{</mo><mtable columnalign="left left">${rows}</mtable></mrow>`;
  }

  function fenced(): string {
    const fence = (sign: string) => `<mo fence="true">${escape(sign)}</mo>`;
    const open = tokens[at++];
    const inner = list("\\right");
    at++;
    return `<mrow>${fence(open)}${inner}${fence(tokens[at++])}</mrow>`;
  }

  function atom(): string {
    const token = tokens[at];
    if (token === "{") return group();
    at++;
    if (/^[\d.]+$/.test(token)) return `<mn>${token}</mn>`;
    if (/^[A-Za-z]$/.test(token)) return `<mi>${token}</mi>`;
    if (!token.startsWith("\\")) return `<mo>${escape(token === "-" ? "−" : token)}</mo>`;
    const name = token.slice(1);
    if (name === "frac") {
      const over = group();
      return `<mfrac>${over}${group()}</mfrac>`;
    }
    if (name === "sqrt") return `<msqrt>${group()}</msqrt>`;
    if (name === "left") return fenced();
    if (name === "begin") return cases();
    if (name === "mathrm" || name === "operatorname") {
      return `<mi mathvariant="normal">${text()}</mi>`;
    }
    if (name === "text") return `<mtext>${text()}</mtext>`;
    if (name === ",") return `<mspace width="0.17em"/>`;
    if (name === ";") return `<mspace width="0.28em"/>`;
    if (name === "hat") return `<mover accent="true">${atom()}<mo>^</mo></mover>`;
    if (FUNCTIONS.has(name)) return `<mi>${name}</mi>`;
    if (name in LETTERS) return `<mi>${LETTERS[name]}</mi>`;
    if (name in OPERATORS) return `<mo>${OPERATORS[name]}</mo>`;
    throw new SyntaxError(`Cannot show the formula as it must not contain ${token}`);
  }

  return `<math${isDisplay ? ` display="block"` : ""}>${list()}</math>`;
}
