/** CTC in plain TypeScript, with the textbook's logarithms of forward and backward probabilities. */
import type { FloatArray } from "./inputs.ts";
import type { Loop } from "./loops.ts";

function logAdd(a: number, b: number): number {
  const max = Math.max(a, b);
  return max === -Infinity ? max : max + Math.log1p(Math.exp(Math.min(a, b) - max));
}

/** The log-softmax of each row; the softmax is written into `p`. */
function logSoftmax(x: ArrayLike<number>, p: FloatArray, classes: number): Float64Array {
  const logs = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += classes) {
    let max = -Infinity;
    for (let i = first; i < first + classes; i++) max = Math.max(max, x[i]);
    let total = 0;
    for (let i = first; i < first + classes; i++) total += p[i] = Math.exp(x[i] - max);
    const logTotal = max + Math.log(total);
    for (let i = first; i < first + classes; i++) {
      logs[i] = x[i] - logTotal;
      p[i] /= total;
    }
  }
  return logs;
}

/** The loss for scores (T, N, C) and targets (N, S), all of full length, with blank 0. */
export const ctc: Loop = ([x, targets], [g], [time, batch, classes]) => {
  const length = targets.length / batch;
  const states = 2 * length + 1;
  const logs = logSoftmax(x, g, classes);
  const alpha = new Float64Array(time * states);
  const occupied = new Float64Array(classes);
  const labels = new Int32Array(states);
  let sum = 0;

  for (let sample = 0; sample < batch; sample++) {
    for (let k = 0; k < length; k++) labels[2 * k + 1] = targets[sample * length + k];
    const skips = (s: number) => labels[s] !== 0 && s >= 2 && labels[s] !== labels[s - 2];
    const row = (t: number) => (t * batch + sample) * classes;

    alpha.fill(-Infinity);
    alpha[0] = logs[row(0)];
    alpha[1] = logs[row(0) + labels[1]];
    for (let t = 1; t < time; t++) {
      const [before, now] = [(t - 1) * states, t * states];
      for (let s = 0; s < states; s++) {
        let reach = alpha[before + s];
        if (s > 0) reach = logAdd(reach, alpha[before + s - 1]);
        if (skips(s)) reach = logAdd(reach, alpha[before + s - 2]);
        alpha[now + s] = reach + logs[row(t) + labels[s]];
      }
    }
    const last = (time - 1) * states;
    const total = logAdd(alpha[last + states - 1], alpha[last + states - 2]);
    sum -= total / length;

    // Log-probability of the remaining labels from each state, without the emission at t.
    let beta = new Float64Array(states).fill(-Infinity);
    beta[states - 1] = beta[states - 2] = 0;
    for (let t = time - 1; t >= 0; t--) {
      occupied.fill(0);
      for (let s = 0; s < states; s++) {
        occupied[labels[s]] += Math.exp(alpha[t * states + s] + beta[s] - total);
      }
      for (let c = 0; c < classes; c++) {
        g[row(t) + c] = (g[row(t) + c] - occupied[c]) / (batch * length);
      }
      const emitted = beta.map((b, s) => b + logs[row(t) + labels[s]]);
      beta = new Float64Array(states);
      for (let s = 0; s < states; s++) {
        let leave = emitted[s];
        if (s + 1 < states) leave = logAdd(leave, emitted[s + 1]);
        if (s + 2 < states && skips(s + 2)) leave = logAdd(leave, emitted[s + 2]);
        beta[s] = leave;
      }
    }
  }
  return sum / batch;
};
