/** Jupyter messages and their signatures. */

import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { MessageCodec } from "../../notebooks/_kit/kernel/jupyter_message.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A message of a kernel, signed by node's HMAC. */
function kernelMessage(key: string, parent: object, content: object): Uint8Array[] {
  const parts = [{ msg_type: "status", msg_id: "1" }, parent, {}, content]
    .map((part) => JSON.stringify(part));
  const signature = createHmac("sha256", key).update(parts.join("")).digest("hex");
  return ["topic", "<IDS|MSG>", signature, ...parts].map(encode);
}

describe("MessageCodec", () => {
  it("signs header, parent, metadata and content", async () => {
    const codec = await MessageCodec.create("secret");
    const { id, frames } = await codec.encode("execute_request", { code: "1 + 1" });
    const [delimiter, signature, ...parts] = frames.map(decode);
    const [header, parent, metadata, content] = parts.map((part) => JSON.parse(part));
    assertEquals(delimiter, "<IDS|MSG>");
    assertEquals(signature, createHmac("sha256", "secret").update(parts.join("")).digest("hex"));
    assertEquals([header.msg_id, header.msg_type], [id, "execute_request"]);
    assertEquals([parent, metadata, content], [{}, {}, { code: "1 + 1" }]);
  });

  it("gives each request its own id, in one session", async () => {
    const codec = await MessageCodec.create("secret");
    const requests = [await codec.encode("a", {}), await codec.encode("b", {})];
    assertNotEquals(requests[0].id, requests[1].id);
    const [a, b] = requests.map(({ frames }) => JSON.parse(decode(frames[2])).session);
    assertEquals(a, b);
  });

  it("reads the messages of a kernel", async () => {
    const codec = await MessageCodec.create("secret");
    const content = { execution_state: "idle", text: "损失" };
    assertEquals(await codec.decode(kernelMessage("secret", { msg_id: "7" }, content)), {
      type: "status",
      parent: "7",
      content,
    });
    const unasked = await codec.decode(kernelMessage("secret", {}, content));
    assertEquals(unasked.parent, "");
  });

  it("refuses other keys, changed messages and missing frames", async () => {
    const codec = await MessageCodec.create("secret");
    const refuse = (frames: Uint8Array[], message: string) =>
      assertRejects(() => codec.decode(frames), TypeError, message);
    await refuse(kernelMessage("guess", {}, {}), "its signature is wrong");
    const changed = kernelMessage("secret", {}, { n: 1 });
    changed[6] = encode(`{"n":2}`);
    await refuse(changed, "its signature is wrong");
    await refuse(kernelMessage("secret", {}, {}).slice(0, 6), "current message has 6 frames");
    await refuse([encode("x")], "must have a delimiter");
  });
});
