/** A tensor prints as PyTorch prints it, character by character. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, int32 } from "@lossbook/losses";
import { type FixtureTensor, parseFixture, tensorOf } from "../_fixtures.ts";
import { readProject } from "../checks/files.ts";
import { PYTORCH } from "../fixtures/version.ts";

interface Printing {
  readonly pytorch: string;
  readonly cases: readonly {
    readonly name: string;
    readonly tensor: FixtureTensor;
    readonly text: string;
  }[];
}

describe("a tensor prints as in PyTorch", () => {
  const fixture = parseFixture(readProject("tests/fixtures/printing.json")) as unknown as Printing;

  it(PYTORCH, () => {
    assertEquals(fixture.pytorch, PYTORCH);
    assert(fixture.cases.length >= 50);
  });

  for (const { name, tensor, text } of fixture.cases) {
    it(name, () => assertEquals(String(tensorOf(tensor)), text));
  }
});

describe("a tensor is shown", () => {
  const x = float32([[0.5, -1], [2, 0]]);
  const text = "tensor([[ 0.5000, -1.0000],\n        [ 2.0000,  0.0000]])";

  it("in a text", () => assertEquals(`${x}`, text));

  it("in Deno's console", () => {
    assertEquals(Deno.inspect(x), text);
    assertEquals(
      Deno.inspect({ labels: int32([1, 2]) }),
      "{ labels: tensor([1, 2], dtype=torch.int32) }",
    );
    assertEquals(Deno.inspect([x]), `[\n  ${text.replace("\n", "\n  ")}\n]`);
  });

  it("in Node's and Bun's console", async () => {
    const { inspect } = await import("node:util");
    assertEquals(inspect(x), text);
  });

  it("in a notebook, as plain text", () => {
    const display = Reflect.get(x, Symbol.for("Jupyter.display")) as () => Record<string, string>;
    assertEquals(display.call(x), { "text/plain": text });
  });
});
