/** One call of a loss: what is handed over and what is asked for, drawn, carried out, and written down as code. */
import fc from "fast-check";
import * as lossbook from "@lossbook/losses";
import type { Tensor } from "@lossbook/losses";
import * as distanceFunctions from "./distance_functions.ts";
import { floatForm, plain, tensor } from "./draw.ts";
import { build, code, give, type Given, showNumber, typeOf } from "./given.ts";

/** The value of an option: a plain one, a tensor, or the name of a distance function. */
export type Option = number | boolean | string | readonly number[] | Given | NamedFunction;

/** A function of distance_functions.ts. */
export interface NamedFunction {
  readonly function: "squared" | "reused";
}

/** One call of a loss. */
export interface LossCase {
  readonly loss: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Of losses that own parameters: what these are set to. */
  readonly parameters: Readonly<Record<string, Given>>;
  /** In call order. */
  readonly args: Readonly<Record<string, Given>>;
  /** Undefined for what the loss does by itself. */
  readonly wrt: readonly string[] | undefined;
  readonly gradOutput: number | Given | undefined;
  /** The gradients that are written into buffers of the caller. */
  readonly out: readonly string[];
}

/** Everything but the request. */
export type Draft = Pick<LossCase, "options" | "args"> & Partial<Pick<LossCase, "parameters">>;

/** A loss and how it is called. */
export interface Spec {
  readonly loss: string;
  readonly drafts: fc.Arbitrary<Draft>;
  /** What can be differentiated in this call, the default first. */
  readonly gradients: (draft: Draft) => { readonly defaults: string[]; readonly others: string[] };
  /** The shape of the unreduced values. */
  readonly valueShape: (draft: Draft) => readonly number[];
  /** A function rather than a class. */
  readonly isHelper?: boolean;
}

/** A draft with a request: which gradients, from which upstream gradient, into which buffers. */
export function casesOf(spec: Spec): fc.Arbitrary<LossCase> {
  return spec.drafts.chain((draft) => {
    const { defaults, others } = spec.gradients(draft);
    const all = [...defaults, ...others];
    const isDense = spec.isHelper === true || draft.options.reduction === "none";
    const shape = spec.loss === "AdaptiveLogSoftmaxWithLoss" || !isDense
      ? []
      : spec.valueShape(draft);
    return fc.record({
      wrt: fc.oneof(
        fc.constant(undefined),
        fc.shuffledSubarray(all, { minLength: 0, maxLength: all.length }),
      ),
      gradOutput: fc.oneof(
        fc.constant(undefined),
        plain,
        tensor(shape, plain, floatForm.map((form) => form === "number" ? "array" : form)),
      ),
      written: fc.subarray(all),
    }).map(({ wrt, gradOutput, written }): LossCase => {
      const names = wrt ?? defaults;
      return withinFloat32({
        loss: spec.loss,
        options: draft.options,
        parameters: draft.parameters ?? {},
        args: draft.args,
        wrt,
        gradOutput:
          draft.options.reduction === "none" || spec.isHelper || typeof gradOutput !== "object"
            ? gradOutput
            : gradOutput,
        out: written.filter((name) => names.includes(name)),
      });
    });
  });
}

/** Where a tensor is float32, the call may be, and numbers that it has no place for would become infinite. */
function withinFloat32(call: LossCase): LossCase {
  const given = [...Object.values(call.args), ...Object.values(call.options).filter(isGiven)];
  if (!given.some((tensor) => typeOf(tensor) === "float32")) return call;
  const within = ({ form, shape, data }: Given): Given =>
    give(
      form,
      shape,
      data.map((value) => Number.isFinite(Math.fround(value)) ? value : Math.sign(value) * 1e30),
    );
  return {
    ...call,
    args: mapValues(call.args, within),
    options: mapValues(call.options, (option) => isGiven(option) ? within(option) : option),
  };
}

/** What a call returns. */
export interface Result {
  readonly value: Tensor;
  readonly grad: Readonly<Record<string, Tensor>>;
  /** AdaptiveLogSoftmaxWithLoss only: the log-probabilities of the labels. */
  readonly output?: Tensor;
}

/** A loss object, or a helper, as JavaScript sees it. */
interface Callable {
  forward(...args: unknown[]): Tensor | { output: Tensor; loss: Tensor };
  valueAndGrad(...args: unknown[]): Result;
  setParameters?(values: object): void;
}

/** Whether what has this name is a function rather than a class. */
export const isHelper = (loss: string) => /^[a-z]/.test(loss);

const isGiven = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && "form" in value;
const isFunction = (value: unknown): value is NamedFunction =>
  typeof value === "object" && value !== null && "function" in value;

/** An option as the constructor takes it. */
function buildOption(option: Option): unknown {
  if (isGiven(option)) return build(option);
  return isFunction(option) ? distanceFunctions[option.function] : option;
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** A call that is ready to be made, with everything in it built anew. */
export class Call {
  /** Arguments in call order. */
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
  /** `wrt`, `gradOutput` and `out`, as far as they are there. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly #loss: string;
  readonly #parameters: Readonly<Record<string, unknown>>;

  /**
   * @param call The call.
   * @param buffers Makes the buffer of a gradient.
   */
  constructor(call: LossCase, buffers: (name: string) => unknown) {
    this.#loss = call.loss;
    this.args = Object.values(call.args).map(build);
    this.options = mapValues(call.options, buildOption);
    this.#parameters = mapValues(call.parameters, build);
    const { wrt, gradOutput, out } = call;
    this.request = {
      ...wrt && { wrt: [...wrt] },
      ...gradOutput !== undefined && {
        gradOutput: typeof gradOutput === "number" ? gradOutput : build(gradOutput),
      },
      ...out.length > 0 && { out: Object.fromEntries(out.map((name) => [name, buffers(name)])) },
    };
  }

  /** Makes the loss. */
  make(options: unknown = this.options): Callable {
    const exported = (lossbook as unknown as Record<string, unknown>)[this.#loss];
    if (isHelper(this.#loss)) return exported as Callable;
    const loss = new (exported as new (options: unknown) => Callable)(options);
    if (Object.keys(this.#parameters).length > 0) loss.setParameters!(this.#parameters);
    return loss;
  }

  /** Only the value. */
  forward(): Tensor {
    const options = isHelper(this.#loss) ? [this.options] : [];
    const answer = this.make().forward(...this.args, ...options);
    return "loss" in answer ? answer.loss : answer;
  }

  /** Value and gradients, with this very object as the request (of a helper: options and request in one). */
  valueAndGradWith(request: unknown): Result {
    return this.make().valueAndGrad(...this.args, request);
  }

  /** Value and gradients. */
  valueAndGrad(
    args: readonly unknown[] = this.args,
    request: unknown = this.request,
    options: unknown = this.options,
  ): Result {
    if (!isHelper(this.#loss)) return this.make(options).valueAndGrad(...args, request);
    return this.make().valueAndGrad(...args, { ...options as object, ...request as object });
  }
}

/** The call as a line of TypeScript; `out` gets new buffers of the type of the call. */
export function reproduceCall(call: LossCase, buffer = "Float64Array"): string {
  const { loss, args, wrt, gradOutput, out, parameters } = call;
  const sizeOf = (name: string) => (args[name] ?? parameters[name])?.data.length ?? 0;
  const pairs = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([name, text]) =>
      `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${text}`
    ).join(", ");
  const options = pairs(mapValues(call.options, showOption));
  const request = pairs({
    ...wrt && { wrt: JSON.stringify(wrt) },
    ...gradOutput !== undefined && {
      gradOutput: typeof gradOutput === "number" ? showNumber(gradOutput) : code(gradOutput),
    },
    ...out.length > 0 && {
      out: `{ ${
        pairs(Object.fromEntries(out.map((name) => [name, `new ${buffer}(${sizeOf(name)})`])))
      } }`,
    },
  });
  const list = Object.values(args).map(code).join(", ");
  const functions = Object.values(call.options).filter(isFunction).map((option) => option.function);
  const text = isHelper(loss)
    ? `${loss}.valueAndGrad(${list}, { ${[options, request].filter(Boolean).join(", ")} })`
    : Object.keys(parameters).length > 0
    ? `const loss = new ${loss}({ ${options} }); loss.setParameters({ ${
      pairs(mapValues(parameters, code))
    } }); console.log(loss.valueAndGrad(${list}, { ${request} }));`
    : `new ${loss}({ ${options} }).valueAndGrad(${list}, { ${request} })`;
  const body = text.startsWith("const") ? text : `console.log(${text});`;
  const names = [loss, "float32", "float64", "int32"].filter((name) =>
    new RegExp(`\\b${name}\\(|new ${name}\\b|\\b${name}\\.`).test(body)
  );
  const imports = [
    `import { ${names.join(", ")} } from "@lossbook/losses";`,
    ...functions.map((name) =>
      `import { ${name} } from "./tests/fuzz/losses/distance_functions.ts";`
    ),
  ];
  return `${imports.join(" ")} ${body}`;
}

function showOption(option: Option): string {
  if (isGiven(option)) return code(option);
  if (isFunction(option)) return option.function;
  return typeof option === "number" ? showNumber(option) : JSON.stringify(option);
}
