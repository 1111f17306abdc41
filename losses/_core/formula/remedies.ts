/**
 * What to write in place of what formulas do not have, for error messages.
 */

const ROWS = 'rows of defineLoss, such as { m: "max(x)", s: "sum(exp(x - m))" }';
const CLAMP = "min(max(x, 0), 1)";
const CHOICE = "x > 0 ? x : y";

/** What takes the place of functions of other languages and libraries, by their names. */
const INSTEAD: Readonly<Record<string, string>> = {
  ln: "log(x)",
  log2: "log(x) / log(2)",
  log10: "log(x) / log(10)",
  expm1: "exp(x) - 1",
  tanh: "2 * sigmoid(2 * x) - 1",
  cosh: "(exp(x) + exp(-x)) / 2",
  sqr: "square(x)",
  logsigmoid: "-softplus(-x)",
  relu: "hinge(x)",
  maximum: "max(x, y)",
  minimum: "min(x, y)",
  clamp: CLAMP,
  clip: CLAMP,
  if: CHOICE,
  where: CHOICE,
  sum: ROWS,
  mean: ROWS,
  norm: ROWS,
  var: ROWS,
  std: ROWS,
  amax: ROWS,
  amin: ROWS,
  softmax: ROWS,
  logsumexp: ROWS,
};

/**
 * What to use in place of a function that there is not.
 *
 * @param name Its name.
 * @returns `"use log(x); "`, or nothing if the function is not known.
 */
export function insteadOf(name: string): string {
  const plain = name.replaceAll("_", "").toLowerCase();
  return Object.hasOwn(INSTEAD, plain) ? `use ${INSTEAD[plain]}; ` : "";
}

/** What to write, by what is expected, a colon, and the text with a zero where it is wrong. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/\*\0\*/, "a power is x ^ 2"],
  [/\0&/, "write and"],
  [/\0\|\|/, "write or"],
  [/\0\|/, "write abs(x) for |x|"],
  [/\0!/, "write not, or !="],
  [/[=!]=\0=/, "write == or !="],
  [/\0=/, "equality is ==, and a formula assigns no names"],
  [/\0\.(sum|mean|max|min)\b/, 'write a row, such as { s: "sum(x)" }'],
  [/\w\0\.[a-z]/i, "functions and constants have no prefix: log(x), pi"],
  [/\0[[\]]/, "x stands for one element already"],
  [/\0;|\breturn\0/, "write the expression alone"],
  [/\0[²³]/, "a power is x ^ 2"],
  [/\0[·×⋅∙]/, "write *"],
  [/\0[−–—]/, "the minus sign is -"],
  [/\0÷/, "write /"],
  [/\0[≤≥≠]/, "write <=, >= or !="],
  [/\0√/, "write sqrt(x)"],
  [/\0\P{ASCII}/u, "names have letters from a to z, digits and _"],
  [/\b(exp|log|log1p|abs|sign|square|sqrt|sigmoid|softplus|hinge)\0\w/, "write exp(x)"],
  [/\d\0[a-z_(]/i, "a product is 2 * x"],
  [/\d\0,\d/, "a decimal number has a point: 1.5"],
  [/^':'/, "a choice has two values: x > 0 ? x : y"],
  [/^',':[^]*\0\)/, "the function takes two arguments"],
  [/\b(max|min)\([^]*\0,/, "a maximum of three is max(x, max(y, z))"],
  [/^'\)':[^]*\0,/, "the function takes fewer arguments"],
  [/^an operator:[^]*\0\)/, "there is no '(' before it"],
  [/^an operator:[^]*\0[<>=!]/, "write a < b and b < c"],
  [/\0\+/, "leave out the sign"],
];

/** Characters around the place that are looked at. */
const REACH = 100;

/**
 * What to write where a text is no formula.
 *
 * @param text The text.
 * @param index Where it is wrong.
 * @param expected What is expected there; nothing if the character is unknown.
 * @returns `"; a power is x ^ 2"`, or nothing if no remedy is known.
 */
export function remedyAt(text: string, index: number, expected = ""): string {
  const before = text.slice(Math.max(0, index - REACH), index).trimEnd();
  const around = `${expected}:${before}\0${text.slice(index, index + REACH)}`;
  const found = REMEDIES.find(([pattern]) => pattern.test(around));
  return found === undefined ? "" : `; ${found[1]}`;
}
