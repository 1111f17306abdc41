/// <reference lib="dom" />
/** The playground: any formula, with its derivative, both curves, a check of the gradient, and the program that it becomes. */
import { Formula } from "../../../losses/_core/formula.ts";
import { copyButton } from "./copy.ts";
import { differencesAlong, kinksOf } from "./calculus.ts";
import { digits, el } from "./dom.ts";
import { FORMULAS } from "./formula_list.ts";
import { toMathml } from "./mathml.ts";
import { Plane, rangeOf } from "./plane.ts";
import { listingOf } from "./program.ts";
import { letScroll } from "./scrolling.ts";
import { say } from "./words.ts";

const FROM = -5;
const TO = 5;
const SAMPLES = 320;
const XS = Array.from({ length: SAMPLES + 1 }, (_, i) => FROM + (TO - FROM) * i / SAMPLES);
/** The relative difference up to which a derivative agrees with five-point differences. */
const AGREEMENT = 1e-8;

/** What the reader has chosen. */
interface State {
  text: string;
  /** The symbol of the x-axis. */
  along: string;
  values: Record<string, number>;
}

const frame = document.querySelector<HTMLElement>("#play")!;
const state = readState(location.search);
let formula: Formula | undefined;
/** The derivative of the formula along the x-axis. */
let derivative: Formula;
let afterwards: ReturnType<typeof setTimeout> | undefined;

const area = el("textarea", {
  rows: 3,
  id: "formula",
  spellcheck: "false",
  autocapitalize: "off",
  "aria-describedby": "wrong",
});
const wrong = el("p", { class: "error", id: "wrong", role: "alert" });
const list = el(
  "select",
  { "aria-label": say("现成的公式", "Formulas to begin with") },
  el("option", { value: "" }, say("选一个公式……", "Choose a formula …")),
  ...FORMULAS.map(({ name }) => el("option", {}, name)),
);
const axis = el("select");
const plane = new Plane(
  340,
  say("公式和它的导数的曲线", "The curves of the formula and its derivative"),
);
const numbers = el("dl", { class: "numbers" });
const sliders = el("div", { class: "controls" });
const mathematics = el("div", { class: "formulas" });
const text = el("pre", { class: "output" });
const check = el("p", { class: "check" });
const program = el("pre", { class: "output" });
const summary = el("summary");

frame.className = "play panel";
frame.append(
  el(
    "p",
    {},
    el("label", { for: "formula" }, say("公式", "Formula")),
    " ",
    list,
    " ",
    el("label", {}, say("横轴 ", "x-axis "), axis),
  ),
  area,
  wrong,
  plane.element,
  numbers,
  sliders,
  mathematics,
  text,
  check,
  el("details", { class: "drawing" }, summary, program),
  el(
    "div",
    { class: "copies" },
    copyButton(say("复制为 defineLoss", "Copy as defineLoss"), asDefinition),
    copyButton(say("复制链接", "Copy the link"), () => location.href),
  ),
);

area.value = state.text;
area.addEventListener("input", () => {
  state.text = area.value;
  changeFormula();
});
list.addEventListener("input", () => {
  const chosen = FORMULAS[list.selectedIndex - 1];
  if (chosen === undefined) return;
  area.value = state.text = chosen.text;
  state.along = chosen.along;
  state.values = { ...chosen.values };
  changeFormula();
});
axis.addEventListener("input", () => {
  state.along = axis.value;
  changeFormula();
});
plane.onDrag((x) => {
  state.values[state.along] = x;
  draw();
});
changeFormula();

/** Reads the formula, and shows everything or what is wrong. */
function changeFormula(): void {
  try {
    formula = new Formula(state.text);
    // Refuses a condition, and what is too large for a kernel.
    formula.evaluate(Object.fromEntries(formula.symbols.map((name) => [name, 1])));
    wrong.textContent = "";
    area.removeAttribute("aria-invalid");
  } catch (error) {
    formula = undefined;
    area.setAttribute("aria-invalid", "true");
    showError(error as Error);
    return;
  }
  const { symbols } = formula;
  if (!symbols.includes(state.along)) state.along = symbols[0] ?? "x";
  axis.replaceChildren(...symbols.map((name) => el("option", {}, name)));
  axis.value = state.along;
  sliders.replaceChildren(...symbols.map(slider));
  derivative = formula.derivative(state.along);
  const partial = `\\frac{\\partial J}{\\partial ${toSymbol(state.along)}}`;
  mathematics.innerHTML = [`J=${formula.latex()}`, `${partial}=${derivative.latex()}`]
    .map((tex) => `<div class="display">${toMathml(tex, true)}</div>`).join("");
  text.textContent = `∂/∂${state.along}: ${derivative.text}`;
  check.textContent = "";
  draw();
}

/** The message, and the formula with the character at which it is wrong. */
function showError({ message, cause }: Error): void {
  const named = message.match(/as '(\w+)' is not a function/)?.[1];
  const index = (cause as { index: number } | undefined)?.index ??
    (named === undefined ? undefined : state.text.indexOf(named));
  wrong.replaceChildren(message);
  if (index === undefined) return;
  const length = named?.length ?? 1;
  wrong.append(
    "\n",
    state.text.slice(0, index),
    el("mark", {}, state.text.slice(index, index + length) || " "),
    state.text.slice(index + length),
  );
}

function valueOf(name: string): number {
  return state.values[name] ??= name === state.along ? 1 : name === "y" ? 0 : 1;
}

function slider(name: string): HTMLElement {
  const input = el("input", {
    type: "range",
    min: FROM,
    max: TO,
    step: 0.05,
    value: valueOf(name),
  });
  const output = el("output", {}, digits(valueOf(name)));
  input.addEventListener("input", () => {
    state.values[name] = input.valueAsNumber;
    output.value = digits(input.valueAsNumber);
    draw();
  });
  return el("label", { class: "slider", "data-symbol": name }, el("code", {}, name), input, output);
}

/** Draws what depends on the numbers. What takes longer follows when the curve is on the screen. */
function draw(): void {
  if (formula === undefined) return;
  const { along } = state;
  const values = over(formula, XS);
  const slopes = over(derivative, XS);
  plane.setAxes([FROM, TO], rangeOf([...values, ...slopes]), along);
  plane.clear();
  plane.line(XS, slopes, "gradient");
  plane.line(XS, values, "loss");
  const at = valueOf(along);
  const [value] = over(formula, [at]);
  const [slope] = over(derivative, [at]);
  plane.dot(at, slope, "gradient dot");
  plane.dot(at, value, "loss dot", 8);
  for (const label of sliders.children) {
    const name = (label as HTMLElement).dataset.symbol!;
    const input = label.querySelector("input")!;
    if (document.activeElement !== input) input.value = `${valueOf(name)}`;
    label.querySelector("output")!.value = digits(valueOf(name));
  }
  numbers.replaceChildren(
    el("dt", {}, say("值", "value")),
    el("dd", { class: "loss" }, digits(value)),
    el("dt", {}, `∂/∂${along}`),
    el("dd", { class: "gradient" }, digits(slope)),
  );
  history.replaceState(null, "", `${location.pathname}${writeState()}`);
  clearTimeout(afterwards);
  afterwards = setTimeout(() => examine(slopes), 0);
}

/** A formula at points of the x-axis. */
function over(which: Formula, points: readonly number[]): number[] {
  const scope = Object.fromEntries(formula!.symbols.map((name) => [name, valueOf(name)]));
  const found = which.evaluate({ ...scope, [state.along]: points });
  return found.length === points.length ? Array.from(found) : points.map(() => found[0]);
}

/** Marks the kinks, checks the derivative by differences, and lists the program. */
function examine(slopes: ArrayLike<number>): void {
  if (formula === undefined) return;
  const { along } = state;
  // Where the derivative jumps, or bends.
  const second = derivative.derivative(along);
  const kinks = [derivative, second].flatMap((which) =>
    kinksOf(XS, (points) => over(which, points))
  )
    .filter((kink, i, all) => all.findIndex((other) => Math.abs(other - kink) < 1e-6) === i);
  for (const x of kinks) plane.dot(x, over(formula, [x])[0], "kink dot", 5);
  if (kinks.length > 0) {
    numbers.append(
      el("dt", {}, say("折点", "kinks")),
      el("dd", {}, kinks.map(digits).join(", ")),
    );
  }
  const { most, where } = differencesAlong(XS, kinks, (points) => over(formula!, points), slopes);
  const size = most.toExponential(1);
  const place = `${along} = ${digits(where)}`;
  check.textContent = most <= AGREEMENT
    ? say(
      `✓ 与五点差分一致，最大相对差 ${size}`,
      `✓ agrees with five-point differences, largest relative difference ${size}`,
    )
    : say(
      `与五点差分在 ${place} 处相差 ${size}：那里可能有折点或奇点`,
      `differs from five-point differences by ${size} at ${place}: there may be a kink or a pole`,
    );
  const { lines, bytes } = listingOf(formula.symbols, [formula.text, derivative.text]);
  summary.textContent = say(
    `向量程序：${lines.length} 条指令，WebAssembly ${bytes} 字节`,
    `The vector program: ${lines.length} instructions, ${bytes} bytes of WebAssembly`,
  );
  program.textContent = lines.join("\n");
  letScroll(frame);
}

/** A symbol as LaTeX. */
function toSymbol(name: string): string {
  return new Formula(name).latex();
}

function readState(search: string): State {
  const query = new URLSearchParams(search);
  const text = query.get("formula");
  if (text === null) {
    const { text, along, values } = FORMULAS.find(({ name }) => name === "HuberLoss")!;
    return { text, along, values: { ...values } };
  }
  const values: Record<string, number> = {};
  for (const [name, value] of query) {
    if (name !== "formula" && name !== "along" && Number.isFinite(Number(value))) {
      values[name] = Number(value);
    }
  }
  return { text, along: query.get("along") ?? "x", values };
}

function writeState(): string {
  const query = new URLSearchParams({ formula: state.text, along: state.along });
  for (const name of formula?.symbols ?? []) query.set(name, `${+valueOf(name).toPrecision(6)}`);
  return `?${query}`;
}

/** The formula as the definition of a loss: x and y are its arguments, all other symbols options. */
function asDefinition(): string {
  const symbols = formula?.symbols ?? [];
  const args: string[] = symbols.filter((name) => name === "x" || name === "y");
  const names: Readonly<Record<string, string>> = { x: "input", y: "target" };
  const options = symbols.filter((name) => !args.includes(name));
  const entries = (list: readonly string[], value: (name: string) => string) =>
    list.map((name) => `    ${value(name)},\n`).join("");
  const optionLines = options.length === 0
    ? ""
    : `  options: {\n${entries(options, (name) => `${name}: ${valueOf(name)}`)}  },\n`;
  return `import { defineLoss } from "@lossbook/losses";

const MyLoss = defineLoss({
  name: "MyLoss",
  arguments: {
${entries(args, (name) => `${names[name]}: "${name}"`)}  },
${optionLines}  value: ${JSON.stringify(state.text)},
});

const { value, grad } = new MyLoss().valueAndGrad(${
    args.map((name) => `${+valueOf(name).toPrecision(6)}`).join(", ")
  });
console.log(value.item(), grad.${names[args[0]] ?? "input"}.item());
`;
}
