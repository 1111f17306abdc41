/**
 * A program for without_wasm_test.ts: prints, as JSON, what losses of one's own give, with or without WebAssembly.
 *
 * @module
 */

if (globalThis.Deno?.args[0] === "missing") Reflect.deleteProperty(globalThis, "WebAssembly");

const { float32, float64 } = await import("../../mod.ts");
const { definitions } = await import("./definitions.ts");

const wave = (size: number, step: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(i * step) * 3);
const found: Record<string, number[]> = {};

/** A loss of any arguments. */
interface Callable {
  valueAndGrad(...args: readonly unknown[]): {
    value: ReturnType<typeof float32>;
    grad: Record<string, ReturnType<typeof float32>>;
  };
}

for (const make of [float32, float64]) {
  for (const [name, Class] of Object.entries(definitions)) {
    const loss = new Class({ reduction: "none" });
    // The last vector of a row is not full; two rows are equal in all elements.
    const args = loss.argumentNames.map((argument, i) => {
      const numbers = argument === "margin" ? wave(5, 0.4) : wave(35, 0.7 + i);
      if (argument === "var") numbers.forEach((x, i) => numbers[i] = x * x + 0.1);
      else numbers.fill(0.25, 0, argument === "margin" ? 0 : 14);
      return make(numbers, argument === "margin" ? [5] : [5, 7]);
    });
    const { value, grad } = (loss as Callable).valueAndGrad(
      ...[...args, { wrt: loss.argumentNames }],
    );
    const all: Record<string, typeof value> = { value, ...grad as object };
    for (const [key, { data }] of Object.entries(all)) {
      found[`${name} ${value.dtype} ${key}`] = [...data];
    }
  }
}
console.log(JSON.stringify(found));
