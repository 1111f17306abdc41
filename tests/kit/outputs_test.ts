/** Collecting outputs, by the rules of nbclient. */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Message } from "../../notebooks/_kit/kernel/jupyter_message.ts";
import type { Output } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { OutputCollector } from "../../notebooks/_kit/runner/outputs.ts";

function message(type: string, content: Record<string, unknown> = {}): Message {
  return { type, parent: "", content };
}

const print = (name: string, text: string) => message("stream", { name, text });
const text = (text: string) => ({ data: { "text/plain": text }, metadata: {} });
const show = (said: string, display_id?: string) =>
  message("display_data", { ...text(said), transient: { display_id } });
const update = (said: string, display_id: string) =>
  message("update_display_data", { ...text(said), transient: { display_id } });

function collect(...messages: Message[]): Output[] {
  const collector = new OutputCollector();
  const outputs = collector.beginCell();
  for (const each of messages) collector.accept(each);
  return outputs;
}

const stream = (name: "stdout" | "stderr", text: string): Output => ({
  output_type: "stream",
  name,
  text,
});
const display = (said: string): Output => ({ output_type: "display_data", ...text(said) });

describe("OutputCollector", () => {
  it("keeps results, displays and errors in order, without transient fields", () => {
    const error = { ename: "E", evalue: "e", traceback: ["E: e"] };
    assertEquals(
      collect(
        message("status", { execution_state: "busy" }),
        message("execute_input", { code: "1" }),
        show("a"),
        message("execute_result", { ...text("1"), execution_count: 3, transient: {} }),
        message("error", error),
      ),
      [
        display("a"),
        { output_type: "execute_result", ...text("1"), execution_count: 3 },
        { output_type: "error", ...error },
      ],
    );
  });

  it("joins the text of one stream, at its first position", () => {
    assertEquals(
      collect(print("stdout", "a\n"), print("stderr", "b\n"), show("x"), print("stdout", "c\n")),
      [stream("stdout", "a\nc\n"), stream("stderr", "b\n"), display("x")],
    );
  });

  it("updates all outputs with an id, in earlier cells too", () => {
    const collector = new OutputCollector();
    const first = collector.beginCell();
    for (const each of [show("0 %", "p"), show("other", "q"), show("0 %", "p")]) {
      collector.accept(each);
    }
    const second = collector.beginCell();
    for (const each of [update("100 %", "p"), update("?", "unknown")]) collector.accept(each);
    assertEquals(first, [display("100 %"), display("other"), display("100 %")]);
    assertEquals(second, []);
  });

  it("clears at once, or at the next output", () => {
    const clear = (wait: boolean) => message("clear_output", { wait });
    assertEquals(collect(show("a"), clear(false)), []);
    assertEquals(collect(show("a"), clear(true)), [display("a")]);
    assertEquals(collect(show("a"), clear(true), show("b"), show("c")), [
      display("b"),
      display("c"),
    ]);
    assertEquals(collect(print("stdout", "a"), clear(true), print("stdout", "b")), [
      stream("stdout", "b"),
    ]);
  });
});
