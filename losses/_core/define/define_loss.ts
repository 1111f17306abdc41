/**
 * Losses of one's own: a definition in formulas becomes a class like the built-in ones.
 *
 * This folder turns formulas into classes. It knows no particular loss.
 */

import { Loss } from "../call/loss.ts";
import {
  optionOf,
  ownOption,
  type Reduction,
  reductionOption,
  tensorOption,
} from "../call/options.ts";
import type { Request, ValueAndGrad } from "../call/request.ts";
import type { ElementwiseDefinition, LossFormula } from "../elementwise/definition.ts";
import { ElementwiseLoss } from "../elementwise/loss.ts";
import { ALL_FUNCTIONS } from "../kernel/math.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import { checkDefinition } from "./check_definition.ts";
import type { AnyLossClass, CheckedDefinition, RowArgument } from "./definition.ts";
import { RowDriver, type RowOptions } from "./row_driver.ts";
import { checkSymbols, derivativesOf, readRowFormula } from "./row_formula.ts";
import { withoutVanishing } from "./vanishing.ts";
import { verifyGradients } from "./verify_gradients.ts";

/** A number among the options of a loss of one's own: its default, or with it what is allowed. */
export type DefinedOption =
  | number
  | {
    readonly default: number;
    /** Whether a number is allowed; NaN never is. All numbers are by default. */
    readonly valid?: (value: number) => boolean;
    /** What is allowed, in words that follow "must be", such as "> 0". */
    readonly wanted?: string;
  };

/** The arguments of a loss of one's own: the symbol in the formulas by the name of the argument, in the order of the call. */
export type DefinedArguments = Readonly<Record<string, string>>;

/** What makes a loss of one's own. */
export interface LossDefinition<
  A extends DefinedArguments,
  O extends Readonly<Record<string, DefinedOption>>,
  D extends keyof A & string,
> {
  /** The name of the class, for printing and error messages. */
  readonly name: string;
  /** The symbol of each argument by its name, in the order of the call, such as `{ input: "x", target: "y" }`. */
  readonly arguments: A;
  /** Numbers that occur in the formulas under their names. @default {{}} */
  readonly options?: O & Readonly<Record<string, DefinedOption>>;
  /**
   * Numbers per row, in order: reductions along the last axis, `sum(…)`, `mean(…)`, `max(…)` or `min(…)`, of an expression
   * in arguments, options and the rows above; or an expression in these rows and options.
   */
  readonly rows?: Readonly<Record<string, string>>;
  /** The value of one element; with rows, of one row, in rows, options and arguments with one number per row. */
  readonly value: string;
  /** Derivatives with respect to an element of an argument that are to be used in place of the derived ones. */
  readonly grad?: { readonly [name in keyof A]?: string };
  /** The arguments to differentiate with respect to unless a call says otherwise. By default the first one. */
  readonly wrt?: readonly D[];
}

/** The options of a loss of one's own. */
export type DefinedLossOptions<O> =
  & (string extends keyof O
    ? { readonly [name: string]: number | Reduction | TensorLike | undefined }
    : { readonly [name in keyof O]?: number | undefined })
  & {
    /** Keep the value of each element or row, average over all of them, or add them up. @default {"mean"} */
    readonly reduction?: Reduction | undefined;
    /** A factor for each element or row, of the shape of the loss. The mean is still divided by their number. */
    readonly weight?: TensorLike | undefined;
  };

/** One of several types that are joined by `|`. */
export type OneOf<U> = (U extends unknown ? (use: () => U) => void : never) extends
  (use: infer F) => void ? F extends () => infer L ? L : never
  : never;

/** As many tensors as there are names. */
export type TensorsOf<Names, T extends readonly TensorLike[] = []> = string extends Names
  ? readonly TensorLike[]
  : [Names] extends [never] ? T
  : TensorsOf<Exclude<Names, OneOf<Names>>, [...T, TensorLike]>;

/** The formulas of a loss of one's own. */
export interface DefinedFormula extends LossFormula {
  /** The numbers per row, if there are any. */
  readonly rows?: Readonly<Record<string, string>> | undefined;
}

/** An object of a loss of one's own. */
export interface DefinedLoss<Names extends string, D extends Names> {
  /** The formulas of the loss. */
  readonly formula: DefinedFormula;
  /** The names of the arguments, in the order of a call. */
  readonly argumentNames: readonly string[];
  /**
   * The loss.
   *
   * @param args The arguments, in the order of the definition.
   * @returns A scalar, or with reduction `"none"` one value per element or row.
   */
  forward(...args: TensorsOf<Names>): Tensor;
  /**
   * The loss and its gradients.
   *
   * @param args The arguments, and at last the request.
   * @returns The value, and a gradient of its argument's shape for each name in the request's `wrt`.
   */
  valueAndGrad<W extends Names | "weight" = D>(
    ...args: [...args: TensorsOf<Names>, request?: Request<W>]
  ): ValueAndGrad<W>;
}

/** The class of a loss of one's own. */
export interface DefinedLossClass<Names extends string, O, D extends Names> {
  /**
   * Makes a loss with these options.
   *
   * @param options The options of the definition, and `reduction` and `weight`.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If an option's value is not allowed.
   */
  new (options?: DefinedLossOptions<O>): DefinedLoss<Names, D>;
  /** The name of the definition. */
  readonly name: string;
  /** The formulas of the loss. */
  readonly formula: DefinedFormula;
}

/** The argument that is differentiated by default, as far as types can tell: `input`, or any if there is none of that name. */
export type FirstArgument<A> = "input" extends keyof A ? "input" : keyof A & string;

/**
 * Makes a loss of formulas: a class like the built-in ones, with the same methods, options, checks and kernels.
 *
 * The gradient is derived from the value; whatever `grad` gives in its place is compared with that first.
 *
 * @param definition What makes the loss.
 * @returns The class.
 * @throws {SyntaxError} If a text is no formula.
 * @throws {TypeError} If something is of the wrong kind or missing.
 * @throws {RangeError} If a formula uses a symbol that is no argument, option or row, a name is used twice, or a gradient is
 * not the derivative of the value.
 *
 * ```ts
 * import { defineLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const FocalLoss = defineLoss({
 *   name: "FocalLoss",
 *   arguments: { input: "x", target: "y" },
 *   options: { gamma: 2 },
 *   value: "y * pow(1 - sigmoid(x), gamma) * softplus(-x) + (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
 * });
 * const { value, grad } = new FocalLoss({ gamma: 1 }).valueAndGrad([0, 2], [1, 0]);
 * const p = 1 / (1 + Math.exp(-2));
 * assertAlmostEquals(value.item(), (0.5 * Math.log(2) - p * Math.log(1 - p)) / 2);
 * assertAlmostEquals(grad.input.data[0], -0.5 * (0.5 * Math.log(2) + 0.5) / 2);
 *
 * const DiceLoss = defineLoss({
 *   name: "DiceLoss",
 *   arguments: { input: "x", target: "y" },
 *   options: { smooth: 1 },
 *   rows: { both: "sum(x * y)", all: "sum(x + y)" },
 *   value: "1 - (2 * both + smooth) / (all + smooth)",
 * });
 * assertAlmostEquals(new DiceLoss().forward([[1, 0.5, 0]], [[1, 0, 0]]).item(), 1 - 3 / 3.5);
 * ```
 */
export function defineLoss<
  const A extends DefinedArguments,
  const O extends Readonly<Record<string, DefinedOption>> = Readonly<Record<never, never>>,
  const D extends keyof A & string = FirstArgument<A>,
>(definition: LossDefinition<A, O, D>): DefinedLossClass<keyof A & string, O, D> {
  const checked = checkDefinition(definition);
  const Class = classOf(checked);
  if (checked.grad.size > 0) {
    verifyGradients(checked, Class, classOf({ ...checked, grad: new Map() }));
  }
  return Class as unknown as DefinedLossClass<keyof A & string, O, D>;
}

function classOf(definition: CheckedDefinition): AnyLossClass {
  return definition.rows === undefined ? elementwiseClass(definition) : rowClass(definition);
}

/** The class of a loss that acts element by element. */
function elementwiseClass(checked: CheckedDefinition): AnyLossClass {
  const { name, arguments: args, options, value, grad, wrt } = checked;
  const symbols = args.map(({ symbol }) => symbol);
  const known = [...symbols, ...Object.keys(options)];
  checkSymbols(checked, "value", value, known);
  for (const [argument, text] of grad) checkSymbols(checked, `grad.${argument}`, text, known);
  const derived = derivativesOf(value, symbols);
  const formula: LossFormula = {
    value,
    grad: Object.fromEntries(args.map(({ name: argument, symbol }) => [
      argument,
      grad.get(argument) ?? derived.get(symbol) ?? "0",
    ])),
  };
  const definition: ElementwiseDefinition = {
    loss: name,
    arguments: withIntegers(args, wrt),
    options,
    formula,
    functions: ALL_FUNCTIONS,
    wrt,
    ...takesWeight(args) && { weight: "divides by the count" },
  };
  return named(
    name,
    class extends ElementwiseLoss<TensorLike[], string, string> {
      static readonly formula: DefinedFormula = formula;
      constructor(options: object = {}) {
        super(definition, options);
      }
    },
  );
}

/** The class of a loss with one value per row. */
function rowClass(definition: CheckedDefinition): AnyLossClass {
  const { name, arguments: args, options, rows = {}, value, grad, wrt } = definition;
  const optionNames = Object.keys(options);
  const driver = new RowDriver(
    name,
    withIntegers(args, wrt),
    optionNames,
    withoutVanishing(readRowFormula(definition), definition),
    wrt,
  );
  const formula: DefinedFormula = { rows, value, grad: Object.fromEntries(grad) };
  const isWeighted = takesWeight(args);
  return named(
    name,
    class extends Loss<TensorLike[], string, string> {
      static readonly formula: DefinedFormula = formula;
      readonly formula: DefinedFormula = formula;
      readonly #options: RowOptions;
      constructor(given: object = {}) {
        super(name, args.map(({ name }) => name), given, {
          ...Object.fromEntries(
            Object.entries(options).map(([option, { default: value }]) => [option, value]),
          ),
          reduction: "mean",
          ...isWeighted && { weight: undefined },
        });
        const params: Record<string, number> = {};
        for (const option of optionNames) {
          const value = ownOption(given, option);
          params[option] = optionOf(name, option, options[option]!, value) as number;
        }
        this.#options = {
          reduction: reductionOption(name, ownOption(given, "reduction")),
          params,
          weight: isWeighted ? tensorOption(ownOption(given, "weight"), "weight") : undefined,
        };
      }
      protected override evaluate(
        args: TensorLike[],
        request: Request<string> | undefined,
      ): ValueAndGrad<string> {
        return driver.evaluate(this.#options, args, request);
      }
    },
  );
}

/** Whole numbers are taken for arguments that are not differentiated with respect to by default. */
function withIntegers(
  args: CheckedDefinition["arguments"],
  wrt: readonly string[],
): readonly RowArgument[] {
  return args.map((argument) => ({ ...argument, integers: !wrt.includes(argument.name) }));
}

/** An argument named weight takes the place of the option. */
function takesWeight(args: CheckedDefinition["arguments"]): boolean {
  return !args.some(({ name }) => name === "weight");
}

/** A class under the name of its definition. */
function named<C extends new (options?: object) => object>(name: string, Class: C): AnyLossClass {
  Object.defineProperty(Class, "name", { value: name });
  return Class as unknown as AnyLossClass;
}
