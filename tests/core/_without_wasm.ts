/**
 * A program for without_wasm_test.ts: disables WebAssembly before the first kernel is compiled, then prints the results of a
 * loss and of a formula as JSON, lists of numbers by name.
 *
 * @module
 */

const how = globalThis.Deno?.args[0];
if (how === "missing") Reflect.deleteProperty(globalThis, "WebAssembly");
if (how === "forbidden") {
  // As a content security policy without 'wasm-unsafe-eval' does it.
  const refuse = () => {
    throw new WebAssembly.CompileError("Refused to compile WebAssembly");
  };
  Object.assign(WebAssembly, { Module: refuse, Instance: refuse, validate: refuse });
}

const { float32, float64, HuberLoss } = await import("../../mod.ts");
const { Formula } = await import("../../losses/_core/formula.ts");
const { evaluateOn } = await import("./_machines.ts");

const wave = (size: number, step: number) =>
  Array.from({ length: size }, (_, i) => Math.sin(i * step) * 3);
const found: Record<string, number[]> = {};

for (const make of [float32, float64]) {
  for (const reduction of ["none", "mean", "sum"] as const) {
    // More than one tile, and a last vector that is not full.
    const [input, target] = [make(wave(9_001, 0.7)), make(wave(9_001, 0.3))];
    const loss = new HuberLoss({ delta: 0.9, reduction, weight: wave(9_001, 0.1) });
    const wrt = ["input", "target", "weight"] as const;
    const { value, grad } = loss.valueAndGrad(input, target, { wrt });
    found[`${input.dtype} ${reduction} value`] = [...value.data];
    for (const name of wrt) found[`${input.dtype} ${reduction} ${name}`] = [...grad[name].data];
  }
}
const text = "softplus(x) - sigmoid(x) * log1p(exp(-abs(x)))";
const x = wave(1_001, 0.7);
for (const dtype of ["float32", "float64"] as const) {
  // Where WebAssembly is allowed, without relaxed SIMD: there a multiply-add rounds only once.
  found[`${dtype} formula`] = [
    ...(how === "allowed"
      ? evaluateOn({ text, scope: { x }, dtype, machine: "wasm" })
      : new Formula(text).evaluate({ x }, dtype)),
  ];
}
console.log(JSON.stringify(found));
