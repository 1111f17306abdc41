/**
 * What every loss refuses, and what it leaves alone: the same questions to each, so that the same mistake gets the same
 * answer wherever it is made.
 */
import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, Tensor } from "@lossbook/losses";
import { sameNumbers } from "./_close.ts";
import type { LossLike } from "./_fixtures.ts";

/** The class of a loss, as JavaScript sees it: unchecked. */
export type LossClass = new (options?: never) => LossLike;

/** What the questions need to know about a loss. */
export interface Manners {
  /** PyTorch's name of the class. */
  readonly loss: string;
  readonly Loss: LossClass;
  /** Options that make sense; without them the defaults are used. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Every option there is, as the message for an unknown one lists them. */
  readonly known: readonly string[];
  /** Valid float64 arguments in call order, of at least 2 elements each. */
  readonly args: Readonly<Record<string, Tensor>>;
  /** The arguments that can be differentiated by, the default first. */
  readonly wrt: readonly string[];
}

/** Registers the tests of bad options, bad arguments and bad requests. */
export function testManners({ loss, Loss, options = {}, known, args, wrt }: Manners): void {
  const make = (more: object = {}) => new Loss({ ...options, ...more } as never);
  const names = Object.keys(args);
  const [first] = names;
  const [by] = wrt;
  const call = (changes: object = {}, request?: unknown, more: object = {}) => {
    const values = Object.values({ ...args, ...changes });
    return make(more).valueAndGrad(...[...values, request] as never[]);
  };
  const refuses = (
    run: () => unknown,
    Class: typeof TypeError | typeof RangeError,
    message: string,
  ) => void assertThrows(run, Class, message);

  describe(`${loss} refuses at construction`, () => {
    it("an option that it does not have, and lists those it has", () => {
      refuses(
        () => make({ detla: 1 }),
        TypeError,
        `Cannot make ${loss} as option 'detla' is unknown: known are ${known.join(", ")}`,
      );
    });

    it("options that are no object", () => {
      for (const [given, shown] of [[2, "2"], ["mean", '"mean"'], [null, "null"], [[1], "[1]"]]) {
        refuses(
          () => new Loss(given as never),
          TypeError,
          `Cannot make ${loss} as options must be an object: current value is ${shown}`,
        );
      }
    });

    it("a reduction that it does not have", () => {
      refuses(
        () => make({ reduction: "average" }),
        RangeError,
        `Cannot compute ${loss} as reduction must be "none", "mean", "sum"`,
      );
      refuses(() => make({ reduction: "average" }), RangeError, 'current value is "average"');
      refuses(() => make({ reduction: null }), TypeError, "current value is null");
      refuses(() => make({ reduction: ["mean"] }), TypeError, 'current value is ["mean"]');
    });
  });

  describe(`${loss} refuses in a call`, () => {
    it("an argument that is missing, by name", () => {
      names.forEach((name, i) =>
        refuses(
          () => make().forward(...Object.values(args).slice(0, i) as never[]),
          TypeError,
          `Cannot compute ${loss} as the argument ${name} is missing`,
        )
      );
    });

    it("what is no tensor, and shows it", () => {
      const wanted = "must be a number, an array, a typed array or a tensor: current value is";
      for (const name of names) {
        const cases: [given: unknown, shown: string][] = [
          ["1, 2", '"1, 2"'],
          [null, "null"],
          [true, "true"],
          [{}, "an object of class Object"],
          [new Date(0), "an object of class Date"],
          [() => 1, "a function"],
          [12n, "12n"],
          [new DataView(new ArrayBuffer(8)), "an object of class DataView"],
        ];
        for (const [given, shown] of cases) {
          refuses(
            () => call({ [name]: given }),
            TypeError,
            `Cannot read ${name} as it ${wanted} ${shown}`,
          );
        }
      }
    });

    it("a ragged array, and says where", () => {
      for (const name of names) {
        const ragged: [given: unknown, message: string][] = [
          [
            [[1, 2], [3]],
            `${name}[1] must be an array of 2 like its siblings: current value is [3]`,
          ],
          [[[1, 2], 3], `${name}[1] must be an array of 2 like its siblings: current value is 3`],
          [[1, [2]], `${name}[1] must be a number: current value is [2]`],
          [[1, "2"], `${name}[1] must be a number: current value is "2"`],
          [[1, null], `${name}[1] must be a number: current value is null`],
          [[1, undefined], `${name}[1] must be a number: current value is undefined`],
          [[[1], []], `${name}[1] must be an array of 1 like its siblings: current value is []`],
          // deno-lint-ignore no-sparse-arrays
          [[1, , 3], `${name}[1] must be a number: current value is undefined`],
        ];
        for (const [given, message] of ragged) {
          refuses(() => call({ [name]: given }), TypeError, `Cannot read ${name} as ${message}`);
        }
      }
    });

    it("data that does not fill its shape", () => {
      refuses(
        () => call({ [first]: { data: [1, 2, 3], shape: [2] } }),
        RangeError,
        `Cannot read ${first} as its shape (2) holds 2 numbers: current data has 3`,
      );
      refuses(
        () => call({ [first]: { data: [1, 2, 3], shape: [1.5] } }),
        TypeError,
        `Cannot read ${first} as its shape must be an array of whole numbers ≥ 0`,
      );
    });
  });

  describe(`${loss} refuses in a request`, () => {
    const value = make({ reduction: "none" }).forward(...Object.values(args) as never[]);
    const size = args[by].data.length;
    const filled = () => new Float64Array(size).fill(7);

    it("what is no request", () => {
      for (const given of [null, 3, "input"]) {
        refuses(() => call({}, given), TypeError, `Cannot compute ${loss} as the request must be`);
      }
      refuses(
        () => call({}, { gradInput: 1 }),
        TypeError,
        `Cannot compute ${loss} as 'gradInput' cannot be requested: known are gradOutput, wrt, out`,
      );
    });

    it("a name in wrt that cannot be differentiated by", () => {
      for (const name of ["inptu", "reduction", "toString"]) {
        refuses(
          () => call({}, { wrt: [name] }),
          TypeError,
          `Cannot differentiate ${loss} with respect to "${name}": wanted is one of ${
            wrt.join(", ")
          }`,
        );
      }
      refuses(
        () => call({}, { wrt: by }),
        TypeError,
        `wrt must be an array of argument names: current value is "${by}"`,
      );
    });

    it("a name that stands twice in wrt", () => {
      refuses(
        () => call({}, { wrt: [...wrt, by] }),
        TypeError,
        `Cannot differentiate ${loss} with respect to "${by}" twice: name it once in wrt`,
      );
    });

    it("a gradOutput of another shape than the value", () => {
      const shape = `(${value.shape.join(", ")}${value.shape.length === 1 ? "," : ""})`;
      const message = (wanted: string, current: string) =>
        `Cannot compute ${loss} as gradOutput must be a number or have the shape of the value, ` +
        `${wanted}: current shape is ${current}`;
      refuses(
        () => call({}, { gradOutput: [1, 2, 3, 4, 5, 6, 7] }, { reduction: "none" }),
        RangeError,
        message(shape, "(7,)"),
      );
      refuses(() => call({}, { gradOutput: value }), RangeError, message("()", shape));
      refuses(() => call({}, { gradOutput: "1" }), TypeError, 'current value is "1"');
    });

    it("a buffer of the wrong size, kind or name", () => {
      const wrong: [out: unknown, Class: typeof TypeError | typeof RangeError, message: string][] =
        [
          [{ [by]: new Float64Array(size + 1) }, RangeError, `out.${by} must hold ${size} numbers`],
          [{ [by]: new Float64Array(0) }, RangeError, `current length is 0`],
          [
            { [by]: new Float32Array(size) },
            TypeError,
            `out.${by} must be a float64 tensor or a Float64Array`,
          ],
          [
            { [by]: float32(new Float32Array(size)) },
            TypeError,
            "current value is a float32 tensor",
          ],
          [{ [by]: [0, 0] }, TypeError, "current value is [0, 0]"],
          [{ [by]: null }, TypeError, "current value is null"],
          [
            { other: filled() },
            TypeError,
            `out.other names a gradient that is not computed: wrt is ${by}`,
          ],
          [5, TypeError, "out must be an object of buffers: current value is 5"],
        ];
      for (const [out, Class, message] of wrong) {
        refuses(() => call({}, { wrt: [by], out }), Class, `Cannot compute ${loss} as`);
        refuses(() => call({}, { wrt: [by], out }), Class, message);
      }
    });

    it("a buffer that shares memory with any argument or with gradOutput", () => {
      for (const [name, { data, shape, dtype }] of Object.entries(args)) {
        const memory = new ArrayBuffer(8 * Math.max(size, data.length));
        const own = dtype === "int32"
          ? int32(new Int32Array(memory, 0, data.length), [...shape])
          : float64(new Float64Array(memory, 0, data.length), [...shape]);
        own.data.set(data);
        const out = { [by]: new Float64Array(memory, 0, size) };
        refuses(
          () => call({ [name]: own }, { wrt: [by], out }),
          RangeError,
          `out.${by} must have memory of its own`,
        );
        assertEquals([...own.data], [...data]);
      }
      const memory = new Float64Array(Math.max(size, value.data.length));
      const gradOutput = float64(memory.subarray(0, value.data.length), [...value.shape]);
      if (value.shape.length === 0) return; // A scalar is copied at once.
      refuses(
        () =>
          call({}, { wrt: [by], gradOutput, out: { [by]: memory.subarray(0, size) } }, {
            reduction: "none",
          }),
        RangeError,
        `out.${by} must have memory of its own`,
      );
    });

    it("a buffer that overlaps an argument or another buffer", () => {
      const memory = new Float64Array(2 * size);
      memory.set(args[by].data);
      const overlapping = memory.subarray(size - 1, 2 * size - 1);
      const given = float64(memory.subarray(0, size), [...args[by].shape]);
      const message = `out.${by} must have memory of its own`;
      refuses(
        () => call({ [by]: given }, { wrt: [by], out: { [by]: given } }),
        RangeError,
        message,
      );
      refuses(
        () => call({ [by]: given }, { wrt: [by], out: { [by]: overlapping } }),
        RangeError,
        message,
      );
      // In the same buffer, right behind or right before an argument, is not on top of it.
      call({ [by]: given }, { wrt: [by], out: { [by]: memory.subarray(size) } });
      const behind = float64(memory.subarray(size), [...args[by].shape]);
      behind.data.set(args[by].data);
      call({ [by]: behind }, { wrt: [by], out: { [by]: memory.subarray(0, size) } });
      if (wrt.length < 2) return;
      const out = { [by]: overlapping, [wrt[1]]: memory.subarray(size) };
      refuses(
        () => call({}, { wrt: wrt.slice(0, 2), out }),
        RangeError,
        "must have memory of its own",
      );
    });

    it("a call and leaves its buffers as they were", () => {
      const out = { [by]: filled() };
      const bad: [changes: object, request: object][] = [
        [{ [names[1]]: float64(new Float64Array(size * 3), [size * 3]) }, { wrt: [by], out }],
        [{ [names[1]]: [[1], [2, 3]] }, { wrt: [by], out }],
        [{}, { wrt: [by], out, gradOutput: [1, 2, 3, 4, 5, 6, 7] }],
        [{}, { wrt: [by, "inptu"], out }],
        [{}, { wrt: [by], out: { ...out, other: filled() } }],
      ];
      for (const [changes, request] of bad) {
        assertThrows(() => call(changes, request));
        assert(out[by].every((x) => x === 7), JSON.stringify(request));
      }
    });
  });

  describe(`${loss} leaves alone`, () => {
    it("what it was made of: options changed later change nothing", () => {
      const mutable: Record<string, unknown> = { ...options, reduction: "sum" };
      const lasting = new Loss(mutable as never);
      const values = Object.values(args) as never[];
      const before = lasting.forward(...values).item();
      mutable.reduction = "none";
      mutable.detla = 3;
      assertEquals(lasting.forward(...values).item(), before);
    });

    it("what it returned before: every call answers in memory of its own", () => {
      const same = make();
      const values = Object.values(args) as never[];
      const one = same.valueAndGrad(...values);
      const kept = [one.value.data.slice(), grad(one, by).data.slice()];
      const other = values.map(({ data, shape }: Tensor) => new Tensor(data.slice(), [...shape]));
      other[0].data.set(other[0].data.toReversed());
      const two = same.valueAndGrad(...other as never[]);
      assertNotStrictEquals(grad(one, by).data, grad(two, by).data);
      assert(sameNumbers(one.value.data, kept[0]) && sameNumbers(grad(one, by).data, kept[1]));
    });
  });
}

function grad(result: { grad: object }, name: string): Tensor {
  return (result.grad as Record<string, Tensor>)[name];
}
