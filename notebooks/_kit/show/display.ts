/** How the kit sends outputs to Jupyter; there is no other way. */

/** The forms of one output by MIME type, or what viewers are told about it. */
export type Bundle = Record<string, unknown>;
type Broadcast = (type: string, content: Record<string, unknown>) => Promise<void>;

/**
 * How long to wait after an output. The kernel may report "idle" before its last output, which some runners then drop: without
 * waiting they kept 31 to 39 of 40 outputs, with 20 ms all of them, also under load.
 */
const FLUSH_MS = 20;

/**
 * Shows one output below the running cell. Outside the Deno kernel it does nothing, so that code
 * which displays can be imported and tested.
 *
 * @param data The output by MIME type; the viewer picks the richest type it knows.
 * @param metadata Hints for viewers and tools, by MIME type or name of the tool.
 *
 * @example
 * ```ts
 * await display({ "text/markdown": "$x^2$", "text/plain": "x²" });
 * ```
 */
export async function display(data: Bundle, metadata: Bundle = {}): Promise<void> {
  if (held !== undefined) {
    held.push({ data, metadata });
    return;
  }
  const broadcast = kernelBroadcast();
  if (broadcast === undefined) return;
  // Deno.jupyter.display would drop the metadata.
  await broadcast("display_data", { data, metadata, transient: {} });
  await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
}

/** Outputs that are held back at the moment. */
let held: { data: Bundle; metadata: Bundle }[] | undefined;

/**
 * Runs code and holds back what it displays, so that it can be shown in another form.
 *
 * @param run The code.
 * @returns Its outputs, in order.
 */
export async function holdBack(
  run: () => Promise<void>,
): Promise<{ data: Bundle; metadata: Bundle }[]> {
  const outer = held;
  const own: { data: Bundle; metadata: Bundle }[] = [];
  held = own;
  try {
    await run();
  } finally {
    held = outer;
  }
  return own;
}

/** True if this code runs in the Deno kernel, where {@linkcode display} shows something. */
export function inKernel(): boolean {
  return kernelBroadcast() !== undefined;
}

/** The kernel's function, or undefined elsewhere, where the getter `Deno.jupyter` throws. */
function kernelBroadcast(): Broadcast | undefined {
  try {
    const { jupyter } = Deno as unknown as { jupyter: { broadcast: Broadcast } };
    return (type, content) => jupyter.broadcast(type, content);
  } catch {
    return undefined;
  }
}
