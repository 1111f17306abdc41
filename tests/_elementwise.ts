/** What element-wise losses have in common, asked of each in the same words: long means, shapes, dtypes and domains. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, type Tensor, type TensorLike } from "@lossbook/losses";
import { assertClose } from "./_close.ts";
import { call, forward, type Subject } from "./_loss.ts";
import { Random } from "./_random.ts";
import { floatsBetween } from "./_ulp.ts";

/**
 * Sizes of long means: a power of two; one less, so that the last vector is not full; one tile of a kernel and a single
 * element.
 */
export const LONG: readonly number[] = [2 ** 20, 2 ** 20 - 1, 8193];

/** Registers the test of long means: equal elements have an exact mean, the value of one of them. */
export function testLongMean({ loss, build, draw }: Subject): void {
  describe(`${loss} over 2^20 equal elements in float32`, () => {
    it("has the value of one of them as its mean, up to the last digit", () => {
      const random = new Random(7);
      for (const size of LONG) {
        const one = Object.entries(draw(random, [1])).map(([name, { data }]) =>
          [name, Math.fround(data[0])] as const
        );
        const repeated = (count: number) =>
          Object.fromEntries(
            one.map(([name, x]) => [name, float32(new Float32Array(count).fill(x))]),
          );
        const mean = forward(build(), repeated(size)).item();
        const wanted = forward(build(), repeated(1)).item();
        const distance = floatsBetween(mean, wanted, "float32");
        assert(distance <= 1, `mean of ${size} × ${JSON.stringify(one)}: ${mean}, not ${wanted}`);
      }
    });
  });
}

/**
 * Registers the tests of broadcasting: an argument that is smaller than the others is repeated, and the gradients of its
 * repetitions are added up.
 *
 * @param which The arguments that may be `smaller`, by name, and whether a scalar may stand for them.
 */
export function testBroadcasting(
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

  describe(`${loss} with arguments of different shapes`, () => {
    for (const name of smaller) {
      for (const [what, own, index] of shapes) {
        it(`repeats ${what} given as ${name}, and adds its gradients up`, () => {
          const args = draw(random, shape);
          const { [name]: small } = draw(random, own);
          const repeated = Float64Array.from({ length: 12 }, (_, i) => small.data[index(i)]);
          const found = call(build(), { ...args, [name]: small }, { wrt });
          const wanted = call(build(), { ...args, [name]: float64(repeated, shape) }, { wrt });
          assertEquals(found.value, wanted.value);
          for (const key of wrt) {
            if (key !== name) {
              assertEquals(found.grad[key], wanted.grad[key]);
              continue;
            }
            const sums = new Float64Array(small.data.length);
            wanted.grad[key].data.forEach((g, i) => sums[index(i)] += g);
            const tolerance = { rtol: 1e-14, atol: 1e-15, scale: 1, context: `grad.${key}` };
            assertClose(found.grad[key], { shape: own, data: sums }, tolerance);
          }
        });
      }
    }
  });
}

/** Registers the tests of shapes that cannot be broadcast, above all of (N, 1) with (N). */
export function testIncompatibleShapes({ loss, build, draw }: Subject): void {
  const random = new Random(11);
  const [first, second] = Object.keys(draw(random, [1]));
  const message = (shapes: string) =>
    `Cannot compute ${loss} as the shapes of ${first} and ${second} do not go together: ` +
    `current shapes are ${shapes}`;
  const refused: [shapes: [number[], number[]], shown: string][] = [
    // PyTorch would compare each element with each.
    [[[3, 1], [3]], "(3, 1) and (3,); give both the same shape, such as (3, 1)"],
    [[[1, 3], [1, 2]], "(1, 3) and (1, 2); axes must be equal or 1"],
    [[[3], [2]], "(3,) and (2,); axes must be equal or 1"],
    [[[0], [2]], "(0,) and (2,); axes must be equal or 1"],
    [[[2, 2], [2]], "(2, 2) and (2,); give both the same number of axes"],
  ];

  describe(`${loss} with shapes that do not go together`, () => {
    for (const [shapes, shown] of refused) {
      it(`refuses (${shapes[0].join(", ")}) with (${shapes[1].join(", ")})`, () => {
        const args = draw(random, ...shapes);
        assertThrows(() => forward(build(), args), RangeError, message(shown));
      });
    }
  });
}

/** Registers the tests of a loss that broadcasts nothing: all shapes must be equal. */
export function testEqualShapes({ loss, build, draw }: Subject): void {
  const random = new Random(10);

  describe(`${loss} with arguments of different shapes`, () => {
    const refused: [shapes: [number[], number[]], message: string][] = [
      [[[3, 1], [3]], "do not go together: current shapes are (3, 1) and (3,)"],
      [[[3], [2]], "do not go together: current shapes are (3,) and (2,)"],
      [[[3, 4], [3, 1]], "must have the same shape: current shapes are (3, 4) and (3, 1)"],
      [[[3, 1], [3, 4]], "must have the same shape: current shapes are (3, 1) and (3, 4)"],
      [[[3], []], "must have the same shape: current shapes are (3,) and ()"],
    ];
    for (const [shapes, message] of refused) {
      it(`refuses (${shapes[0].join(", ")}) with (${shapes[1].join(", ")})`, () => {
        const args = draw(random, ...shapes);
        const error = assertThrows(() => call(build(), args), RangeError, message);
        assert(error.message.startsWith(`Cannot compute ${loss} as`), error.message);
      });
    }
  });
}

/**
 * Registers the tests of dtypes.
 *
 * @param which The arguments that may be `integers`, by name; all others refuse int32.
 */
export function testDtypes(
  { loss, build, draw }: Subject,
  { integers }: { integers: readonly string[] },
): void {
  const args = draw(new Random(12), [4]);
  const names = Object.keys(args);
  const [first, ...others] = names;
  type Numbers = number[];
  /** The arguments, those named made anew from their numbers. */
  const cast = (make: (x: Numbers) => TensorLike, which: readonly string[] = names) => ({
    ...args,
    ...Object.fromEntries(which.map((name) => [name, make(Array.from(args[name].data))])),
  });
  const plain = (x: Numbers) => x;
  const typed = (x: Numbers) => Float32Array.from(x);
  const rounded = (x: Numbers) => x.map(Math.round);

  describe(`${loss} with arguments of different dtypes`, () => {
    it("computes in float32 if no argument is wider, in float64 otherwise", () => {
      const dtype = (args: Record<string, TensorLike>) => {
        const { value, grad } = call(build(), args);
        for (const { dtype } of Object.values(grad)) assertEquals(dtype, value.dtype);
        return value.dtype;
      };
      assertEquals(dtype(cast(float32)), "float32");
      assertEquals(dtype({ ...cast(plain), ...only(first, cast(float32)) }), "float32");
      assertEquals(dtype({ ...cast(plain), ...only(others[0], cast(typed)) }), "float32");
      assertEquals(dtype(cast(plain)), "float64");
      assertEquals(dtype(args), "float64");
    });

    it(`takes whole numbers for ${integers.join(" and ") || "no argument"}`, () => {
      for (const name of names) {
        const whole = cast((x) => int32(rounded(x)), [name]);
        if (integers.includes(name)) {
          assertEquals(
            call(build(), whole),
            call(build(), cast((x) => float64(rounded(x)), [name])),
          );
        } else {
          assertThrows(
            () => call(build(), whole),
            TypeError,
            `Cannot compute ${loss} as ${name} must be float32 or float64: current dtype is int32`,
          );
        }
      }
    });

    for (const name of integers) {
      it(`lets the other arguments decide the dtype where ${name} holds whole numbers`, () => {
        const whole = (x: Numbers) => int32(rounded(x));
        const dtype = (make: (x: Numbers) => TensorLike) =>
          call(build(), { ...cast(make), ...only(name, cast(whole)) }).value.dtype;
        assertEquals([float32, float64, plain].map(dtype), ["float32", "float64", "float64"]);
      });
    }
  });
}

/** One entry of a record, as a record. */
function only<Value>(name: string, record: Record<string, Value>): Record<string, Value> {
  return { [name]: record[name] };
}

/** Places in a tensor of shape (9, 1000), and how a message shows the first: at both ends, and two in the same tensor. */
const PLACES: [places: number[], shown: string][] = [
  [[0], "[0, 0]"],
  [[8999], "[8, 999]"],
  [[8765, 8999], "[8, 765]"],
];

/**
 * Registers the tests of numbers outside of an argument's domain: refused with the place of the first, before anything is
 * written.
 */
export function testDomain(
  { loss, build, draw, wrt }: Subject,
  name: string,
  { wanted, offenders }: { wanted: string; offenders: readonly number[] },
): void {
  describe(`${loss} refuses ${name} that is not ${wanted}`, () => {
    const message = (at: string, x: number) =>
      `Cannot compute ${loss} as ${name} must be ${wanted}: current value at ${at} is ${x}`;

    for (const x of offenders) {
      it(`${x}, at any place, and leaves buffers as they were`, () => {
        for (const make of [float32, float64]) {
          for (const [places, shown] of PLACES) {
            const args: Record<string, Tensor> = {};
            const drawn = draw(new Random(3), [9, 1000]);
            for (const key in drawn) args[key] = make(drawn[key]);
            for (const place of places) args[name].data[place] = x;
            const out = { [wrt[0]]: make(new Float64Array(9000).fill(7), [9, 1000]) };
            const run = () => call(build(), args, { wrt: [wrt[0]], out });
            assertThrows(run, RangeError, message(shown, make([x]).data[0]));
            assert(out[wrt[0]].data.every((x) => x === 7));
          }
        }
      });
    }
  });
}
