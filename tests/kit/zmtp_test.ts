/** The ZeroMQ client, with a peer whose bytes are written out. */

import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type SocketType, ZmtpSocket } from "../../notebooks/_kit/kernel/zmtp.ts";

const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** The greeting of a ZMTP 3 peer, as specified. */
function greeting({ first = 0xff, version = 3, mechanism = "NULL" } = {}): number[] {
  const name = ascii(mechanism);
  return [first, ...zeros(8), 0x7f, version, 0, ...name, ...zeros(52 - name.length)];
}

const READY = [4, 6, 5, ...ascii("READY")];

/** The first bytes of a client of some type: the greeting, then READY with its type and no identity. */
function clientReady(type: SocketType): number[] {
  const body = [
    ...[5, ...ascii("READY")],
    ...[11, ...ascii("Socket-Type"), 0, 0, 0, type.length, ...ascii(type)],
    ...[8, ...ascii("Identity"), 0, 0, 0, 0],
  ];
  return [4, body.length, ...body];
}

/** The peer's side of one connection. */
class Peer {
  readonly #connection: Deno.TcpConn;
  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }
  async send(...bytes: number[]): Promise<void> {
    await this.#connection.write(Uint8Array.from(bytes));
  }
  async receive(length: number): Promise<number[]> {
    return [...await this.receiveBytes(length)];
  }
  async receiveBytes(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#connection.read(bytes.subarray(filled));
      if (count === null) throw new Error(`the client sent only ${filled} bytes`);
      filled += count;
    }
    return bytes;
  }
  /** Waits until the client has closed the connection. */
  async end(): Promise<void> {
    while (await this.#connection.read(new Uint8Array(64)) !== null);
  }
}

/** Connects a client to a peer, whose script may continue after the handshake. */
async function talk(
  serve: (peer: Peer) => Promise<void>,
  use: (socket: ZmtpSocket, peer: Promise<void>) => Promise<void>,
  { type = "DEALER" as SocketType, hello = [...greeting(), ...READY] } = {},
): Promise<void> {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    using connection = await listener.accept();
    const peer = new Peer(connection);
    await peer.send(...hello);
    await serve(peer);
  })();
  const client = async () => {
    using socket = await ZmtpSocket.connect(type, listener.addr.port);
    await use(socket, serving);
  };
  const outcomes = await Promise.allSettled([client(), serving]);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Reads a handshake on the peer's side. */
async function skipHandshake(peer: Peer, type: SocketType = "DEALER"): Promise<void> {
  await peer.receive(64 + clientReady(type).length);
}

describe("the handshake", () => {
  for (const type of ["DEALER", "SUB"] as const) {
    it(`sends the greeting and READY of a ${type} socket`, async () => {
      await talk(
        async (peer) => {
          assertEquals(await peer.receive(64), greeting());
          const expected = clientReady(type);
          assertEquals(await peer.receive(expected.length), expected);
        },
        (_, peer) => peer,
        { type },
      );
    });
  }

  it("refuses peers with another protocol, version, mechanism or reply", async () => {
    const refuse = async (hello: number[], message: string) => {
      const refused = talk((peer) => peer.end(), async () => {}, { hello });
      await assertRejects(() => refused, TypeError, message);
    };
    await refuse(greeting({ first: 0 }), "must use ZMTP");
    await refuse(ascii("HTTP/1.1 400 Bad Request\r\n".repeat(3)), "must use ZMTP");
    await refuse(greeting({ version: 2 }), "current version is 2");
    await refuse(greeting({ mechanism: "CURVE" }), 'mechanism is "CURVE"');
    await refuse([...greeting(), 4, 6, 5, ...ascii("ERROR")], "answered ERROR, not READY");
    await refuse([...greeting(), 0, 6, 5, ...ascii("READY")], "not READY");
    const silent = talk(skipHandshake, async () => {}, { hello: greeting() });
    await assertRejects(() => silent, TypeError, "answered nothing");
  });

  it("fails if no peer listens", async () => {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = listener.addr;
    listener.close();
    await assertRejects(
      () => ZmtpSocket.connect("DEALER", port),
      Deno.errors.ConnectionRefused,
    );
  });
});

describe("sending", () => {
  it("marks all frames but the last, and gives a frame of 256 bytes a long header", async () => {
    const short = new Uint8Array(255).fill(1);
    const long = new Uint8Array(256).fill(2);
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        assertEquals(await peer.receive(2), [1, 0]);
        assertEquals(await peer.receive(257), [1, 255, ...short]);
        assertEquals(await peer.receive(265), [2, 0, 0, 0, 0, 0, 0, 1, 0, ...long]);
      },
      async (socket, peer) => {
        await socket.send([new Uint8Array(0), short, long]);
        await peer;
      },
    );
  });

  it("does not mix the bytes of two messages that are sent at the same time", async () => {
    const size = 20_000_000; // more than TCP's buffers take at once
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        for (const byte of [7, 8]) {
          const frame = await peer.receiveBytes(size + 9);
          assertEquals([frame[0], frame[9], frame.at(-1)], [2, byte, byte]);
          assertEquals(frame.subarray(9).every((x) => x === byte), true);
        }
      },
      async (socket, peer) => {
        const messages = [7, 8].map((byte) => socket.send([new Uint8Array(size).fill(byte)]));
        await Promise.all([...messages, peer]);
      },
    );
  });

  it("subscribes with a message that begins with 1", async () => {
    await talk(
      async (peer) => {
        await skipHandshake(peer, "SUB");
        assertEquals(await peer.receive(3), [0, 1, 1]);
        assertEquals(await peer.receive(5), [0, 3, 1, ...ascii("ab")]);
      },
      async (socket, peer) => {
        await socket.subscribe();
        await socket.subscribe("ab");
        await peer;
      },
      { type: "SUB" },
    );
  });

  it("refuses a message without frames", async () => {
    await talk(skipHandshake, async (socket) => {
      await assertRejects(() => socket.send([]), TypeError, "without frames");
    });
  });
});

describe("receiving", () => {
  it("assembles frames from the pieces of TCP, and skips commands", async () => {
    const long = new Uint8Array(70_000).map((_, i) => i % 251);
    const bytes = [
      ...[1, 2, 10, 11], // a frame, more to come
      ...[4, 5, 4, ...ascii("PING")], // a command between
      ...[2, 0, 0, 0, 0, 0, 1, 0x11, 0x70, ...long],
      ...[0, 0], // a message that is one empty frame
    ];
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        for (const byte of bytes.slice(0, 20)) await peer.send(byte);
        await peer.send(...bytes.slice(20));
      },
      async (socket) => {
        const message = await socket.receive();
        assertEquals(message?.map((frame) => frame.length), [2, 70_000]);
        assertEquals(message, [Uint8Array.of(10, 11), long]);
        assertEquals(await socket.receive(), [new Uint8Array(0)]);
        assertEquals(await socket.receive(), null);
      },
    );
  });

  it("gives null if the peer ends in the middle of a message", async () => {
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        await peer.send(1, 2, 10, 11, 0, 9, 1);
      },
      async (socket) => assertEquals(await socket.receive(), null),
    );
  });

  it("gives null to a pending call if the socket is closed", async () => {
    const closed = Promise.withResolvers<void>();
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        await closed.promise;
      },
      async (socket) => {
        const waiting = socket.receive();
        socket.close();
        assertEquals(await waiting, null);
        closed.resolve();
      },
    );
  });

  it("refuses an absurd length as a corrupt stream, and does not allocate it", async () => {
    await talk(
      async (peer) => {
        await skipHandshake(peer);
        await peer.send(2, 0x7f, ...zeros(7));
      },
      async (socket) => {
        await assertRejects(() => socket.receive(), RangeError, "current length is 91");
      },
    );
  });
});
