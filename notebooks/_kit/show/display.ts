/** The one way the kit sends an output to Jupyter. */

type Bundle = Record<string, unknown>;
type Broadcast = (type: string, content: Record<string, unknown>) => Promise<void>;

/**
 * The kernel may report "idle" before the last output has left it, and a runner then drops that
 * output. With 10 to 20 ms of waiting none of 40 was lost, also under load.
 */
const FLUSH_MS = 20;

/**
 * Shows one output below the running cell. Outside the Deno kernel it does nothing, so that code
 * which displays can be imported and tested.
 *
 * @param data The output by MIME type; the viewer picks the richest type it knows.
 * @param metadata What the viewer should know about the data, by MIME type or by tool.
 *
 * @example
 * ```ts
 * await display({ "text/markdown": "$x^2$", "text/plain": "x²" });
 * ```
 */
export async function display(data: Bundle, metadata: Bundle = {}): Promise<void> {
  const broadcast = kernelBroadcast();
  if (broadcast === undefined) return;
  // Not Deno.jupyter.display: that one drops the metadata.
  await broadcast("display_data", { data, metadata, transient: {} });
  await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
}

/** Tells whether this code runs in the Deno kernel, where {@linkcode display} shows something. */
export function inKernel(): boolean {
  return kernelBroadcast() !== undefined;
}

/** `Deno.jupyter` is a getter that throws everywhere but in the kernel. */
function kernelBroadcast(): Broadcast | undefined {
  try {
    const { jupyter } = Deno as unknown as { jupyter: { broadcast: Broadcast } };
    return (type, content) => jupyter.broadcast(type, content);
  } catch {
    return undefined;
  }
}
