/** What a reader has set in a panel: kept in the address, and written as code. */
import type { Argument, Option, PanelDefinition, Slider } from "./panel_definitions.ts";

/** The options, and the numbers of each argument. */
export interface PanelState {
  readonly options: Record<string, number | boolean>;
  readonly args: Record<string, number[]>;
}

/** True for an option that a slider sets. */
export function isSlider(option: Option): option is Slider {
  return "step" in option;
}

/** The default of an option as the panel shows it. */
export function startOf(option: Option): number | boolean {
  return isSlider(option) ? option.start : option[0];
}

/** The state that an address describes; what it does not say, or says wrongly, is as at the start. */
export function readState({ options, args }: PanelDefinition, search: string): PanelState {
  const query = new URLSearchParams(search);
  const state: PanelState = { options: {}, args: {} };
  for (const [name, option] of Object.entries(options)) {
    state.options[name] = readOption(option, query.get(name)) ?? startOf(option);
  }
  for (const arg of args) {
    state.args[arg.name] = readNumbers(arg, query.get(arg.name)) ?? [...arg.start];
  }
  return state;
}

function readOption(option: Option, text: string | null): number | boolean | undefined {
  if (text === null) return undefined;
  if (!isSlider(option)) return option.find((value) => `${value}` === text);
  const value = Number(text);
  return text !== "" && value >= option.from && value <= option.to ? value : undefined;
}

function readNumbers({ kind, start, range }: Argument, text: string | null): number[] | undefined {
  if (text === null) return undefined;
  const numbers = text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
  const mayGrow = kind === "marks" && start.length === 2;
  const isCounted = mayGrow ? numbers.length <= 3 : numbers.length === start.length;
  const isListed = kind === "choice" || kind === "label" || kind === "marks" || kind === "labels";
  const isValid = (value: number) =>
    isListed ? range.includes(value) : value >= range[0] && value <= range[1];
  return isCounted && numbers.every(isValid) ? numbers : undefined;
}

/** The address that describes a state; what is as at the start is left out. */
export function writeState({ options, args }: PanelDefinition, state: PanelState): string {
  const query = new URLSearchParams();
  for (const [name, option] of Object.entries(options)) {
    if (state.options[name] !== startOf(option)) query.set(name, `${state.options[name]}`);
  }
  for (const { name, start } of args) {
    const text = state.args[name].join(",");
    if (text !== start.join(",")) query.set(name, text);
  }
  const text = query.toString().replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

/** The arguments of a call. */
export function callArguments(definition: PanelDefinition, args: PanelState["args"]): unknown[] {
  const given = definition.args.map(({ name, kind, range }) => {
    const numbers = args[name];
    switch (kind) {
      case "number":
      case "choice":
      case "label":
        return numbers[0];
      case "feature":
      case "scores":
      case "marks":
      case "point":
        return numbers;
      case "labels": {
        const marked = numbers.flatMap((mark, c) => mark === 1 ? [c] : []);
        return numbers.map((_, k) => marked[k] ?? -1);
      }
      case "frames": {
        const classes = range[2];
        return Array.from(
          { length: numbers.length / classes },
          (_, t) => numbers.slice(t * classes, (t + 1) * classes),
        );
      }
    }
  });
  const batch = definition.isBatch ? given.map((arg) => [arg]) : given;
  return [...batch, ...definition.rest?.(args) ?? []];
}

/** The options that differ from PyTorch's defaults as far as the panel knows them. */
function written(definition: PanelDefinition, state: PanelState): [string, unknown][] {
  return [...Object.entries(definition.fixed ?? {}), ...Object.entries(state.options)];
}

/** A call as TypeScript. */
export function asTypeScript(definition: PanelDefinition, state: PanelState): string {
  const { loss, parameters, wrt } = definition;
  const options = written(definition, state).map(([name, value]) =>
    `${name}: ${JSON.stringify(value)}`
  );
  const args = callArguments(definition, state.args).map((arg) => JSON.stringify(arg));
  const set = parameters === undefined
    ? ""
    : `loss.setParameters(${JSON.stringify(parameters)});\n`;
  return `import { ${loss} } from "@lossbook/losses";

const loss = new ${loss}(${options.length === 0 ? "" : `{ ${options.join(", ")} }`});
${set}const { value, grad } = loss.valueAndGrad(${args.join(", ")}, { wrt: ${
    JSON.stringify(wrt)
  } });
console.log(value.item(), ${wrt.map((name) => `grad.${name}.toArray()`).join(", ")});
`;
}

/** The same call as Python. */
export function asPyTorch(definition: PanelDefinition, state: PanelState): string {
  const { loss, wrt, view, fixed, parameters } = definition;
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const python = (value: unknown): string =>
    typeof value === "boolean" ? (value ? "True" : "False") : JSON.stringify(value);
  const floats = (value: unknown): string =>
    JSON.stringify(value).replace(/(?<![\d.])-?\d+(?![\d.])/g, (digits) => `${digits}.`);
  const isTensor = (name: string) => name === "posWeight";
  const options = written(definition, state)
    .filter(([name]) => name !== "logits" && name !== "dtype")
    .map(([name, value]) =>
      `${snake(name)}=${isTensor(name) ? `torch.tensor(${floats(value)})` : python(value)}`
    );
  if (fixed?.dtype !== undefined) options.push("dtype=torch.float64");
  const values = callArguments(definition, state.args);
  const lines = definition.args.map(({ name, kind }, i) => {
    const isInteger = kind === "label" || kind === "labels" ||
      (kind === "marks" && view === "frames");
    const text = isInteger ? JSON.stringify(values[i]) : floats(values[i]);
    const grad = wrt.includes(name) ? ", requires_grad=True" : "";
    const dtype = parameters !== undefined && !isInteger ? ", dtype=torch.float64" : "";
    return `${snake(name)} = torch.tensor(${text}${dtype}${grad})`;
  });
  const set = Object.entries(parameters ?? {}).map(([name, value]) =>
    `loss.load_state_dict({"${name}": torch.tensor(${
      floats(value)
    }, dtype=torch.float64)}, strict=False)`
  );
  const names = definition.args.map(({ name }) => snake(name));
  if (view === "frames") names[0] = `${names[0]}.log_softmax(-1)`;
  const rest = values.slice(definition.args.length).map((value) => `torch.tensor(${value})`);
  const result = loss.startsWith("Adaptive") ? ".loss" : "";
  return `import torch

${lines.join("\n")}
loss = torch.nn.${loss}(${options.join(", ")})
${set.map((line) => `${line}\n`).join("")}value = loss(${[...names, ...rest].join(", ")})${result}
value.backward()
print(value.item(), ${wrt.map((name) => `${snake(name)}.grad`).join(", ")})
`;
}
