/** Tests `@std/assert`, which comes from JSR where JSR can be reached, and the stand-in for it in the same way. */
import { describe, it } from "@std/testing/bdd";
import * as std from "@std/assert";
import * as standIn from "./assert.ts";

const libraries = { "@std/assert": std, "the stand-in": standIn };

/** True if an assertion passes. */
function passes(run: () => unknown, AssertionError: typeof std.AssertionError): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

class Point {
  constructor(readonly x: number) {}
}
const loop: { self?: unknown } = {};
loop.self = loop;

const EQUAL: [unknown, unknown, boolean][] = [
  [NaN, NaN, true],
  [0, -0, true],
  [[0], [-0], true],
  [Float32Array.of(0, NaN), Float32Array.of(-0, NaN), true],
  [Float32Array.of(1), Float64Array.of(1), false],
  [Float32Array.of(1), [1], false],
  [[1, [2]], [1, [2]], true],
  [[1, 2], [1, 2, 3], false],
  [[1, undefined], [1], false],
  [{ a: 1 }, { a: 1 }, true],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: undefined }, {}, false],
  [{ a: undefined }, { b: undefined }, false],
  [Object.create(null), {}, true],
  [new Point(1), new Point(1), true],
  [new Point(1), { x: 1 }, false],
  [new Set([1, 2]), new Set([2, 1]), true],
  [new Set([[1], [2]]), new Set([[1], [1]]), false],
  [new Map([["a", [1]]]), new Map([["a", [1]]]), true],
  [new Map([["a", 1]]), new Map([["a", 2]]), false],
  [/a/g, /a/g, true],
  [/a/g, /a/, false],
  [new Date(NaN), new Date(NaN), true],
  [new Date(1), new Date(2), false],
  ["1", 1, false],
  [null, undefined, false],
  [loop, loop, true],
];

const VERDICTS: [string, boolean, (library: typeof std) => void][] = [
  ["assert(1)", true, (a) => a.assert(1)],
  ["assert('')", false, (a) => a.assert("")],
  ["assertFalse(0)", true, (a) => a.assertFalse(0)],
  ["assertFalse(1)", false, (a) => a.assertFalse(1)],
  ["assertStrictEquals(NaN, NaN)", true, (a) => a.assertStrictEquals(NaN, NaN)],
  ["assertStrictEquals(0, -0)", false, (a) => a.assertStrictEquals(0, -0)],
  ["assertStrictEquals([], [])", false, (a) => a.assertStrictEquals([], [])],
  ["assertNotStrictEquals([], [])", true, (a) => a.assertNotStrictEquals([], [])],
  ["assertNotStrictEquals(1, 1)", false, (a) => a.assertNotStrictEquals(1, 1)],
  ["assertAlmostEquals within 1e-7", true, (a) => a.assertAlmostEquals(10 + 9e-7, 10)],
  ["assertAlmostEquals beyond 1e-7", false, (a) => a.assertAlmostEquals(10 + 11e-7, 10)],
  ["assertAlmostEquals around 0", false, (a) => a.assertAlmostEquals(1e-300, 0)],
  ["assertAlmostEquals(1, 1.5, 0.5)", true, (a) => a.assertAlmostEquals(1, 1.5, 0.5)],
  ["assertAlmostEquals(NaN, NaN)", true, (a) => a.assertAlmostEquals(NaN, NaN)],
  ["assertAlmostEquals(NaN, 0, 1)", false, (a) => a.assertAlmostEquals(NaN, 0, 1)],
  ["assertAlmostEquals(1, Infinity)", false, (a) => a.assertAlmostEquals(1, Infinity)],
  ["assertGreater(2, 1)", true, (a) => a.assertGreater(2, 1)],
  ["assertGreater(1, 1)", false, (a) => a.assertGreater(1, 1)],
  ["assertGreaterOrEqual(1, 1)", true, (a) => a.assertGreaterOrEqual(1, 1)],
  ["assertGreaterOrEqual(NaN, 1)", false, (a) => a.assertGreaterOrEqual(NaN, 1)],
  ["assertLess(1, 2)", true, (a) => a.assertLess(1, 2)],
  ["assertLess(NaN, 2)", false, (a) => a.assertLess(NaN, 2)],
  ["assertLessOrEqual(2, 2)", true, (a) => a.assertLessOrEqual(2, 2)],
  ["assertLessOrEqual(3, 2)", false, (a) => a.assertLessOrEqual(3, 2)],
  ["assertExists(0)", true, (a) => a.assertExists(0)],
  ["assertExists(null)", false, (a) => a.assertExists(null)],
  ["assertInstanceOf(new Point)", true, (a) => a.assertInstanceOf(new Point(1), Point)],
  ["assertInstanceOf({})", false, (a) => a.assertInstanceOf({}, Point)],
  ["assertStringIncludes('abc', 'b')", true, (a) => a.assertStringIncludes("abc", "b")],
  ["assertStringIncludes('abc', 'd')", false, (a) => a.assertStringIncludes("abc", "d")],
  ["assertArrayIncludes deep", true, (a) => a.assertArrayIncludes([[1], [2]], [[2]])],
  ["assertArrayIncludes missing", false, (a) => a.assertArrayIncludes([1, 2], [2, 3])],
  ["assertMatch", true, (a) => a.assertMatch("abc", /b/)],
  ["assertMatch not", false, (a) => a.assertMatch("abc", /d/)],
  ["assertNotMatch", true, (a) => a.assertNotMatch("abc", /d/)],
  ["assertNotMatch matching", false, (a) => a.assertNotMatch("abc", /b/)],
  ["fail()", false, (a) => a.fail("no")],
  ["unreachable()", false, (a) => a.unreachable()],
];

function raise(error: unknown): never {
  throw error;
}

const THROWS: [string, boolean, (library: typeof std) => unknown][] = [
  ["anything", true, (a) => a.assertThrows(() => raise(1))],
  ["nothing", false, (a) => a.assertThrows(() => 1)],
  ["nothing, with a class", false, (a) => a.assertThrows(() => 1, RangeError)],
  ["class", true, (a) => a.assertThrows(() => raise(new RangeError("x")), RangeError)],
  ["superclass", true, (a) => a.assertThrows(() => raise(new RangeError("x")), Error)],
  ["other class", false, (a) => a.assertThrows(() => raise(new RangeError("x")), TypeError)],
  ["no Error", false, (a) => a.assertThrows(() => raise("text"), Error)],
  ["text", true, (a) => a.assertThrows(() => raise(new Error("a b c")), Error, "b")],
  ["other text", false, (a) => a.assertThrows(() => raise(new Error("a b c")), Error, "d")],
];

const REJECTS: [string, boolean, (library: typeof std) => Promise<unknown>][] = [
  ["anything", true, (a) => a.assertRejects(() => Promise.reject(1))],
  ["nothing", false, (a) => a.assertRejects(() => Promise.resolve(1))],
  ["thrown at once", false, (a) => a.assertRejects(() => raise(new Error("x")))],
  ["class", true, (a) => a.assertRejects(() => Promise.reject(new TypeError("x")), TypeError)],
  ["other class", false, (a) => a.assertRejects(() => Promise.reject(new Error("x")), TypeError)],
  ["other text", false, (a) => a.assertRejects(() => Promise.reject(new Error("x")), Error, "y")],
];

for (const [name, library] of Object.entries(libraries)) {
  // Each library throws an AssertionError of its own.
  const a = library as typeof std;
  const expectVerdict = (label: string, verdict: boolean, run: () => unknown) => {
    if (passes(run, a.AssertionError) !== verdict) throw new Error(`${label} should be ${verdict}`);
  };

  describe(`assertions of ${name}`, () => {
    it("compares deeply as std does", () => {
      for (const [left, right, verdict] of EQUAL) {
        const label = `${Deno.inspect(left)} = ${Deno.inspect(right)}`;
        expectVerdict(label, verdict, () => a.assertEquals(left, right));
        expectVerdict(`not ${label}`, !verdict, () => a.assertNotEquals(left, right));
      }
    });

    for (const [label, verdict, run] of VERDICTS) {
      it(`${verdict ? "passes" : "fails"} for ${label}`, () => {
        expectVerdict(label, verdict, () => run(a));
      });
    }

    it("checks the error that a function throws", () => {
      for (const [label, verdict, run] of THROWS) expectVerdict(label, verdict, () => run(a));
    });

    it("checks the error that a promise rejects with", async () => {
      for (const [label, verdict, run] of REJECTS) {
        const outcome = await run(a).then(() => undefined, (error: unknown) => error);
        const isRefused = outcome instanceof a.AssertionError;
        if (isRefused === verdict) throw new Error(`${label} should be ${verdict}`);
      }
    });

    it("returns the error that was thrown", async () => {
      const error = new RangeError("delta must be > 0");
      const thrown = a.assertThrows(() => raise(error), RangeError, "delta");
      const rejected = await a.assertRejects(() => Promise.reject(error), RangeError, "delta");
      if (thrown !== error || rejected !== error) throw new Error("another error came back");
    });

    it("reports both values and the message of the caller", () => {
      const { message } = a.assertThrows(() => a.assertEquals([1], [2], "row 3"), a.AssertionError);
      for (const part of ["1", "2", "row 3"]) a.assertStringIncludes(message, part);
    });
  });
}
