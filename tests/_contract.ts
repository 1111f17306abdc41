/**
 * The contract that all losses keep: what they refuse at construction, in a call and in a request, and what they never change.
 * Every loss is asked the same questions, so that the same mistake gets the same message everywhere.
 */
import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, Tensor } from "@lossbook/losses";
import { sameNumbers } from "./_close.ts";
import type { LossLike } from "./_loss.ts";

/** The two classes of errors: TypeError for kinds and shapes, RangeError for values. */
export type ErrorClass = typeof TypeError | typeof RangeError;

/** The class of a loss, whose options are not checked by types. */
export type LossClass = new (options?: never) => LossLike;

/** What the tests need to know about a loss. */
export interface Contract {
  /** PyTorch's name of the class. */
  readonly loss: string;
  readonly Loss: LossClass;
  /** Options that the tests always give, such as the sizes of a layer (default: none). */
  readonly options?: Readonly<Record<string, unknown>>;
  /** All options, in the order of the message for an unknown one. */
  readonly known: readonly string[];
  /** Valid float64 arguments in call order, of at least 2 elements each. */
  readonly args: Readonly<Record<string, Tensor>>;
  /** What the loss can be differentiated with respect to, the default first. */
  readonly wrt: readonly string[];
}

/** Registers the tests of the contract. */
export function testContract({ loss, Loss, options = {}, known, args, wrt }: Contract): void {
  const make = (more: object = {}) => new Loss({ ...options, ...more } as never);
  const names = Object.keys(args);
  const [first] = names;
  const [differentiated] = wrt;
  const call = (changes: object = {}, request?: unknown, more: object = {}) => {
    const values = Object.values({ ...args, ...changes });
    return make(more).valueAndGrad(...[...values, request] as never[]);
  };

  describe(`${loss} refuses at construction`, () => {
    it("an unknown option, and lists the known ones", () => {
      assertThrows(
        () => make({ "no such option": 1 }),
        TypeError,
        `Cannot make ${loss} as option 'no such option' is unknown: known are ${known.join(", ")}`,
      );
    });

    it("options that are not an object", () => {
      for (const [given, shown] of [[2, "2"], ["mean", '"mean"'], [null, "null"], [[1], "[1]"]]) {
        assertThrows(
          () => new Loss(given as never),
          TypeError,
          `Cannot make ${loss} as options must be an object: current value is ${shown}`,
        );
      }
    });

    it("an unknown reduction", () => {
      assertThrows(
        () => make({ reduction: "average" }),
        RangeError,
        `Cannot make ${loss} as reduction must be "none", "mean", "sum"`,
      );
      assertThrows(() => make({ reduction: "average" }), RangeError, 'current value is "average"');
      assertThrows(() => make({ reduction: null }), TypeError, "current value is null");
      assertThrows(() => make({ reduction: ["mean"] }), TypeError, 'current value is ["mean"]');
    });
  });

  describe(`${loss} refuses in a call`, () => {
    it("a missing argument, and names it", () => {
      names.forEach((name, i) =>
        assertThrows(
          () => make().forward(...Object.values(args).slice(0, i) as never[]),
          TypeError,
          `Cannot compute ${loss} as the argument ${name} is missing`,
        )
      );
    });

    it("a value that is not a tensor, and shows it", () => {
      const wanted = "must be a number, an array, a typed array or a tensor: current value is";
      for (const name of names) {
        const cases: [given: unknown, shown: string][] = [
          ["1, 2", '"1, 2"'],
          [null, "null"],
          [{}, "an object of class Object"],
          [new Date(0), "an object of class Date"],
          [() => 1, "a function"],
          [12n, "12n"],
          [new DataView(new ArrayBuffer(8)), "an object of class DataView"],
        ];
        for (const [given, shown] of cases) {
          assertThrows(
            () => call({ [name]: given }),
            TypeError,
            `Cannot read ${name} as it ${wanted} ${shown}`,
          );
        }
      }
    });

    it("a ragged array, and says where it is ragged", () => {
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
          assertThrows(
            () => call({ [name]: given }),
            TypeError,
            `Cannot read ${name} as ${message}`,
          );
        }
      }
    });

    it("data whose length does not fit its shape", () => {
      assertThrows(
        () => call({ [first]: { data: [1, 2, 3], shape: [2] } }),
        RangeError,
        `Cannot read ${first} as its shape (2,) holds 2 numbers: current data has 3`,
      );
      assertThrows(
        () => call({ [first]: { data: [1, 2, 3], shape: [1.5] } }),
        TypeError,
        `Cannot read ${first} as its shape must be an array of whole numbers ≥ 0`,
      );
    });

    it("whole numbers where there is a gradient", () => {
      const { data, shape } = args[differentiated];
      assertThrows(
        () => call({ [differentiated]: int32(Int32Array.from(data), [...shape]) }),
        TypeError,
        `Cannot compute ${loss} as ${differentiated} must be float32 or float64: current dtype is int32`,
      );
    });
  });

  describe(`${loss} refuses in a request`, () => {
    const value = make({ reduction: "none" }).forward(...Object.values(args) as never[]);
    const size = args[differentiated].data.length;
    const filled = () => new Float64Array(size).fill(7);

    it("a request that is not an object, and an unknown entry", () => {
      for (const given of [null, 3, "input"]) {
        assertThrows(
          () => call({}, given),
          TypeError,
          `Cannot compute ${loss} as the request must be`,
        );
      }
      assertThrows(
        () => call({}, { gradInput: 1 }),
        TypeError,
        `Cannot compute ${loss} as 'gradInput' cannot be requested: known are gradOutput, wrt, out`,
      );
    });

    it("to differentiate with respect to anything else than arguments with a gradient", () => {
      const others = [...names, ...known].filter((name) => !wrt.includes(name));
      for (const name of ["inptu", "toString", ...others]) {
        assertThrows(
          () => call({}, { wrt: [name] }),
          TypeError,
          `Cannot differentiate ${loss} with respect to "${name}": wanted is one of ${
            wrt.join(", ")
          }`,
        );
      }
      assertThrows(
        () => call({}, { wrt: differentiated }),
        TypeError,
        `wrt must be an array of argument names: current value is "${differentiated}"`,
      );
    });

    it("a name that stands twice in wrt", () => {
      assertThrows(
        () => call({}, { wrt: [...wrt, differentiated] }),
        TypeError,
        `Cannot differentiate ${loss} with respect to "${differentiated}" twice: name it once in wrt`,
      );
    });

    it("a gradOutput whose shape is not the value's", () => {
      const shape = `(${value.shape.join(", ")}${value.shape.length === 1 ? "," : ""})`;
      const message = (wanted: string, current: string) =>
        `Cannot compute ${loss} as gradOutput must be a number or have the shape of the value, ` +
        `${wanted}: current shape is ${current}`;
      assertThrows(
        () => call({}, { gradOutput: [1, 2, 3, 4, 5, 6, 7] }, { reduction: "none" }),
        RangeError,
        message(shape, "(7,)"),
      );
      assertThrows(() => call({}, { gradOutput: value }), RangeError, message("()", shape));
      assertThrows(() => call({}, { gradOutput: "1" }), TypeError, 'current value is "1"');
    });

    it("a buffer of the wrong size, kind or name", () => {
      const wrong: [out: unknown, Class: ErrorClass, message: string][] = [
        [
          { [differentiated]: new Float64Array(size + 1) },
          RangeError,
          `out.${differentiated} must hold ${size} numbers`,
        ],
        [{ [differentiated]: new Float64Array(0) }, RangeError, `current length is 0`],
        [
          { [differentiated]: new Float32Array(size) },
          TypeError,
          `out.${differentiated} must be a float64 tensor or a Float64Array`,
        ],
        [
          { [differentiated]: float32(new Float32Array(size)) },
          TypeError,
          "current value is a float32 tensor",
        ],
        [{ [differentiated]: [0, 0] }, TypeError, "current value is [0, 0]"],
        [{ [differentiated]: null }, TypeError, "current value is null"],
        [
          { other: filled() },
          TypeError,
          `out.other names a gradient that is not computed: wrt is ${differentiated}`,
        ],
        [5, TypeError, "out must be an object of buffers: current value is 5"],
      ];
      for (const [out, Class, message] of wrong) {
        assertThrows(
          () => call({}, { wrt: [differentiated], out }),
          Class,
          `Cannot compute ${loss} as`,
        );
        assertThrows(() => call({}, { wrt: [differentiated], out }), Class, message);
      }
    });

    it("a buffer that shares memory with any argument or with gradOutput", () => {
      for (const [name, { data, shape, dtype }] of Object.entries(args)) {
        const memory = new ArrayBuffer(8 * Math.max(size, data.length));
        const own = dtype === "int32"
          ? int32(new Int32Array(memory, 0, data.length), [...shape])
          : float64(new Float64Array(memory, 0, data.length), [...shape]);
        own.data.set(data);
        const out = { [differentiated]: new Float64Array(memory, 0, size) };
        assertThrows(
          () => call({ [name]: own }, { wrt: [differentiated], out }),
          RangeError,
          `out.${differentiated} must have memory of its own`,
        );
        assertEquals([...own.data], [...data]);
      }
      const memory = new Float64Array(Math.max(size, value.data.length));
      const gradOutput = float64(memory.subarray(0, value.data.length), [...value.shape]);
      if (value.shape.length === 0) return; // A scalar gradOutput is copied when it is read.
      assertThrows(
        () =>
          call({}, {
            wrt: [differentiated],
            gradOutput,
            out: { [differentiated]: memory.subarray(0, size) },
          }, {
            reduction: "none",
          }),
        RangeError,
        `out.${differentiated} must have memory of its own`,
      );
    });

    it("a buffer that overlaps an argument or another buffer", () => {
      const memory = new Float64Array(2 * size);
      memory.set(args[differentiated].data);
      const overlapping = memory.subarray(size - 1, 2 * size - 1);
      const given = float64(memory.subarray(0, size), [...args[differentiated].shape]);
      const message = `out.${differentiated} must have memory of its own`;
      assertThrows(
        () =>
          call({ [differentiated]: given }, {
            wrt: [differentiated],
            out: { [differentiated]: given },
          }),
        RangeError,
        message,
      );
      assertThrows(
        () =>
          call({ [differentiated]: given }, {
            wrt: [differentiated],
            out: { [differentiated]: overlapping },
          }),
        RangeError,
        message,
      );
      // Directly after or before an argument in the same memory is allowed.
      call({ [differentiated]: given }, {
        wrt: [differentiated],
        out: { [differentiated]: memory.subarray(size) },
      });
      const behind = float64(memory.subarray(size), [...args[differentiated].shape]);
      behind.data.set(args[differentiated].data);
      call({ [differentiated]: behind }, {
        wrt: [differentiated],
        out: { [differentiated]: memory.subarray(0, size) },
      });
      if (wrt.length < 2) return;
      const out = { [differentiated]: overlapping, [wrt[1]]: memory.subarray(size) };
      assertThrows(
        () => call({}, { wrt: wrt.slice(0, 2), out }),
        RangeError,
        "must have memory of its own",
      );
    });

    it("a bad call before it writes into any buffer", () => {
      const out = { [differentiated]: filled() };
      const bad: [changes: object, request: object][] = [
        [{ [names[1]]: float64(new Float64Array(size * 3), [size * 3]) }, {
          wrt: [differentiated],
          out,
        }],
        [{ [names[1]]: [[1], [2, 3]] }, { wrt: [differentiated], out }],
        [{}, { wrt: [differentiated], out, gradOutput: [1, 2, 3, 4, 5, 6, 7] }],
        [{}, { wrt: [differentiated, "inptu"], out }],
        [{}, { wrt: [differentiated], out: { ...out, other: filled() } }],
      ];
      for (const [changes, request] of bad) {
        assertThrows(() => call(changes, request));
        assert(out[differentiated].every((x) => x === 7), JSON.stringify(request));
      }
    });
  });

  describe(`${loss} is not changed`, () => {
    it("by changing the options object after construction", () => {
      const mutable: Record<string, unknown> = { ...options, reduction: "sum" };
      const lasting = new Loss(mutable as never);
      const values = Object.values(args) as never[];
      const before = lasting.forward(...values).item();
      mutable.reduction = "none";
      mutable.detla = 3;
      assertEquals(lasting.forward(...values).item(), before);
    });

    it("by later calls: every result has memory of its own", () => {
      const same = make();
      const values = Object.values(args) as never[];
      const one = same.valueAndGrad(...values);
      const kept = [one.value.data.slice(), grad(one, differentiated).data.slice()];
      const other = values.map(({ data, shape }: Tensor) => new Tensor(data.slice(), [...shape]));
      other[0].data.set(other[0].data.toReversed());
      const two = same.valueAndGrad(...other as never[]);
      assertNotStrictEquals(grad(one, differentiated).data, grad(two, differentiated).data);
      assert(
        sameNumbers(one.value.data, kept[0]) &&
          sameNumbers(grad(one, differentiated).data, kept[1]),
      );
    });
  });
}

function grad(result: { grad: object }, name: string): Tensor {
  return (result.grad as Record<string, Tensor>)[name];
}
