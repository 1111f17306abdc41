/** Losses defined in a few lines, beside the packages that have them. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
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

describe("NtXentLoss", () => {
  it("does not underflow where the sample itself, which does not count, is far more similar", () => {
    const loss = new (defineLoss(definitions.ntXent))({ temperature: 0.001 });
    const { value, grad } = loss.valueAndGrad([1, 0.2, 0.199], [-1, 1, 0], { wrt: ["input"] });
    const share = 1 / (1 + Math.exp(1));
    assertAlmostEquals(value.item(), Math.log1p(Math.exp(-1)), 1e-12);
    assertEquals(grad.input.data[0], 0);
    assertAlmostEquals(grad.input.data[2], 1000 * share, 1e-9);
  });
});

describe("what the notebook shows of them", () => {
  it("is the fixture, as tensors", () => {
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

  it("is how far they are from the packages, by type and quantity", () => {
    const rows = definitions.differencesFromPeers(definitions.dpo, classes.get("DpoLoss") as never);
    assertEquals(rows.map(({ name }) => name), [
      "J, float32 (2)",
      "J, float64 (2)",
      "∂J/∂chosen, float32 (12)",
      "∂J/∂chosen, float64 (12)",
      "∂J/∂rejected, float32 (12)",
      "∂J/∂rejected, float64 (12)",
    ]);
    assert(rows.every(({ got, atol }) => got <= atol));
    const other = defineLoss({ ...definitions.dpo, value: "softplus(-beta * (c - r))" });
    const far = definitions.differencesFromPeers(definitions.dpo, other as never);
    assert(far.every(({ got, atol }) => got > atol));
  });

  it("is who computed them, with the version", () => {
    assertEquals(definitions.peerOf(definitions.logCosh), "optax 0.2.8: optax.log_cosh");
    for (const definition of Object.values(definitions)) {
      if (typeof definition === "function") continue;
      assertMatch(definitions.peerOf(definition), /^[\w-]+ \d+\.\d+\.\d+: [\w ]/);
    }
    assertMatch(definitions.peerOf(definitions.charbonnier), /^torch /);
    assertMatch(definitions.peerOf(definitions.quantile), /^scikit-learn /);
    assertMatch(definitions.peerOf(definitions.focal), /^torchvision /);
  });
});
