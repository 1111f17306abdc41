/**
 * Checks the definition of a loss: kinds, names, options.
 */

import type { NumberOption } from "../call/options.ts";
import { suggestion } from "../call/suggestion.ts";
import { Graph } from "../formula/graph.ts";
import { parse } from "../formula/parse.ts";
import { describe } from "../tensor/describe.ts";
import type { CheckedDefinition } from "./definition.ts";

const EXAMPLE =
  '{ name: "MyLoss", arguments: { input: "x", target: "y" }, value: "square(x - y)" }';
const KNOWN = ["name", "arguments", "options", "rows", "value", "grad", "wrt"];
const RESERVED = ["reduction", "weight"];
const NAME = /^[A-Za-z_]\w*$/;
/** The parts of a definition by what else one may call them. */
const PARTS: Readonly<Record<string, string>> = {
  args: "arguments",
  inputs: "arguments",
  params: "options",
  formula: "value",
  forward: "value",
  loss: "value",
  expression: "value",
  backward: "grad",
  gradient: "grad",
  derivative: "grad",
  reductions: "rows",
};
/** Operators that look like names. */
const WORDS = ["and", "or", "not"];

/**
 * Checks what {@linkcode defineLoss} is given, its formulas aside.
 *
 * @param given The definition.
 * @returns It with all that may be left out.
 * @throws {TypeError} If something is of the wrong kind or missing.
 * @throws {RangeError} If a name is used twice, or the default of an option is not allowed.
 */
export function checkDefinition(given: unknown): CheckedDefinition {
  if (!isRecord(given)) {
    throw new TypeError(
      `Cannot define a loss as the definition must be an object such as ${EXAMPLE}: current value is ${
        describe(given)
      }`,
    );
  }
  const { name, arguments: args, options = {}, rows, value, grad = {}, wrt } = given;
  if (typeof name !== "string" || !isName(name)) {
    throw new TypeError(
      `Cannot define a loss as name must be a name such as "FocalLoss": current value is ${
        describe(name)
      }`,
    );
  }
  checkOptionNames(name, given);
  const refuse = (what: string, value: unknown): TypeError =>
    new TypeError(`Cannot define ${name} as ${what}: current value is ${describe(value)}`);
  if (!isRecord(args) || Object.keys(args).length === 0) {
    throw refuse('arguments must be an object such as { input: "x", target: "y" }', args);
  }
  if (!isRecord(options)) throw refuse("options must be an object such as { gamma: 2 }", options);
  if (rows !== undefined && (!isRecord(rows) || Object.keys(rows).length === 0)) {
    throw refuse('rows must be an object such as { m: "max(x)" }', rows);
  }
  if (!isRecord(grad)) {
    throw refuse('grad must be an object of formulas such as { input: "2 * (x - y)" }', grad);
  }
  if (typeof value !== "string") {
    throw refuse('value must be a formula such as "square(x - y)"', value);
  }

  const taken = new Map<string, string>();
  /** Takes a symbol for what it stands for. */
  const take = (symbol: unknown, what: string): string => {
    if (typeof symbol !== "string" || !isSymbol(symbol)) {
      throw refuse(
        `the symbol of ${what} must be a letter or a word, of A to Z, digits and _, and no constant`,
        symbol,
      );
    }
    const other = taken.get(symbol);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot define ${name} as '${symbol}' stands for ${other} and for ${what}: give one of them another`,
      );
    }
    taken.set(symbol, what);
    return symbol;
  };
  const checkedArguments = Object.keys(args).map((argument) => {
    if (!isName(argument)) {
      throw refuse("an argument must have a name such as input", argument);
    }
    return { name: argument, symbol: take(args[argument], `the argument ${argument}`) };
  });
  const checkedOptions: Record<string, NumberOption> = {};
  for (const option of Object.keys(options)) {
    if (RESERVED.includes(option)) {
      throw new RangeError(
        `Cannot define ${name} as every loss has an option ${option} already: give this one another name`,
      );
    }
    take(option, `the option ${option}`);
    checkedOptions[option] = checkOption(name, refuse, option, options[option]);
  }
  const texts = (record: Readonly<Record<string, unknown>>, what: string) => {
    const checked = new Map<string, string>();
    for (const [key, text] of Object.entries(record)) {
      if (text === undefined) continue;
      if (typeof text !== "string") throw refuse(`${what} ${key} must be a formula`, text);
      checked.set(key, text);
    }
    return checked;
  };
  for (const row of Object.keys(rows ?? {})) take(row, `the row ${row}`);
  const checkedRows = rows && Object.fromEntries(texts(rows, "row"));
  const checkedGrad = texts(grad, "grad");
  const names = checkedArguments.map(({ name }) => name);
  for (const argument of checkedGrad.keys()) {
    if (names.includes(argument)) continue;
    const own = checkedArguments.find(({ symbol }) => symbol === argument)?.name;
    const remedy = own === undefined ? suggestion(argument, names) : `did you mean '${own}'? `;
    throw new TypeError(
      `Cannot define ${name} as grad names '${argument}', which is no argument: ${remedy}known are ${
        names.join(", ")
      }`,
    );
  }
  const defaults = wrt === undefined ? [names[0]!] : checkWrt(refuse, wrt, names);
  return {
    name,
    arguments: checkedArguments,
    options: checkedOptions,
    rows: checkedRows,
    value,
    grad: checkedGrad,
    wrt: defaults,
  };
}

/** A copy of `wrt`, checked: an array of arguments, each of them once. */
function checkWrt(
  refuse: (what: string, value: unknown) => TypeError,
  wrt: unknown,
  names: readonly string[],
): readonly string[] {
  const refusal = () => refuse(`wrt must be an array of arguments, of ${names.join(", ")}`, wrt);
  if (!Array.isArray(wrt)) throw refusal();
  const checked: string[] = [];
  // Not every, which skips the holes of a sparse array.
  for (let i = 0; i < wrt.length; i++) {
    const name: unknown = wrt[i];
    if (typeof name !== "string" || !names.includes(name)) throw refusal();
    if (checked.includes(name)) throw refuse("wrt must name each argument once", wrt);
    checked.push(name);
  }
  return checked;
}

function checkOptionNames(name: string, given: object): void {
  for (const key of Object.keys(given)) {
    if (KNOWN.includes(key)) continue;
    const part = Object.hasOwn(PARTS, key) ? PARTS[key] : undefined;
    const remedy = RESERVED.includes(key)
      ? `it is an option of every loss, as in new ${name}({ ${key}: … }); `
      : part === undefined
      ? suggestion(key, KNOWN)
      : `did you mean '${part}'? `;
    throw new TypeError(
      `Cannot define ${name} as '${key}' is no part of a definition: ${remedy}known are ${
        KNOWN.join(", ")
      }`,
    );
  }
}

function checkOption(
  loss: string,
  refuse: (what: string, value: unknown) => TypeError,
  name: string,
  given: unknown,
): NumberOption {
  const option = typeof given === "number" ? { default: given } : given;
  if (!isRecord(option) || typeof option.default !== "number") {
    throw refuse(`option ${name} must be a number, or { default, valid, wanted }`, given);
  }
  const { default: value, valid = () => true } = option;
  const {
    wanted = option.valid === undefined ? "a number" : "a number that its definition allows",
  } = option;
  if (typeof valid !== "function" || typeof wanted !== "string") {
    throw refuse(`option ${name} must have a function valid and a text wanted`, given);
  }
  if (Number.isNaN(value) || !valid(value)) {
    throw new RangeError(
      `Cannot define ${loss} as the default of ${name} must be ${wanted}: current value is ${value}`,
    );
  }
  return { default: value, valid: valid as NumberOption["valid"], wanted };
}

function isName(text: string): boolean {
  return NAME.test(text) && text !== "__proto__";
}

/** True if a name can stand for a number in a formula: `pi` is a number already. */
function isSymbol(name: string): boolean {
  return isName(name) && !WORDS.includes(name) && parse(new Graph(), name).op === "symbol";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
