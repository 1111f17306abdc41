/**
 * Jupyter messages, which are sent in ZeroMQ frames and signed with HMAC-SHA256.
 * Specification: https://jupyter-client.readthedocs.io/en/stable/messaging.html
 *
 * @module
 */

import { concat } from "./bytes.ts";
import type { Frames } from "./zmtp.ts";

/** The parts of a received message that a client needs. */
export interface Message {
  /** The type, such as `execute_reply`. */
  type: string;
  /** The id of the request that caused it, or "" if there is none. */
  parent: string;
  /** The content; its fields depend on the type. */
  content: Record<string, unknown>;
}

/** A message to be sent. */
export interface Request {
  /** Its id, to which the replies refer. */
  id: string;
  /** Its bytes. */
  frames: Frames;
}

const DELIMITER = "<IDS|MSG>";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes and reads the messages of one session, all signed with one key. */
export class MessageCodec {
  readonly #key: CryptoKey;
  readonly #session = crypto.randomUUID();

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  /**
   * Makes a codec.
   *
   * @param key The secret in the kernel's connection file.
   * @returns A codec for a new session.
   */
  static async create(key: string): Promise<MessageCodec> {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const bytes = encoder.encode(key);
    return new MessageCodec(
      await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]),
    );
  }

  /**
   * Makes a signed request.
   *
   * @param type The type, such as `execute_request`.
   * @param content The content.
   * @returns The request's id and bytes.
   */
  async encode(type: string, content: Record<string, unknown>): Promise<Request> {
    const id = crypto.randomUUID();
    const header = {
      msg_id: id,
      session: this.#session,
      username: "lossbook",
      date: new Date().toISOString(),
      msg_type: type,
      version: "5.3",
    };
    const parts = [header, {}, {}, content].map((part) => encoder.encode(JSON.stringify(part)));
    // The signature is that of the four parts, concatenated.
    const signature = new Uint8Array(await crypto.subtle.sign("HMAC", this.#key, concat(parts)));
    return {
      id,
      frames: [encoder.encode(DELIMITER), encoder.encode(signature.toHex()), ...parts],
    };
  }

  /**
   * Reads a message and verifies its signature.
   *
   * @param frames The frames that the socket received.
   * @returns The message.
   */
  async decode(frames: Frames): Promise<Message> {
    const start = frames.findIndex((frame) => decoder.decode(frame) === DELIMITER) + 1;
    const [signature, ...parts] = frames.slice(start, start + 5);
    if (start === 0 || parts.length !== 4) {
      throw new TypeError(
        `Cannot read a message as it must have a delimiter and 5 frames after it: ` +
          `current message has ${frames.length} frames`,
      );
    }
    const claimed = Uint8Array.fromHex(decoder.decode(signature));
    if (!await crypto.subtle.verify("HMAC", this.#key, claimed, concat(parts))) {
      throw new TypeError("Cannot read a message as its signature is wrong");
    }
    const [header, parent, , content] = parts.map((part) => JSON.parse(decoder.decode(part)));
    return { type: header.msg_type, parent: parent.msg_id ?? "", content };
  }
}
