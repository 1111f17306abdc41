/** A stand-in for the Deno kernel: it keeps what code displays. */

/** One output, as the kernel would broadcast it. */
export interface Output {
  /** The output by MIME type. */
  data: Record<string, string>;
  /** What the viewer is told about it. */
  metadata: Record<string, unknown>;
}

/** Runs code as if in the kernel and returns what it has displayed. */
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
