/** Rounds: the same seed gives the same cases, a failure is made small, and what is printed leads back to it. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { problemOf } from "./hostile/errors.ts";
import { PROPERTIES } from "./properties/mod.ts";
import { caseAt, property, runRound, Violation } from "./property.ts";
import { seedOf } from "./rounds.ts";

/** Fails for lists that hold a number above 100. */
function small(seen: number[][] = []) {
  return property<readonly number[]>({
    name: "small numbers",
    cases: fc.array(fc.nat(1000)),
    casesPerRound: 100,
    check(list) {
      seen.push([...list]);
      const found = list.find((value) => value > 100);
      if (found !== undefined) throw new Violation(`${found} is large`);
    },
    reproduce: (list) => `check([${list}]);`,
  });
}

describe("a round", () => {
  it("draws the same cases from the same seed, and others from another", () => {
    const draw = (seed: number) => {
      const seen: number[][] = [];
      runRound(small(seen), { seed });
      return seen;
    };
    assertEquals(draw(1), draw(1));
    assertNotEquals(draw(1), draw(2));
    assertEquals(seedOf(1, "kernels", 3), seedOf(1, "kernels", 3));
    assertNotEquals(seedOf(1, "kernels", 3), seedOf(1, "kernels", 4));
    assertNotEquals(seedOf(1, "kernels", 3), seedOf(1, "latex", 3));
  });

  it("makes a failure small, and its path leads back to it", () => {
    const { failure } = runRound(small(), { seed: 1 });
    assert(failure !== undefined);
    assertEquals(failure.reproduction, "check([101]);");
    assertEquals(failure.message, "101 is large");
    assertEquals(caseAt(small(), failure.seed, failure.path), failure.reproduction);
    const seen: number[][] = [];
    const again = runRound(small(seen), { seed: failure.seed, path: failure.path });
    assertEquals(seen[0], [101]);
    assertEquals(again.failure?.reproduction, failure.reproduction);
  });

  it("counts its cases and numbers them as paths do", () => {
    const numbers: (number | undefined)[] = [];
    const { cases, failure } = runRound(small(), { seed: 1, onCase: (run) => numbers.push(run) });
    const known = numbers.filter((run) => run !== undefined);
    assertEquals(known, Array.from({ length: cases }, (_, i) => i));
    assertEquals(known.at(-1), Number(failure?.path.split(":")[0]));
  });

  it("ends when the time is over", () => {
    assertEquals(runRound(small(), { seed: 1, isOver: () => true }).cases, 0);
  });
});

describe("the properties", () => {
  it("have names of their own, and cases that can be shown", () => {
    const names = PROPERTIES.map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    for (const property of PROPERTIES) {
      const text = caseAt(property, 1, "0");
      assert(text.length > 0 && !text.includes("\n"), property.name);
    }
  });
});

describe("errors", () => {
  it("of the library pass, those of the engine and endless ones do not", () => {
    assertEquals(
      problemOf(new TypeError("Cannot read input as it must be a number: current value is null")),
      undefined,
    );
    const wrong: readonly (readonly [unknown, string])[] = [
      [new TypeError("Cannot read properties of null (reading 'length')"), "engine"],
      [new TypeError("Cannot convert a Symbol value to a string"), "engine"],
      [new RangeError("Maximum call stack size exceeded"), "engine"],
      [new RangeError(`Cannot parse the formula: ${"x".repeat(2000)}`), "letters"],
      [new Error("Cannot compute"), "threw Error"],
      ["text", "threw string"],
    ];
    for (const [error, words] of wrong) assert(problemOf(error)?.includes(words), `${error}`);
  });
});
