/** What losses that own trainable parameters have in common. */
import type { Tensor } from "@lossbook/losses";
import type { LossLike } from "./_loss.ts";

type Parameters = Readonly<Record<string, Tensor>>;

/** A loss that owns parameters. */
export interface Layer {
  setParameters(parameters: Parameters): void;
}

/** The same loss, with these parameters. */
export function withParameters<L extends Layer>(loss: L, parameters: Parameters): L {
  loss.setParameters(parameters);
  return loss;
}

/**
 * A loss as a function of input, target and its parameters, so that finite differences can be taken with respect to parameters as
 * to any argument.
 *
 * @param layer The loss, whose parameters are set at every call.
 * @param loss The same loss with its value alone as the result.
 * @param names The names of the parameters, in the order of the arguments behind input and target.
 */
export function withParametersAsArguments(
  layer: Layer,
  loss: LossLike,
  names: readonly string[],
): LossLike {
  const setAndReturnRest = (all: never[]): never[] => {
    const [input, target, ...rest] = all;
    layer.setParameters(Object.fromEntries(names.map((name, i) => [name, rest[i]])));
    return [input, target, ...rest.slice(names.length)];
  };
  return {
    forward: (...all: never[]) => loss.forward(...setAndReturnRest(all)),
    valueAndGrad: (...all: never[]) => loss.valueAndGrad(...setAndReturnRest(all)),
  };
}
