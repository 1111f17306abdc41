/**
 * A small ZeroMQ client: ZMTP 3.0 over TCP, NULL security, the DEALER and SUB socket types.
 *
 * Jupyter kernels use ZeroMQ. The npm bindings crash in Deno, and a client needs only a small part of the protocol: a greeting, one
 * READY command each way, then length-prefixed frames. Specification: https://rfc.zeromq.org/spec/23/
 *
 * @module
 */

import { concat } from "./bytes.ts";

/** The socket types that a Jupyter client needs, for requests with replies and for subscriptions. */
export type SocketType = "DEALER" | "SUB";

/** A message: one or more frames, which arrive together or not at all. */
export type Frames = Uint8Array[];

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

const GREETING_LENGTH = 64;

/** A longer frame is a sign of a corrupt stream. */
const MAX_FRAME_LENGTH = 1 << 30;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * One connection to a ZeroMQ peer.
 *
 * @example
 * ```ts ignore
 * using socket = await ZmtpSocket.connect("DEALER", 5555);
 * await socket.send([new TextEncoder().encode("hello")]);
 * const reply = await socket.receive();
 * ```
 */
export class ZmtpSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #incoming: ByteQueue;
  #lastWrite: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#incoming = new ByteQueue(connection);
  }

  /**
   * Connects to a peer, which must use ZMTP 3 with NULL security.
   *
   * @param type The type of the socket.
   * @param port The peer's TCP port.
   * @param hostname The peer's address.
   * @returns A socket that is ready to send and receive.
   */
  static async connect(
    type: SocketType,
    port: number,
    hostname = "127.0.0.1",
  ): Promise<ZmtpSocket> {
    const connection = await Deno.connect({ port, hostname });
    const socket = new ZmtpSocket(connection);
    try {
      connection.setNoDelay(true);
      await socket.#shakeHands(type);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /**
   * Sends one message.
   *
   * @param frames The parts of the message, at least one.
   */
  async send(frames: Frames): Promise<void> {
    if (frames.length === 0) throw new TypeError("Cannot send a message without frames");
    await this.#write(concat(
      frames.flatMap((frame, i) => encodeFrame(i < frames.length - 1 ? MORE : 0, frame)),
    ));
  }

  /**
   * Subscribes to the messages whose first frame begins with a prefix.
   *
   * @param prefix The prefix; the default is that of all messages.
   */
  async subscribe(prefix = ""): Promise<void> {
    await this.send([concat([Uint8Array.of(1), encoder.encode(prefix)])]);
  }

  /**
   * Waits for the next message. Calls must not overlap.
   *
   * @returns The message, or `null` if the connection has ended.
   */
  async receive(): Promise<Frames | null> {
    const frames: Frames = [];
    while (true) {
      const frame = await this.#readFrame();
      if (frame === null) return null;
      if (frame.flags & COMMAND) continue; // Heartbeats and the like.
      frames.push(frame.body);
      if (!(frame.flags & MORE)) return frames;
    }
  }

  /** Ends the connection; a pending {@linkcode receive} then gives `null`. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  /** Closes the socket at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #shakeHands(type: SocketType): Promise<void> {
    await this.#write(greeting());
    const theirs = await this.#incoming.take(GREETING_LENGTH);
    if (theirs === null || theirs[0] !== 0xff || theirs[9] !== 0x7f) {
      throw new TypeError("Cannot connect as the peer must use ZMTP");
    }
    const mechanism = decoder.decode(theirs.subarray(12, 32)).replace(/\0+$/, "");
    if (theirs[10] < 3 || mechanism !== "NULL") {
      throw new TypeError(
        `Cannot connect as the peer must use ZMTP 3 with NULL security: ` +
          `current version is ${theirs[10]}, mechanism is "${mechanism}"`,
      );
    }
    const ready = concat([
      shortText("READY"),
      ...property("Socket-Type", type),
      ...property("Identity", ""),
    ]);
    await this.#write(concat(encodeFrame(COMMAND, ready)));
    const reply = await this.#readFrame();
    const name = reply && decoder.decode(reply.body.subarray(1, 1 + reply.body[0]));
    if (reply === null || !(reply.flags & COMMAND) || name !== "READY") {
      throw new TypeError(`Cannot connect as the peer answered ${name ?? "nothing"}, not READY`);
    }
  }

  async #readFrame(): Promise<{ flags: number; body: Uint8Array } | null> {
    const flags = await this.#incoming.take(1);
    if (flags === null) return null;
    const size = await this.#incoming.take(flags[0] & LONG ? 8 : 1);
    if (size === null) return null;
    const length = size.reduce((sum, byte) => sum * 256 + byte, 0);
    if (length > MAX_FRAME_LENGTH) {
      throw new RangeError(
        `Cannot read a frame as it must be <= ${MAX_FRAME_LENGTH} bytes: current length is ${length}`,
      );
    }
    const body = await this.#incoming.take(length);
    return body && { flags: flags[0], body };
  }

  /** Writes after all earlier writes, so that messages sent at the same time do not mix their bytes. */
  #write(bytes: Uint8Array): Promise<void> {
    const write = this.#lastWrite.then(async () => {
      let done = 0;
      while (done < bytes.length) done += await this.#connection.write(bytes.subarray(done));
    });
    this.#lastWrite = write.catch(() => {});
    return write;
  }
}

/** Collects what TCP delivers until there are as many bytes as the protocol needs next. */
class ByteQueue {
  readonly #connection: Deno.TcpConn;
  readonly #chunk = new Uint8Array(1 << 16);
  #unread = this.#chunk.subarray(0, 0);

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** A new array of exactly `length` bytes, or `null` if the connection ends before. */
  async take(length: number): Promise<Uint8Array | null> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (this.#unread.length === 0 && !(await this.#refill())) return null;
      const part = this.#unread.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#unread = this.#unread.subarray(part.length);
    }
    return bytes;
  }

  async #refill(): Promise<boolean> {
    try {
      const count = await this.#connection.read(this.#chunk);
      this.#unread = this.#chunk.subarray(0, count ?? 0);
      return count !== null;
    } catch (error) {
      if (isEndOfConnection(error)) return false;
      throw error;
    }
  }
}

/** True for errors that only mean that this side closed the socket, or that the peer's process ended. */
function isEndOfConnection(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset;
}

/** 64 bytes: the signature, version 3.0, mechanism NULL, not a server, and zeros. */
function greeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_LENGTH);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.set(encoder.encode("NULL"), 12);
  return bytes;
}

/** Flags, the length in one byte or eight, and the body, which is not copied. */
function encodeFrame(flags: number, body: Uint8Array): Uint8Array[] {
  if (body.length < 256) return [Uint8Array.of(flags, body.length), body];
  const header = new Uint8Array(9);
  header[0] = flags | LONG;
  new DataView(header.buffer).setBigUint64(1, BigInt(body.length));
  return [header, body];
}

/** The length of a text in one byte, and the text. */
function shortText(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return concat([Uint8Array.of(bytes.length), bytes]);
}

/** A name after its length in one byte, and a value after its length in four. */
function property(name: string, value: string): Uint8Array[] {
  const bytes = encoder.encode(value);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return [shortText(name), length, bytes];
}
