/**
 * Turns the kernel's messages into outputs of cells, by the rules of nbclient, which runs notebooks for nbconvert.
 *
 * @module
 */

import type { Message } from "../kernel/jupyter_message.ts";
import type { DisplayOutput, JsonObject, Output } from "../notebook/notebook_file.ts";

/** Collects the outputs of a notebook's cells, one cell after the other. */
export class OutputCollector {
  readonly #displays = new Map<string, DisplayOutput[]>();
  #outputs: Output[] = [];
  #clearBeforeNext = false;

  /**
   * Begins the next cell.
   *
   * @returns Its outputs, to which accepted messages are added.
   */
  beginCell(): Output[] {
    this.#clearBeforeNext = false;
    return this.#outputs = [];
  }

  /**
   * Takes one message of the kernel. Messages without outputs are ignored.
   *
   * @param message The message.
   */
  accept({ type, content }: Message): void {
    switch (type) {
      case "stream":
        return this.#addStream(content as { name: "stdout" | "stderr"; text: string });
      case "display_data":
        return this.#addDisplay(content);
      case "update_display_data":
        return this.#updateDisplay(content);
      case "execute_result":
        return this.#add({
          output_type: "execute_result",
          ...bundle(content),
          execution_count: content.execution_count as number,
        });
      case "error":
        return this.#add({
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: content.traceback as string[],
        });
      case "clear_output":
        if (content.wait) this.#clearBeforeNext = true;
        else this.#outputs.length = 0;
    }
  }

  #add(output: Output): void {
    if (this.#clearBeforeNext) this.#outputs.length = 0;
    this.#clearBeforeNext = false;
    this.#outputs.push(output);
  }

  /** Adds text to a stream: all text of a cell in one stream is one output. */
  #addStream({ name, text }: { name: "stdout" | "stderr"; text: string }): void {
    const earlier = this.#clearBeforeNext
      ? undefined
      : this.#outputs.find((output) => output.output_type === "stream" && output.name === name);
    if (earlier?.output_type === "stream") earlier.text += text;
    else this.#add({ output_type: "stream", name, text });
  }

  #addDisplay(content: Record<string, unknown>): void {
    const output: DisplayOutput = { output_type: "display_data", ...bundle(content) };
    const id = displayId(content);
    if (id !== undefined) this.#displays.set(id, [...this.#displays.get(id) ?? [], output]);
    this.#add(output);
  }

  /** Changes every output with the id of the update, in earlier cells too. */
  #updateDisplay(content: Record<string, unknown>): void {
    for (const output of this.#displays.get(displayId(content) ?? "") ?? []) {
      Object.assign(output, bundle(content));
    }
  }
}

function bundle(content: Record<string, unknown>): { data: JsonObject; metadata: JsonObject } {
  return {
    data: structuredClone(content.data) as JsonObject,
    metadata: structuredClone(content.metadata ?? {}) as JsonObject,
  };
}

function displayId(content: Record<string, unknown>): string | undefined {
  return (content.transient as { display_id?: string } | undefined)?.display_id;
}
