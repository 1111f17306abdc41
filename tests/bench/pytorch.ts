/** PyTorch in a process of its own that runs as long as the benchmark. */
import { fileURLToPath } from "node:url";
import type { Contender, Runner } from "./contender.ts";
import type { Input } from "./inputs.ts";
import type { Row } from "./rows.ts";

const SCRIPT = fileURLToPath(new URL("pytorch.py", import.meta.url));

/** Pause after PyTorch has used all threads. They spin for a moment before they sleep, which would slow the next contender. */
const CALM_MS = 10;

/** PyTorch on one thread, and on as many as it uses by default. */
export class PyTorch implements AsyncDisposable {
  readonly version: string;
  readonly threads: number;
  /** The Python that runs it. */
  readonly python: string;
  readonly #child: Connection;
  #loaded: Row | undefined;

  private constructor(python: string, child: Connection, version: string, threads: number) {
    this.python = python;
    this.#child = child;
    this.version = version;
    this.threads = threads;
  }

  /** Starts PyTorch with this Python; throws if this Python does not have it. */
  static async start(python: string): Promise<PyTorch> {
    const child = new Connection(python);
    const { version, threads } = await child.reply();
    return new PyTorch(python, child, version as string, threads as number);
  }

  /** PyTorch's contenders, which are measured in the same rounds as all others. */
  get contenders(): Contender[] {
    const contender = (name: string, threads: number): Contender => ({
      name,
      prepare: (row, inputs) => this.#prepare(row, inputs, threads),
    });
    const one = contender("PyTorch, 1 thread", 1);
    return this.threads > 1 ? [one, contender(`PyTorch, ${this.threads} threads`, 0)] : [one];
  }

  /** The peak memory of a few calls beside inputs and outputs in bytes; NaN where the system does not tell. */
  async peak(row: Row, inputs: Record<string, Input>, calls: number): Promise<number> {
    await this.#load(row, inputs);
    const { bytes } = await this.#child.ask({ do: "peak", calls });
    return bytes as number | null ?? NaN;
  }

  /** Seconds that the process has computed on all its threads. */
  async cpuSeconds(): Promise<number> {
    const { seconds } = await this.#child.ask({ do: "cpu" });
    return seconds as number;
  }

  async #prepare(row: Row, inputs: Record<string, Input>, threads: number): Promise<Runner> {
    if (this.#loaded !== row) {
      await this.#load(row, inputs);
      this.#loaded = row;
    }
    return {
      time: async (calls) => {
        const { seconds } = await this.#child.ask({ do: "time", calls, threads });
        if (threads !== 1) await new Promise((done) => setTimeout(done, CALM_MS));
        return seconds as number;
      },
      answer: async () => {
        const { value } = await this.#child.ask({ do: "answer" });
        const grads = [];
        for (const name of row.subject.wrt) {
          const bytes = await this.#child.bytes(inputs[name].data.byteLength);
          grads.push(
            row.dtype === "float32" ? new Float32Array(bytes) : new Float64Array(bytes),
          );
        }
        return { value: value as number, grads };
      },
      dispose() {},
    };
  }

  async #load(row: Row, inputs: Record<string, Input>): Promise<void> {
    const specs = Object.entries(inputs).map(([name, { data, shape }]) => ({
      name,
      shape,
      dtype: data.constructor.name.replace("Array", "").toLowerCase(),
      bytes: data.byteLength,
    }));
    const { loss, wrt } = row.subject;
    const blobs = Object.values(inputs).map(({ data }) =>
      new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    );
    await this.#child.ask({ do: "load", loss, wrt, inputs: specs }, blobs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.close();
  }
}

/** The connection to the process: lines of JSON, each of which may be followed by bytes. */
class Connection {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #rest = new Uint8Array();

  constructor(python: string) {
    this.#process = new Deno.Command(python, {
      args: [SCRIPT],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reader = this.#process.stdout.getReader();
  }

  async ask(
    message: object,
    blobs: readonly Uint8Array<ArrayBuffer>[] = [],
  ): Promise<Record<string, unknown>> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
    for (const blob of blobs) await this.#writer.write(blob);
    return await this.reply();
  }

  async reply(): Promise<Record<string, unknown>> {
    let end: number;
    while ((end = this.#rest.indexOf(10)) < 0) {
      const chunk = await this.#chunk();
      const joined = new Uint8Array(this.#rest.length + chunk.length);
      joined.set(this.#rest);
      joined.set(chunk, this.#rest.length);
      this.#rest = joined;
    }
    const line = new TextDecoder().decode(this.#rest.subarray(0, end));
    this.#rest = this.#rest.subarray(end + 1);
    return JSON.parse(line);
  }

  async bytes(length: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const chunk = this.#rest.length > 0 ? this.#rest : await this.#chunk();
      const used = chunk.subarray(0, length - filled);
      bytes.set(used, filled);
      filled += used.length;
      this.#rest = chunk.subarray(used.length);
    }
    return bytes.buffer;
  }

  async #chunk(): Promise<Uint8Array<ArrayBuffer>> {
    const { value } = await this.#reader.read();
    if (value === undefined) throw new Error("PyTorch's process ended");
    return value;
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#process.status;
  }
}
