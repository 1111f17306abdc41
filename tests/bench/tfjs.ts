/** TensorFlow.js on its two backends without a GPU: plain JavaScript and WebAssembly. */
import { type Contender, timed } from "./contender.ts";
import { type Input, sizeOf } from "./inputs.ts";
import { type Ops, PEER_LOSSES, peerInputs } from "./peer_losses.ts";

interface Tensor {
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

type Value = Tensor | number;

/** The parts of tfjs that are used here. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: ArrayLike<number>, shape: readonly number[]): Tensor;
  valueAndGrads(f: (...x: Tensor[]) => Tensor): (x: Tensor[]) => { value: Tensor; grads: Tensor[] };
  enableProdMode(): void;
  add(a: Value, b: Value): Tensor;
  sub(a: Value, b: Value): Tensor;
  mul(a: Value, b: Value): Tensor;
  div(a: Value, b: Value): Tensor;
  maximum(a: Value, b: Value): Tensor;
  minimum(a: Value, b: Value): Tensor;
  abs(a: Tensor): Tensor;
  exp(a: Tensor): Tensor;
  log(a: Tensor): Tensor;
  log1p(a: Tensor): Tensor;
  sqrt(a: Tensor): Tensor;
  equal(a: Tensor, b: Value): Tensor;
  where(condition: Tensor, a: Value, b: Value): Tensor;
  sum(a: Tensor, axis: number, keep?: boolean): Tensor;
  logSumExp(a: Tensor, axis: number): Tensor;
  mean(a: Tensor): Tensor;
  losses: Record<string, (target: Tensor, input: Tensor) => Tensor>;
}

/** The losses that tfjs has itself. Its softmaxCrossEntropy needs the classes on the last axis. */
const OWN: Readonly<Record<string, string>> = {
  L1Loss: "absoluteDifference",
  MSELoss: "meanSquaredError",
  HuberLoss: "huberLoss",
  BCELoss: "logLoss",
  BCEWithLogitsLoss: "sigmoidCrossEntropy",
  CrossEntropyLoss: "softmaxCrossEntropy",
};

/** The largest row of the JavaScript backend, which takes up to a second for 2^20 elements. */
const MOST_ON_CPU = 2 ** 21;

/** Finds tfjs; throws if it is not installed. */
export async function tfjs(require: NodeRequire): Promise<Contender[]> {
  const tf: TensorFlow = require("@tensorflow/tfjs");
  require("@tensorflow/tfjs-backend-wasm");
  tf.enableProdMode();
  const contenders: Contender[] = [];
  for (const backend of ["cpu", "wasm"]) {
    if (!await tf.setBackend(backend)) continue;
    await tf.ready();
    contenders.push(contender(tf, backend));
  }
  return contenders;
}

function contender(tf: TensorFlow, backend: string): Contender {
  const ops: Ops<Tensor> = { ...tf, max: tf.maximum, min: tf.minimum };
  return {
    name: `tfjs ${backend}`,
    async prepare(row, inputs) {
      const { loss, wrt } = row.subject;
      const composed = PEER_LOSSES[loss];
      if (composed === undefined || row.dtype !== "float32") return undefined;
      if (backend === "cpu" && sizeOf(row.shape) > MOST_ON_CPU) return undefined;
      await tf.setBackend(backend);
      const own = row.shape.length <= 2 ? OWN[loss] : undefined;
      const tensors = peerInputs(row, inputs).map(({ data, shape }: Input) =>
        tf.tensor(data, shape)
      );
      // Arguments with a gradient are arguments of the function; the others are constants in it.
      const isVariable = Object.keys(inputs).map((name) => wrt.includes(name));
      const compute = tf.valueAndGrads((...variables) => {
        const rest = variables.values();
        const args = tensors.map((tensor, i) =>
          isVariable[i] ? rest.next().value ?? tensor : tensor
        );
        return own ? tf.losses[own](args[1], args[0]) : composed(ops, args);
      });
      const variables = tensors.filter((_, i) => isVariable[i]);
      const run = () => {
        const { value, grads } = compute(variables);
        // Reading the value waits for the computation; gradients stay in the memory of the library.
        const answer = value.dataSync()[0];
        value.dispose();
        return { value: answer, grads };
      };
      const free = (grads: Tensor[]) => grads.forEach((grad) => grad.dispose());
      return {
        async time(calls) {
          await tf.setBackend(backend);
          return timed(() => free(run().grads), calls);
        },
        async answer() {
          await tf.setBackend(backend);
          const { value, grads } = run();
          const answer = { value, grads: grads.map((grad) => Float32Array.from(grad.dataSync())) };
          free(grads);
          return answer;
        },
        dispose: () => free(tensors),
      };
    },
  };
}
