/// <reference lib="dom" />
/** A panel: a loss of the page with its options as controls, run by the library in this tab. */
import { copyButton } from "./copy.ts";
import { digits, el } from "./dom.ts";
import { formulaLines } from "./panel_formula.ts";
import {
  type Argument,
  type PanelClass,
  type PanelDefinition,
  type PanelLoss,
  PANELS,
} from "./panel_definitions.ts";
import {
  asPyTorch,
  asTypeScript,
  callArguments,
  isSlider,
  type PanelState,
  readState,
  writeState,
} from "./panel_state.ts";
import { viewOf } from "./panel_views.ts";
import { letScroll } from "./scrolling.ts";
import { verifier } from "./verify.ts";
import { say } from "./words.ts";

/** A value and its gradients, as arrays. */
export interface Result {
  readonly value: number;
  readonly grad: Readonly<Record<string, readonly number[]>>;
}

/** What a view draws, and how it changes what it draws. */
export interface PanelView {
  readonly element: Element;
  draw(): void;
}

/** What a view needs of its panel. */
export interface PanelModel {
  readonly definition: PanelDefinition;
  readonly state: PanelState;
  /** Computes the loss with other numbers for some arguments. */
  evaluate(changed?: PanelState["args"]): Result;
  /** Redraws everything after the state has changed. */
  update(): void;
}

/** Puts the panel of a loss into its place on the page. */
export function mountPanel(Loss: PanelClass): void {
  const frame = document.querySelector<HTMLElement>("#panel")!;
  const definition = PANELS[frame.dataset.loss!];
  const state = readState(definition, location.search);
  let loss: PanelLoss;
  let made = "";
  const current = (): PanelLoss => {
    const options = { ...definition.fixed, ...state.options };
    const key = JSON.stringify(options);
    if (key !== made) {
      loss = new Loss(options);
      if (definition.parameters) loss.setParameters!(definition.parameters);
      made = key;
    }
    return loss;
  };
  const model: PanelModel = {
    definition,
    state,
    evaluate(changed = {}) {
      const args = callArguments(definition, { ...state.args, ...changed });
      const { value, grad } = current().valueAndGrad(...args, { wrt: definition.wrt });
      return {
        value: value.item(),
        grad: Object.fromEntries(definition.wrt.map((name) => [name, Array.from(grad[name].data)])),
      };
    },
    update,
  };
  const controls: Control[] = [
    ...Object.keys(definition.options).map((name) => optionControl(name, model)),
    ...definition.args.flatMap((arg) => argumentControls(arg, model)),
  ];
  const view = viewOf(model);
  const numbers = el("dl", { class: "numbers" });
  const formulas = el("div", { class: "formulas" });
  let typeset = "";
  frame.replaceChildren(
    el("h2", {}, say("动手试试", "Try it")),
    view.element,
    numbers,
    el("div", { class: "controls" }, ...controls.map(({ element }) => element)),
    formulas,
    el(
      "div",
      { class: "copies" },
      copyButton(
        say("复制为 TypeScript", "Copy as TypeScript"),
        () => asTypeScript(definition, state),
      ),
      copyButton(say("复制为 PyTorch", "Copy as PyTorch"), () => asPyTorch(definition, state)),
      copyButton(say("复制链接", "Copy the link"), () => location.href),
    ),
    verifier(frame.dataset.loss!, Loss),
  );
  update();

  function update(): void {
    for (const { show } of controls) show();
    view.draw();
    const { value, grad } = model.evaluate();
    numbers.replaceChildren(
      ...reading(say("损失", "loss"), [value], "loss"),
      ...Object.entries(grad).flatMap(([name, list]) => reading(`∂/∂${name}`, list, "gradient")),
    );
    const lines = formulaLines(Loss, state.options);
    if (lines !== typeset) {
      formulas.innerHTML = typeset = lines;
      letScroll(formulas);
    }
    history.replaceState(
      null,
      "",
      `${location.pathname}${writeState(definition, state)}${location.hash}`,
    );
  }
}

function reading(name: string, values: readonly number[], kind: string): Element[] {
  return [el("dt", {}, name), el("dd", { class: kind }, values.map(digits).join(", "))];
}

/** A control, and how it shows the state. */
interface Control {
  readonly element: HTMLElement;
  readonly show: () => void;
}

function optionControl(name: string, { definition, state, update }: PanelModel): Control {
  const option = definition.options[name];
  if (isSlider(option)) {
    return sliderControl(name, option, () => state.options[name] as number, (value) => {
      state.options[name] = value;
      update();
    });
  }
  return selectControl(
    name,
    option.map((value) => `${value}`),
    () => option.indexOf(state.options[name]),
    (at) => {
      state.options[name] = option[at];
      update();
    },
  );
}

function argumentControls(arg: Argument, { definition, state, update }: PanelModel): Control[] {
  const { name, kind, range } = arg;
  const numbers = () => state.args[name];
  const set = (i: number) => (value: number) => {
    numbers()[i] = value;
    update();
  };
  const slide = (title: string, i: number, from = range[0], to = range[1]) => {
    const step = range[2] === 1 && kind === "number" ? 1 : (to - from) / 200;
    return sliderControl(title, { from, to, step }, () => numbers()[i], set(i));
  };
  if (kind === "number" || kind === "feature") return [slide(name, 0)];
  if (kind === "scores") return numbers().map((_, c) => slide(`${name}[${c}]`, c));
  if (kind === "point") return numbers().map((_, i) => slide(`${name}[${i}]`, i));
  if (kind === "frames") {
    const classes = range[2];
    return numbers().map((_, i) => slide(`${name}[${Math.floor(i / classes)}][${i % classes}]`, i));
  }
  if (kind === "choice" || kind === "label") {
    const texts = range.map((value) => `${value}`);
    return [
      selectControl(name, texts, () => range.indexOf(numbers()[0]), (at) => set(0)(range[at])),
    ];
  }
  if (definition.view === "frames") {
    const words = [[1], [2], [1, 2], [2, 1], [1, 1]];
    return [
      selectControl(
        name,
        words.map((word) => `[${word}]`),
        () => words.findIndex((word) => `${word}` === `${numbers()}`),
        (at) => {
          state.args[name] = [...words[at]];
          update();
        },
      ),
    ];
  }
  return numbers().map((_, c) =>
    checkControl(`${name}: ${c}`, () => numbers()[c] === 1, (isOn) => set(c)(isOn ? 1 : 0))
  );
}

function sliderControl(
  name: string,
  { from, to, step }: { from: number; to: number; step: number },
  get: () => number,
  set: (value: number) => void,
): Control {
  const input = el("input", { type: "range", min: from, max: to, step });
  const output = el("output");
  input.addEventListener("input", () => set(input.valueAsNumber));
  return {
    element: el("label", { class: "slider" }, el("code", {}, name), input, output),
    show() {
      // The slider rounds to its steps, what is dragged need not.
      if (document.activeElement !== input || Math.abs(input.valueAsNumber - get()) > step) {
        input.value = `${get()}`;
      }
      output.value = digits(get());
    },
  };
}

function selectControl(
  name: string,
  texts: readonly string[],
  get: () => number,
  set: (at: number) => void,
): Control {
  const select = el("select", {}, ...texts.map((text) => el("option", {}, text)));
  select.addEventListener("input", () => set(select.selectedIndex));
  return {
    element: el("label", { class: "select" }, el("code", {}, name), select),
    show() {
      select.selectedIndex = get();
    },
  };
}

function checkControl(name: string, get: () => boolean, set: (isOn: boolean) => void): Control {
  const input = el("input", { type: "checkbox" });
  input.addEventListener("input", () => set(input.checked));
  return {
    element: el("label", { class: "check" }, input, el("code", {}, name)),
    show() {
      input.checked = get();
    },
  };
}
