/** A stand-in for the Deno kernel that records outputs. */

/** One output, as the kernel broadcasts it. */
export interface Output {
  /** The output by MIME type. */
  data: Record<string, string>;
  /** What the viewer is told about it. */
  metadata: Record<string, unknown>;
}

/** Runs code as in the kernel and returns its outputs. */
export async function outputsOf(run: () => Promise<unknown>): Promise<Output[]> {
  const real = globalThis.Deno;
  const set = (value: object) =>
    Object.defineProperty(globalThis, "Deno", { value, configurable: true });
  const outputs: Output[] = [];
  const broadcast = (type: string, content: Output) => {
    if (type === "display_data") outputs.push(content);
    return Promise.resolve();
  };
  // Deno.jupyter itself cannot be redefined, the global can.
  set(Object.create(real, { jupyter: { value: { broadcast } } }));
  try {
    await run();
  } finally {
    set(real);
  }
  return outputs;
}
