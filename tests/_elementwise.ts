/** What element-wise losses have in common, asked of each in the same words: reductions, repeated shapes, types. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, type Tensor, type TensorLike } from "@lossbook/losses";
import { assertClose, type Plain } from "./_close.ts";
import { type LossLike, Random } from "./_numeric.ts";
import { floatsBetween } from "./_ulp.ts";

/** Makes a loss, with its own options as its test has them. */
export type Build = (options?: {
  reduction?: "none" | "mean" | "sum";
  weight?: TensorLike;
}) => LossLike;

/** A loss and arguments that it takes. */
export interface Subject {
  /** PyTorch's name of the class. */
  readonly loss: string;
  readonly build: Build;
  /** Draws valid float64 arguments, in call order, of these shapes (the last one given goes for the rest). */
  readonly draw: (random: Random, ...shapes: number[][]) => Record<string, Tensor>;
  /** The arguments that can be differentiated by, the default first. */
  readonly wrt: readonly string[];
}

interface Answer {
  value: Tensor;
  grad: Record<string, Tensor>;
}

/** Calls a loss with arguments by name. */
export function call(
  loss: LossLike,
  args: Record<string, TensorLike>,
  request: { wrt?: readonly string[]; gradOutput?: TensorLike; out?: object } = {},
): Answer {
  const { value, grad } = loss.valueAndGrad(...[...Object.values(args), request] as never[]);
  return { value, grad: grad as Record<string, Tensor> };
}

/** Value and gradient of one element; the gradient is that of the first name in `wrt`, or of the default. */
export function element(
  loss: LossLike,
  args: readonly number[],
  { dtype = float64, wrt }: { dtype?: (x: number[]) => Tensor; wrt?: string } = {},
): [value: number, grad: number] {
  const named = Object.fromEntries(args.map((x, i) => [`${i}`, dtype([x])]));
  const { value, grad } = call(loss, named, wrt === undefined ? {} : { wrt: [wrt] });
  return [value.data[0], Object.values(grad)[0].data[0]];
}

/** Same numbers up to rounding, for two formulas of one thing. */
export function near(a: number, b: number, rtol = 1e-14): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= rtol * Math.abs(b);
}

const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((a, b) => a + b, 0);
const EXACT = { rtol: 1e-13, atol: 1e-14 };

function scaled({ shape, data }: Tensor, by: (i: number) => number): Plain {
  return { shape, data: Array.from(data, (x, i) => x * by(i)) };
}

/** None, mean and sum; upstream gradients; an empty batch; float32 means of many elements. */
export function testReductions({ loss, build, draw, wrt }: Subject): void {
  const random = new Random(6);
  const shape = [3, 5];
  const args = draw(random, shape);
  const none = call(build({ reduction: "none" }), args, { wrt });

  describe(`${loss} reduced over (3, 5)`, () => {
    it("sums and averages what none keeps, the mean by default", () => {
      const item = (options: Parameters<Build>[0]) => call(build(options), args).value.item();
      const total = sum(none.value.data);
      assert(near(item({ reduction: "sum" }), total, 1e-13));
      assert(near(item({ reduction: "mean" }), total / 15, 1e-13));
      assertEquals(item({}), item({ reduction: "mean" }));
    });

    it("scales every gradient by the upstream gradient, a number or one for each value", () => {
      const upstream = random.tensor(shape);
      const kept = call(build({ reduction: "none" }), args, { wrt, gradOutput: upstream });
      const mean = call(build(), args, { wrt, gradOutput: -4 });
      const same = call(build(), args, { wrt, gradOutput: float64(-4) });
      for (const name of wrt) {
        const context = `grad.${name}`;
        const each = none.grad[name];
        assertClose(kept.grad[name], scaled(each, (i) => upstream.data[i]), { ...EXACT, context });
        assertClose(mean.grad[name], scaled(each, () => -4 / 15), { ...EXACT, context });
        assertEquals(same.grad[name], mean.grad[name]);
      }
    });

    it("is of nothing: NaN for the mean, 0 for the sum", () => {
      for (const shape of [[0], [2, 0, 3]]) {
        const nothing = draw(random, shape);
        const by = (reduction: "none" | "mean" | "sum") => call(build({ reduction }), nothing);
        assertEquals(by("mean").value.item(), NaN);
        assertEquals(by("sum").value.item(), 0);
        assertEquals(by("none").value.shape, shape);
        assertEquals(by("mean").grad[wrt[0]].shape, shape);
      }
    });

    it("of 2^20 equal elements in float32 is one of them to the last digit but one", () => {
      for (const size of [2 ** 20, 2 ** 20 - 1, 8193]) {
        const one = Object.entries(draw(random, [1])).map(([name, { data }]) =>
          [name, Math.fround(data[0])] as const
        );
        const many = one.map(([name, x]) => [name, float32(new Float32Array(size).fill(x))]);
        const found = call(build(), Object.fromEntries(many)).value.item();
        const single = one.map(([name, x]) => [name, float32([x])]);
        const wanted = call(build(), Object.fromEntries(single)).value.item();
        const distance = floatsBetween(found, wanted, "float32");
        assert(distance <= 1, `mean of ${size} × ${JSON.stringify(one)}: ${found}, not ${wanted}`);
      }
    });
  });
}

/** A weight that is repeated along the loss, counts for the value and the gradients but not in the mean's denominator. */
export function testRepeatedWeight({ loss, build, draw, wrt }: Subject): void {
  const random = new Random(16);
  const shape = [3, 5];
  const args = draw(random, shape);
  const none = call(build({ reduction: "none" }), args, { wrt });

  describe(`${loss} with a weight`, () => {
    const weights: [name: string, shape: number[], index: (i: number) => number][] = [
      ["one for each element", [3, 5], (i) => i],
      ["one for each column", [5], (i) => i % 5],
      ["one for each row", [3, 1], (i) => Math.floor(i / 5)],
      ["one for all", [], () => 0],
    ];
    for (const [name, own, index] of weights) {
      it(`${name}: a factor of value and gradients, the mean still over the number of elements`, () => {
        const weight = random.tensor(own, () => random.uniform(0.1, 3));
        const by = (i: number) => weight.data[index(i)];
        const kept = call(build({ weight, reduction: "none" }), args, { wrt });
        const mean = call(build({ weight }), args, { wrt });
        const context = "value";
        assertClose(kept.value, scaled(none.value, by), { ...EXACT, context });
        assert(near(mean.value.item(), sum(scaled(none.value, by).data) / 15, 1e-13));
        for (const key of wrt) {
          const expected = scaled(none.grad[key], (i) => by(i) / 15);
          assertClose(mean.grad[key], expected, { ...EXACT, context: key });
        }
      });
    }

    it("refuses one that is larger than the loss or does not fit, and one that is no tensor", () => {
      for (const [weight, shown] of [[[[1], [2]], "(2, 1)"], [[1, 2, 3], "(3,)"]] as const) {
        assertThrows(
          () => call(build({ weight }), draw(random, [2])),
          RangeError,
          `Cannot compute ${loss} as weight must be repeatable along the shape of the loss, (2,): ` +
            `current shape is ${shown}`,
        );
      }
      assertThrows(() => build({ weight: "1" as never }), TypeError, "Cannot read weight as it");
    });

    it("refuses to differentiate by it", () => {
      assertThrows(
        () => call(build({ weight: 2 }), args, { wrt: ["weight"] }),
        TypeError,
        `Cannot differentiate ${loss} with respect to "weight": wanted is one of ${wrt.join(", ")}`,
      );
    });
  });
}

/** Arguments that are smaller than the others, `smaller` by name, are repeated and their gradients added up. */
export function testRepeats(
  { loss, build, draw, wrt }: Subject,
  { smaller, scalar = true }: { smaller: readonly string[]; scalar?: boolean },
): void {
  const random = new Random(9);
  const shape = [3, 4];
  const shapes: [name: string, shape: number[], index: (i: number) => number][] = [
    ["a row", [1, 4], (i) => i % 4],
    ["a column", [3, 1], (i) => Math.floor(i / 4)],
    ["one element", [1, 1], () => 0],
  ];
  if (scalar) shapes.push(["a scalar", [], () => 0]);

  describe(`${loss} of shapes that differ`, () => {
    for (const name of smaller) {
      for (const [what, own, index] of shapes) {
        it(`repeats ${what} of ${name}, and adds its gradient up`, () => {
          const args = draw(random, shape);
          const { [name]: little } = draw(random, own);
          const repeated = Float64Array.from({ length: 12 }, (_, i) => little.data[index(i)]);
          const found = call(build(), { ...args, [name]: little }, { wrt });
          const wanted = call(build(), { ...args, [name]: float64(repeated, shape) }, { wrt });
          assertEquals(found.value, wanted.value);
          for (const key of wrt) {
            const { data } = wanted.grad[key];
            const sums = new Float64Array(little.data.length);
            data.forEach((g, i) => sums[index(i)] += g);
            const expected = key === name ? { shape: own, data: sums } : { shape, data };
            assertClose(found.grad[key], expected, { ...EXACT, context: `grad.${key}`, scale: 1 });
          }
        });
      }
    }
  });
}

/** Types of results, and what becomes of whole numbers. */
export function testTypes(
  { loss, build, draw }: Subject,
  { integers }: { integers: readonly string[] },
): void {
  const args = draw(new Random(12), [4]);
  const names = Object.keys(args);
  const cast = (make: (x: number[]) => TensorLike, which = names) => ({
    ...args,
    ...Object.fromEntries(which.map((name) => [name, make(Array.from(args[name].data))])),
  });

  describe(`${loss} of types that differ`, () => {
    it("computes in float32 if no tensor is wider, in float64 otherwise", () => {
      const dtype = (args: Record<string, TensorLike>) => {
        const { value, grad } = call(build(), args);
        for (const { dtype } of Object.values(grad)) assertEquals(dtype, value.dtype);
        return value.dtype;
      };
      assertEquals(dtype(cast(float32)), "float32");
      assertEquals(dtype({ ...cast((x) => x), [names[0]]: float32(args[names[0]]) }), "float32");
      assertEquals(dtype(cast((x) => x)), "float64");
      assertEquals(dtype(args), "float64");
    });

    it(`takes whole numbers for ${integers.join(" and ") || "no argument"}`, () => {
      const whole = (x: number[]) => int32(x.map(Math.round));
      const plain = (x: number[]) => float64(x.map(Math.round));
      for (const name of names) {
        if (integers.includes(name)) {
          const { value, grad } = call(build(), cast(whole, [name]));
          assertEquals({ value, grad }, call(build(), cast(plain, [name])));
        } else {
          assertThrows(
            () => call(build(), cast(whole, [name])),
            TypeError,
            `Cannot compute ${loss} as ${name} must be float32 or float64: current dtype is int32`,
          );
        }
      }
    });
  });
}

/** Shapes that must be equal, axis by axis. */
export function testEqualShapes({ loss, build, draw }: Subject): void {
  const random = new Random(10);

  describe(`${loss} of shapes that differ`, () => {
    const refused: [shapes: [number[], number[]], message: string][] = [
      [[[3, 1], [3]], "do not go together: current shapes are (3, 1) and (3,)"],
      [[[3], [2]], "do not go together: current shapes are (3,) and (2,)"],
      [[[3, 4], [3, 1]], "must have the same shape: current shapes are (3, 4) and (3, 1)"],
      [[[3, 1], [3, 4]], "must have the same shape: current shapes are (3, 1) and (3, 4)"],
      [[[3], []], "must have the same shape: current shapes are (3,) and ()"],
    ];
    for (const [shapes, message] of refused) {
      it(`refuses ${JSON.stringify(shapes[0])} with ${JSON.stringify(shapes[1])}`, () => {
        const args = draw(random, ...shapes);
        const error = assertThrows(() => call(build(), args), RangeError, message);
        assert(error.message.startsWith(`Cannot compute ${loss} as`), error.message);
      });
    }
  });
}

/** Values outside of an argument's domain: refused with the place of the first, before anything is written. */
export function testDomain(
  { loss, build, draw, wrt }: Subject,
  name: string,
  { wanted, offenders }: { wanted: string; offenders: readonly number[] },
): void {
  describe(`${loss} refuses ${name} that is not ${wanted}`, () => {
    const message = (at: string, x: number) =>
      `Cannot compute ${loss} as ${name} must be ${wanted}: current value at ${at} is ${x}`;

    for (const x of offenders) {
      it(`${x}, wherever it stands, and leaves buffers as they were`, () => {
        for (const make of [float32, float64]) {
          const args: Record<string, Tensor> = {};
          const drawn = draw(new Random(3), [9, 1000]);
          for (const key in drawn) args[key] = make(drawn[key]);
          const shown = make([x]).data[0];
          args[name].data[8765] = args[name].data[8999] = x;
          const out = { [wrt[0]]: make(new Float64Array(9000).fill(7), [9, 1000]) };
          const run = () => call(build(), args, { wrt: [wrt[0]], out });
          assertThrows(run, RangeError, message("[8, 765]", shown));
          assert(out[wrt[0]].data.every((x) => x === 7));
          args[name].data[0] = x;
          assertThrows(run, RangeError, message("[0, 0]", shown));
        }
      });
    }
  });
}
