/** Mutants: what is changed and what is left alone, the order that a seed gives, and the list of those that are equivalent. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { isThere, readProject } from "../checks/files.ts";
import { importsOf } from "../checks/source.ts";
import { EQUIVALENT } from "./equivalent.ts";
import { COPIED, quickTests, relevantTests } from "./judge.ts";
import { apply, mutantsOf } from "./mutate.ts";
import { allMutants, shuffle, staleEntries } from "./mutants.ts";

/** All texts that one change makes of another. */
const changes = (source: string) =>
  mutantsOf("losses/x.ts", source).map((mutant) => apply(source, mutant));

describe("mutants of code", () => {
  const CASES: readonly (readonly [source: string, mutants: readonly string[]])[] = [
    ["a < b", ["a <= b", "a >= b"]],
    ["a >= b", ["a > b", "a < b"]],
    ["a === b", ["a !== b"]],
    ["a && b", ["a || b"]],
    ["a * b", ["a / b"]],
    ["!a", ["a"]],
    ["-a", ["a"]],
    ["i++", ["i--"]],
    ["f(true)", ["f(false)"]],
    ["f(2)", ["f(3)", "f(1)"]],
    ["f(0)", ["f(1)", "f((-1))"]],
    ["f(1n)", ["f(2n)", "f(0n)"]],
    ["Math.min(a, b)", ["Math.max(a, b)"]],
    ["a -= b", ["a += b"]],
  ];
  for (const [source, mutants] of CASES) {
    it(`of ${source} are ${mutants.join(", ")}`, () => {
      // As an expression that is used, which cannot be dropped.
      const found = changes(`const x = ${source};`);
      assertEquals(found, mutants.map((mutant) => `const x = ${mutant};`));
    });
  }

  it("drop statements", () => {
    assert(changes("f(a);\ng(b);").includes(";\ng(b);"));
    assert(changes("a = b;").includes(";"));
    assert(changes("for (;;) { if (a) break; }").includes("for (;;) { if (a) ; }"));
    assert(
      changes("function f() { if (a) return; g(); }").includes("function f() { if (a) ; g(); }"),
    );
  });
});

describe("mutants of formula texts", () => {
  it("change operators, comparisons, numbers and functions", () => {
    const found = changes('const x = "min(x, y) < 2 * -x ? x : y";');
    for (
      const formula of [
        "max(x, y) < 2 * -x ? x : y",
        "min(x, y) <= 2 * -x ? x : y",
        "min(x, y) >= 2 * -x ? x : y",
        "min(x, y) < 3 * -x ? x : y",
        "min(x, y) < 1 * -x ? x : y",
        "min(x, y) < 2 / -x ? x : y",
        "min(x, y) < 2 * x ? x : y",
      ]
    ) assert(found.includes(`const x = "${formula}";`), formula);
    assertEquals(found.length, 7);
  });

  it("of several parts, too", () => {
    assertEquals(changes("const x = `(${a}) - ${b} * w`;"), [
      "const x = `(${a}) + ${b} * w`;",
      "const x = `(${a}) - ${b} / w`;",
    ]);
  });

  it("are only made of formulas", () => {
    for (const text of ["x", "mean", "between 0 and 1", "> 0", "1 or -1", "a-b c", ""]) {
      assertEquals(changes(`const x = ${JSON.stringify(text)};`), [], text);
    }
  });
});

describe("mutants leave alone", () => {
  for (
    const source of [
      "/** a < b */ // a + 1\n",
      "interface A { readonly b: 1 | -1 }",
      "type A = 1 extends 2 ? true : false;",
      'import { a } from "b-c";',
      "throw new RangeError(`Cannot take ${a + 1} < ${-b}`);",
      "const x = `Cannot take it as n must be ${a + 1} or less: current value is ${b}`;",
      'const x = "a" + "b";',
      "const x: 1 = y as 2;",
    ]
  ) {
    it(source.trim(), () => assertEquals(changes(source), []));
  }
});

describe("a mutant", () => {
  const source = "const a = 1;\n\nconst x = {\n  b: c < d,\n};\n";
  const [mutant] = mutantsOf("losses/x.ts", source).filter(({ before }) => before === "<");

  it("is known by its line, wherever that stands", () => {
    assertEquals(mutant.line, 4);
    assertEquals([mutant.code, mutant.mutated], ["b: c < d,", "b: c <= d,"]);
    const moved = mutantsOf("losses/x.ts", `\n\n${source}`);
    assert(moved.some(({ code, mutated }) => code === mutant.code && mutated === mutant.mutated));
  });

  it("is only applied to the source that it was made of", () => {
    assertThrows(() => apply(`\n${source}`, mutant), RangeError, "no '<'");
  });
});

describe("a draw", () => {
  it("depends on the seed alone", () => {
    const list = Array.from({ length: 50 }, (_, i) => i);
    assertEquals(shuffle(list, 3), shuffle(list, 3));
    assert(String(shuffle(list, 3)) !== String(shuffle(list, 4)));
    assertEquals(shuffle(list, 3).sort((a, b) => a - b), list);
  });

  it("is made from thousands of mutants of the package", () => {
    assert(allMutants().length > 5000);
  });
});

describe("the tests of a mutant", () => {
  it("import nothing that the copy does not have", () => {
    const missing: string[] = [];
    const seen = new Set<string>();
    const visit = (path: string) => {
      if (seen.has(path)) return;
      seen.add(path);
      if (!COPIED.test(path)) missing.push(path);
      else if (path.endsWith(".ts")) {
        for (const specifier of importsOf(readProject(path))) {
          if (/^\.\.?\//.test(specifier)) {
            visit(new URL(specifier, `file:///${path}`).pathname.slice(1));
          }
        }
      }
    };
    quickTests().forEach(visit);
    assertEquals(missing, []);
  });

  it("are files that are there, those of the loss first", () => {
    assertEquals(relevantTests("losses/huber.ts"), ["tests/huber_test.ts"]);
    const quick = quickTests();
    assert(quick.includes("tests/huber_test.ts") && quick.length > 30);
    for (const file of new Set(allMutants().map(({ file }) => file))) {
      for (const test of relevantTests(file)) assert(isThere(test));
    }
  });
});

describe("the list of equivalents", () => {
  it("gives a reason for each, and names none twice", () => {
    const keys = EQUIVALENT.map(({ file, code, mutated }) => `${file} ${code} ${mutated}`);
    assertEquals(new Set(keys).size, keys.length);
    for (const { code, mutated, reason } of EQUIVALENT) {
      assert(code !== mutated && reason.length > 20, code);
    }
  });

  it("tells what is stale", () => {
    const [entry] = mutantsOf("losses/x.ts", "f(1);");
    const known = { file: "losses/x.ts", code: entry.code, mutated: entry.mutated, reason: "" };
    assertEquals(staleEntries([entry], [known]), []);
    assertEquals(staleEntries([entry], [{ ...known, code: "g(1);" }]).length, 1);
  });
});
