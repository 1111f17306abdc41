/** Losses defined in a few lines, beside the packages that have them. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { defineLoss, float64 } from "@lossbook/losses";
import { fixtureChecks, loadFixture, tensorOf } from "./_fixtures.ts";
import { assertGradient } from "./_numeric.ts";
import type { FixtureCase } from "./_fixtures.ts";
import type { LossLike } from "./_loss.ts";
import * as definitions from "./reference/cases/your_own_loss.ts";

interface PeerFixture extends FixtureCase {
  definition: string;
  peer: string;
}

/** A definition of which only this much is known. */
interface Definition {
  name: string;
  arguments: Record<string, string>;
  value: string;
}

/** The classes by name. */
const classes = new Map<string, new (options?: object) => LossLike>();
for (const definition of Object.values(definitions)) {
  if (typeof definition === "function") continue;
  classes.set(definition.name, defineLoss(definition as Definition));
}
const { cases } = loadFixture<PeerFixture>("your_own_loss");

describe("the definitions", () => {
  it("are those that other packages have computed", () => {
    const computed = new Set(cases.map(({ definition }) => definition));
    assertEquals([...classes.keys()].toSorted(), [...computed].toSorted());
  });
});

for (const [name, Loss] of classes) {
  const peers = new Set(
    cases.filter(({ definition }) => definition === name).map(({ peer }) => peer),
  );
  describe(`${name} beside ${[...peers].join(", ")}`, () => {
    const checks = fixtureChecks("your_own_loss", (options: object) => new Loss(options), {
      only: (stored) => (stored as PeerFixture).definition === name,
    });
    for (const [what, check] of checks) it(what, check);
  });

  describe(`${name} beside finite differences`, () => {
    const [stored] = cases.filter(({ definition }) => definition === name);
    const args = Object.fromEntries(
      Object.entries(stored.args).map(([key, { data, shape }]) => [key, float64(data, shape)]),
    );
    it("agrees in every gradient that the packages know", () => {
      assertGradient(new Loss(stored.options), args, {
        wrt: Object.keys(stored.grad),
        scale: 0.05,
        seed: 4,
      });
    });
  });
}

describe("peerCases, which the notebook reads", () => {
  it("gives the numbers of the fixture as tensors", () => {
    const found = definitions.peerCases(definitions.dpo);
    const stored = cases.filter(({ definition }) => definition === "DpoLoss");
    assertEquals(found.length, stored.length);
    found.forEach(({ args, grad, value, dtype, gradOutput }, i) => {
      const [given] = args;
      assertEquals(given.data, tensorOf(stored[i].args.chosen).data);
      assertEquals(Object.keys(grad), ["chosen", "rejected"]);
      assertEquals([value.dtype, value.shape], [dtype, []]);
      assertEquals(typeof gradOutput, "number");
    });
  });
});
