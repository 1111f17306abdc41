/** What the four regression losses have in common, asked of each in the same words. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, type Tensor, type TensorLike } from "@lossbook/losses";
import { assertClose } from "./_close.ts";
import { type LossLike, numericGradient, Random } from "./_numeric.ts";
import { floatsBetween } from "./_ulp.ts";

type Reduction = "none" | "mean" | "sum";
/** Makes a loss, with its own options as its test has them. */
export type Build = (options?: { reduction?: Reduction; weight?: TensorLike }) => LossLike;

/** The value alone. */
function forward(loss: LossLike, input: TensorLike, target: TensorLike): Tensor {
  return loss.forward(...[input, target] as never[]);
}

/** Value and gradients, whichever the request names. */
function valueAndGrad(
  loss: LossLike,
  input: TensorLike,
  target: TensorLike,
  request: { wrt?: string[]; gradOutput?: TensorLike } = {},
): { value: Tensor; grad: Record<string, Tensor> } {
  const { value, grad } = loss.valueAndGrad(...[input, target, request] as never[]);
  return { value, grad: grad as Record<string, Tensor> };
}

/** Residuals between 0.1 and 3 times `kink`, of either sign: none near 0, none near ± kink. */
function residual(random: Random, kink: number): number {
  const size = random.uniform() < 0.5 ? random.uniform(0.1, 0.9) : random.uniform(1.1, 3);
  return random.sign() * size * kink;
}

/** Input and target whose residuals stay away from 0 and from ± kink. */
export function pairAwayFrom(
  kink: number,
  shape: number[],
  seed: number,
): { input: Tensor; target: Tensor } {
  const random = new Random(seed);
  const target = random.tensor(shape);
  let at = 0;
  return {
    input: random.tensor(shape, () => target.data[at++] + residual(random, kink)),
    target,
  };
}

/** Same numbers up to rounding, for two formulas of one thing. */
export function near(a: number, b: number, rtol = 1e-14): boolean {
  return a === b || Math.abs(a - b) <= rtol * Math.abs(b);
}

/** Holds value and gradient of one loss against `factor` times those of another. */
export function assertMultiple(
  a: LossLike,
  b: LossLike,
  factor: number,
  rtol = 1e-14,
): void {
  const random = new Random(7);
  const [input, target] = [random.tensor([40]), random.tensor([40])];
  const times = ({ shape, data }: Tensor) => ({ shape, data: data.map((x) => factor * x) });
  const [one, other] = [a, b].map((loss) => valueAndGrad(loss, input, target));
  assertClose(one.value, times(other.value), { rtol, atol: 0, context: "value" });
  assertClose(one.grad.input, times(other.grad.input), { rtol, atol: 0, context: "grad" });
}

/** The one prediction for all targets at which the gradient of the loss changes its sign, by bisection. */
export function minimiser(sum: LossLike, targets: number[]): number {
  let [low, high] = [Math.min(...targets), Math.max(...targets)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (valueAndGrad(sum, middle, targets).grad.input.item() > 0) high = middle;
    else low = middle;
  }
  return low;
}

/** Residuals whose squares, halves and thirds are not exact in float32. */
const RESIDUALS = [0.1, 1 / 3, 1e-3, 0.9999999, 7.7, 123.456, -0.7, 3e-20];

/**
 * Equal residuals have an exact mean: the value of one of them. Adding 2^20 float32 numbers up in float32 loses 0.5 % of it
 * (as tfjs and jax-js do); ours may lose the last digit.
 *
 * @param valueOf The loss of one residual, given as the absolute value of a float32.
 */
export function assertMeansExact(mean: LossLike, valueOf: (e: number) => number): void {
  // A power of two; one less, so that the last vector is not full; one tile and a single element more.
  for (const size of [2 ** 20, 2 ** 20 - 1, 8193]) {
    const input = new Float32Array(size);
    const target = float32(new Float32Array(size));
    for (const residual of RESIDUALS) {
      input.fill(residual);
      const found = forward(mean, input, target).item();
      const wanted = Math.fround(valueOf(Math.abs(input[0])));
      const distance = floatsBetween(found, wanted, "float32");
      assert(distance <= 1, `mean of ${size} × ${residual}: ${found}, not ${wanted}`);
    }
  }
}

/**
 * Reductions and weights over an odd shape.
 *
 * @param weightedMean What a weighted mean is divided by; left out by a loss that has no weight.
 */
export function testReductions(
  loss: string,
  build: Build,
  weightedMean?: "elements" | "weights",
): void {
  const random = new Random(6);
  const shape = [3, 5];
  const [input, target] = [random.tensor(shape), random.tensor(shape)];
  const each = [...forward(build({ reduction: "none" }), input, target).data];
  const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((a, b) => a + b, 0);
  const item = (options: Parameters<Build>[0]) => forward(build(options), input, target).item();

  describe(`${loss} reduced over (3, 5)`, () => {
    it("sums and averages what none keeps, the mean by default", () => {
      assert(near(item({ reduction: "sum" }), sum(each)));
      assert(near(item({ reduction: "mean" }), sum(each) / 15));
      assertEquals(item({}), item({ reduction: "mean" }));
    });

    it("scales gradients by the upstream gradient, a number or one for each value", () => {
      const { grad } = valueAndGrad(build({ reduction: "none" }), input, target);
      const upstream = random.tensor(shape);
      const scaled = valueAndGrad(build({ reduction: "none" }), input, target, {
        gradOutput: upstream,
      });
      scaled.grad.input.data.forEach((g, i) =>
        assert(near(g, grad.input.data[i] * upstream.data[i]))
      );
      for (const gradOutput of [-4, float64(-4)]) {
        const { grad: sums } = valueAndGrad(build({ reduction: "sum" }), input, target, {
          gradOutput,
        });
        assertEquals([...sums.input.data], [...grad.input.data].map((g) => -4 * g));
      }
    });

    it("is of nothing: NaN for the mean, 0 for the sum", () => {
      for (const shape of [[0], [2, 0, 3]]) {
        const nothing = float32(new Float32Array(0), shape);
        const by = (reduction: Reduction) => valueAndGrad(build({ reduction }), nothing, nothing);
        assertEquals(by("mean").value.item(), NaN);
        assertEquals(by("sum").value.item(), 0);
        assertEquals(by("none").value.shape, shape);
        assertEquals(by("mean").grad.input.shape, shape);
      }
    });
  });

  if (weightedMean === undefined) return;
  const weight = random.tensor(shape, () => random.uniform(0.1, 3));

  describe(`${loss} with a weight for each element`, () => {
    it(
      `multiplies by it, and divides a mean by ${
        weightedMean === "weights" ? "the sum of the weights" : "the number of elements"
      }`,
      () => {
        const weighted = each.map((v, i) => v * weight.data[i]);
        const kept = forward(build({ weight, reduction: "none" }), input, target);
        assertEquals([...kept.data], weighted);
        assert(near(item({ weight, reduction: "sum" }), sum(weighted)));
        const denominator = weightedMean === "weights" ? sum(weight.data) : 15;
        assert(near(item({ weight, reduction: "mean" }), sum(weighted) / denominator));
      },
    );

    for (const reduction of ["none", "mean", "sum"] as const) {
      it(`has the gradient of finite differences by the weight, for ${reduction}`, () => {
        const gradOutput = random.tensor(reduction === "none" ? shape : []);
        const { grad } = valueAndGrad(build({ reduction, weight }), input, target, {
          wrt: ["weight"],
          gradOutput,
        });
        const data = numericGradient((w) => {
          const at = build({ reduction, weight: float64(w.slice(), shape) });
          const value = forward(at, input, target).data;
          return sum(Array.from(value, (v, i) => v * gradOutput.data[i]));
        }, weight.data);
        const context = "grad.weight";
        assertClose(grad.weight, { shape, data }, { rtol: 1e-9, atol: 1e-9, context });
      });
    }

    it("takes any kind of numbers for it, in any type", () => {
      const wanted = item({ weight });
      assertEquals(item({ weight: weight.toArray() as number[][] }), wanted);
      assertEquals(item({ weight: { data: weight.data, dims: shape } }), wanted);
      const ones = { data: new BigInt64Array(15).fill(1n), shape };
      assertEquals(item({ weight: ones }), item({}));
      const wide = forward(build({ weight: float64([2]) }), float32([1]), float32([3]));
      assertEquals(wide.dtype, "float32");
    });

    it("masks with zeros: what is masked has no part in the value and no gradient", () => {
      const mask = weight.data.map((w) => w < 1 ? 0 : 1) as Float64Array;
      const shown = each.filter((_, i) => mask[i] === 1);
      const { value, grad } = valueAndGrad(build({ weight: float64(mask, shape) }), input, target);
      assert(near(value.item(), sum(shown) / (weightedMean === "weights" ? shown.length : 15)));
      grad.input.data.forEach((g, i) => assertEquals(g === 0, mask[i] === 0));
    });

    it("refuses one of another shape than the loss, and one that is no tensor", () => {
      assertThrows(
        () => forward(build({ weight: [1, 2, 3] }), [1, 2], [1, 2]),
        RangeError,
        `Cannot compute ${loss} as weight must have the shape of the loss, (2,): ` +
          "current shape is (3,)",
      );
      const scalar = build({ weight: 2 });
      assertThrows(() => forward(scalar, [1, 2], [1, 2]), RangeError, "current shape is ()");
      assertThrows(() => build({ weight: "1" as never }), TypeError, "Cannot read weight as it");
      assertThrows(() => build({ weight: [[1], [1, 2]] }), TypeError, "weight[1] must be an array");
    });

    it("refuses to differentiate by one that was not given", () => {
      assertThrows(
        () => valueAndGrad(build(), [1], [2], { wrt: ["weight"] }),
        TypeError,
        `Cannot differentiate ${loss} with respect to "weight": wanted is one of input, target`,
      );
    });
  });
}

/** Which shapes and types go together, and what comes of them. */
export function testShapes(loss: string, build: Build): void {
  const random = new Random(9);
  const shape = [3, 4];
  const input = random.tensor(shape);

  describe(`${loss} of shapes and types that differ`, () => {
    const smaller: [name: string, target: Tensor, index: (i: number) => number][] = [
      ["a row", random.tensor([1, 4]), (i) => i % 4],
      ["a column", random.tensor([3, 1]), (i) => Math.floor(i / 4)],
      ["a scalar", random.tensor([]), () => 0],
      ["one element", random.tensor([1, 1]), () => 0],
    ];
    for (const [name, target, index] of smaller) {
      it(`repeats ${name}, and adds its gradients up`, () => {
        const full = float64(Float64Array.from(input.data, (_, i) => target.data[index(i)]), shape);
        const wrt = ["input", "target"];
        const { value, grad } = valueAndGrad(build(), input, target, { wrt });
        const same = valueAndGrad(build(), input, full, { wrt });
        assertEquals(value, same.value);
        assertEquals(grad.input, same.grad.input);
        const data = new Float64Array(target.data.length);
        same.grad.target.data.forEach((g, i) => data[index(i)] += g);
        const close = { rtol: 1e-14, atol: 1e-15, context: "grad.target" };
        assertClose(grad.target, { shape: target.shape, data }, close);
        // And the other way round.
        const turned = valueAndGrad(build(), target, input, { wrt });
        assertEquals(turned.value, same.value);
        assertClose(turned.grad.input, { shape: target.shape, data }, close);
      });
    }

    it("refuses (N, 1) against (N), which PyTorch would compare each with each", () => {
      assertThrows(
        () => forward(build(), [[1], [2], [3]], [1, 2, 3]),
        RangeError,
        `Cannot compute ${loss} as the shapes of input and target do not go together: ` +
          "current shapes are (3, 1) and (3,); give both the same shape, such as (3, 1)",
      );
    });

    it("refuses other shapes that do not go together", () => {
      const refused: [input: TensorLike, target: TensorLike, message: string][] = [
        [[[1, 2, 3]], [[1, 2]], "(1, 3) and (1, 2); axes must be equal or 1"],
        [[1, 2, 3], [1, 2], "(3,) and (2,); axes must be equal or 1"],
        [[[1, 2], [3, 4]], [1, 2], "(2, 2) and (2,); give both the same number of axes"],
        [[], [1, 2], "(0,) and (2,); axes must be equal or 1"],
      ];
      for (const [input, target, message] of refused) {
        assertThrows(
          () => forward(build(), input, target),
          RangeError,
          `current shapes are ${message}`,
        );
      }
    });

    it("computes in float32 if no tensor is wider, in float64 otherwise", () => {
      const dtype = (input: TensorLike, target: TensorLike) => {
        const { value, grad } = valueAndGrad(build(), input, target);
        assertEquals(grad.input.dtype, value.dtype);
        return value.dtype;
      };
      assertEquals(dtype(float32([1]), [2]), "float32");
      assertEquals(dtype([1], new Float32Array(1)), "float32");
      assertEquals(dtype(float32([1]), int32([2])), "float32");
      assertEquals(dtype(float32([1]), float64([2])), "float64");
      assertEquals(dtype([1], 2), "float64");
      assertEquals(dtype([1], int32([2])), "float64");
    });
  });
}
