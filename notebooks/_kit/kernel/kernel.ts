/**
 * A client of the Deno kernel, `deno jupyter --kernel`, in TypeScript.
 *
 * This folder starts a kernel, runs code in it and passes on its messages. It does not know what a notebook is: code comes in as
 * text, outputs go out as messages.
 *
 * @module
 */

import { type Message, MessageCodec } from "./jupyter_message.ts";
import { ZmtpSocket } from "./zmtp.ts";

/** How to start a kernel. */
export interface KernelOptions {
  /** The working directory: relative imports and deno.json are looked up from here. */
  cwd: string;
  /** Aborting it kills the kernel. */
  signal?: AbortSignal;
}

/** How to run a piece of code. */
export interface ExecuteOptions {
  /** The time that it may take, in milliseconds. */
  timeout: number;
  /** Called with every message that the code causes, including its outputs. */
  onMessage?: (message: Message) => void;
}

/** The result of running a piece of code. */
export interface Execution {
  /** The number in `In [n]`. */
  executionCount: number;
  /** The error that the code threw, if it threw one. */
  error?: { ename: string; evalue: string; traceback: string[] };
  /** Errors that no code handled: rejected promises, exceptions in timers. */
  unhandled: string[];
}

/** The error if the kernel has died, does not answer, or was stopped. */
export class KernelError extends Error {
  /** The class's name, for printing. */
  override readonly name = "KernelError";
}

const START_TIMEOUT = 30_000;
const START_ATTEMPTS = 3;
const SHUTDOWN_TIMEOUT = 2_000;
const RETRY_DELAY = 10;

/** The time after the last cell in which unhandled errors are still reported, in milliseconds. */
const SETTLE_TIME = 50;

const FENCE_TYPE = "application/vnd.lossbook.fence+json";

/**
 * Code that runs in the kernel before the first cell.
 *
 * The kernel ignores rejected promises and errors in timers, so they are collected here. The function `fence` sends them through
 * the channel of the outputs. Once they arrive, all earlier outputs have arrived too, which the kernel's "idle" does not guarantee.
 * The interval ends the kernel if the runner was killed and could not end it.
 */
const SETUP = `{
  const unhandled = [];
  const { setInterval, setTimeout, Promise } = globalThis;
  const note = (error) =>
    unhandled.push(error instanceof Error ? error.stack ?? String(error) : Deno.inspect(error));
  addEventListener("unhandledrejection", (event) => { note(event.reason); event.preventDefault(); });
  addEventListener("error", (event) => { note(event.error); event.preventDefault(); });
  const { ppid } = Deno;
  Deno.unrefTimer(setInterval(() => Deno.ppid === ppid || Deno.exit(1), 1000));
  Object.defineProperty(globalThis, Symbol.for("lossbook.fence"), {
    value: async (id, wait) => {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const data = { "${FENCE_TYPE}": { id, unhandled: unhandled.splice(0) } };
      await Deno.jupyter.broadcast("display_data", { data, metadata: {}, transient: {} });
    },
  });
}`;

/**
 * A running Deno kernel. It is stopped at the end of an `await using` block.
 *
 * @example
 * ```ts ignore
 * await using kernel = await Kernel.start({ cwd: "notebooks" });
 * const { error } = await kernel.execute("console.log(1 + 1)", { timeout: 1000 });
 * ```
 */
export class Kernel implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  /** Rejects as soon as the kernel can no longer answer. */
  readonly #lost = Promise.withResolvers<never>();
  readonly #signal?: AbortSignal;
  readonly #sockets: ZmtpSocket[] = [];
  readonly #readers: Promise<void>[] = [];
  readonly #replies = new Map<string, (message: Message) => void>();
  #onOutput: (message: Message) => void = () => {};
  #codec!: MessageCodec;
  #shell!: ZmtpSocket;
  #control!: ZmtpSocket;

  private constructor(connectionFile: string, { cwd, signal }: KernelOptions) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["jupyter", "--kernel", "--conn", connectionFile],
      cwd,
      // Without colours, which would be stored in the outputs; FORCE_COLOR would take precedence over NO_COLOR.
      env: { NO_COLOR: "1", FORCE_COLOR: "", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#process.stderr).text();
    this.#lost.promise.catch(() => {}); // Only calls that wait for the kernel report it.
    this.#process.status.then((status) => this.#reportDeath(status));
    this.#signal = signal;
    signal?.addEventListener("abort", this.kill);
    if (signal?.aborted) this.kill();
  }

  /**
   * Starts a kernel and waits until it answers.
   *
   * @param options How to start it.
   * @returns The kernel.
   * @throws {KernelError} If it does not start; the message contains what the kernel printed.
   */
  static async start(options: KernelOptions): Promise<Kernel> {
    for (let attempt = 1;; attempt++) {
      try {
        return await Kernel.#startOnce(options);
      } catch (error) {
        // Another program may have taken one of the ports before the kernel did.
        const retry = error instanceof KernelError && !options.signal?.aborted;
        if (!retry || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  static async #startOnce(options: KernelOptions): Promise<Kernel> {
    const connectionFile = await Deno.makeTempFile({ prefix: "lossbook-kernel-", suffix: ".json" });
    const ports = findFreePorts();
    const key = crypto.randomUUID();
    await Deno.writeTextFile(connectionFile, connectionText(ports, key));
    const kernel = new Kernel(connectionFile, options);
    try {
      kernel.#codec = await MessageCodec.create(key);
      await kernel.#within(START_TIMEOUT, kernel.#connect(ports));
      // Silent code is not counted, so that the first cell is In [1].
      const setup = kernel.#ask(SETUP, { silent: true, store_history: false });
      const { content } = await kernel.#within(START_TIMEOUT, setup);
      if (content.status !== "ok") {
        throw new KernelError(`the kernel refused its setup: ${content.evalue}`);
      }
      return kernel;
    } catch (error) {
      kernel.kill();
      await kernel.stop();
      throw error;
    } finally {
      await Deno.remove(connectionFile); // The kernel has read it, and it contains the key.
    }
  }

  /**
   * Runs a piece of code and waits until its last output has arrived.
   *
   * @param code The code of a cell.
   * @param options How to run it.
   * @returns The result, which includes an error that the code threw.
   * @throws {KernelError} If the kernel dies, is killed, or does not answer in time.
   */
  async execute(code: string, options: ExecuteOptions): Promise<Execution> {
    return await this.#within(options.timeout, this.#execute(code, options));
  }

  /**
   * Waits a moment for unhandled errors.
   *
   * @param timeout The time that the kernel may take to answer, in milliseconds.
   * @returns The unhandled errors since the last execution.
   */
  async settle(timeout: number): Promise<string[]> {
    return await this.#within(timeout, this.#fence(SETTLE_TIME));
  }

  /** Ends the process at once. */
  readonly kill = (): void => {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };

  /** Asks the kernel to end, kills it if it does not, and frees all resources. */
  async stop(): Promise<void> {
    const watchdog = setTimeout(this.kill, SHUTDOWN_TIMEOUT);
    if (this.#control) {
      await this.#request(this.#control, "shutdown_request", { restart: false }).catch(this.kill);
    } else {
      this.kill();
    }
    await this.#process.status;
    clearTimeout(watchdog);
    this.#signal?.removeEventListener("abort", this.kill);
    for (const socket of this.#sockets) socket.close();
    await Promise.all(this.#readers);
    await this.#stderr;
  }

  /** Stops the kernel at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #connect(ports: Ports): Promise<void> {
    const iopub = await this.#open("SUB", ports.iopub_port);
    this.#shell = await this.#open("DEALER", ports.shell_port);
    this.#control = await this.#open("DEALER", ports.control_port);
    const awake = Promise.withResolvers<void>();
    this.#onOutput = () => awake.resolve();
    this.#read(iopub, (message) => this.#onOutput(message));
    this.#read(this.#shell, (message) => {
      this.#replies.get(message.parent)?.(message);
      this.#replies.delete(message.parent);
    });
    // The kernel often misses a subscription right after the handshake, so it is repeated until one works.
    let isAwake = false;
    awake.promise.then(() => isAwake = true);
    while (!isAwake) {
      await iopub.subscribe();
      await this.#request(this.#shell, "kernel_info_request", {});
      await Promise.race([awake.promise, delay(RETRY_DELAY)]);
    }
  }

  /** Connects, once the kernel listens. */
  async #open(type: "DEALER" | "SUB", port: number): Promise<ZmtpSocket> {
    while (true) {
      try {
        const socket = await ZmtpSocket.connect(type, port);
        this.#sockets.push(socket);
        return socket;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await Promise.race([delay(RETRY_DELAY), this.#lost.promise]);
      }
    }
  }

  async #execute(code: string, { onMessage }: ExecuteOptions): Promise<Execution> {
    this.#onOutput = (message) => onMessage?.(message);
    const { content } = await this.#ask(code, { silent: false, store_history: true });
    const { ename, evalue, traceback } = content as unknown as NonNullable<Execution["error"]>;
    return {
      executionCount: content.execution_count as number,
      ...(content.status !== "ok" && { error: { ename, evalue, traceback } }),
      unhandled: await this.#fence(0),
    };
  }

  /** Waits until all outputs have arrived, and returns the unhandled errors. */
  async #fence(wait: number): Promise<string[]> {
    const id = crypto.randomUUID();
    const passed = Promise.withResolvers<string[]>();
    const before = this.#onOutput;
    this.#onOutput = (message) => {
      const fence = (message.content.data as Record<string, Fence> | undefined)?.[FENCE_TYPE];
      if (fence?.id === id) passed.resolve(fence.unhandled);
      else before(message);
    };
    const code = `await globalThis[Symbol.for("lossbook.fence")](${JSON.stringify(id)}, ${wait})`;
    await this.#ask(code, { silent: true, store_history: false });
    const unhandled = await passed.promise;
    this.#onOutput = before;
    return unhandled;
  }

  /** Sends an execution request and waits for its reply. */
  async #ask(code: string, flags: { silent: boolean; store_history: boolean }): Promise<Message> {
    const reply = Promise.withResolvers<Message>();
    const request = { code, ...flags, allow_stdin: false, stop_on_error: false };
    await this.#request(
      this.#shell,
      "execute_request",
      { ...request, user_expressions: {} },
      reply.resolve,
    );
    return await reply.promise;
  }

  async #request(
    socket: ZmtpSocket,
    type: string,
    content: Record<string, unknown>,
    onReply?: (message: Message) => void,
  ): Promise<void> {
    const { id, frames } = await this.#codec.encode(type, content);
    if (onReply) this.#replies.set(id, onReply);
    await socket.send(frames);
  }

  /** Passes on the messages that a socket receives, until it is closed. */
  #read(socket: ZmtpSocket, accept: (message: Message) => void): void {
    const loop = async () => {
      for (let frames = await socket.receive(); frames; frames = await socket.receive()) {
        accept(await this.#codec.decode(frames));
      }
    };
    this.#readers.push(
      loop().catch((error) => {
        this.#lost.reject(
          new KernelError(`the kernel sent a message that cannot be read: ${error.message}`),
        );
        this.kill();
      }),
    );
  }

  /** Waits for the kernel, and kills it if it takes too long. */
  async #within<T>(timeout: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#lost.reject(new KernelError(`the kernel gave no answer within ${timeout / 1000} s`));
      this.kill();
    }, timeout);
    work.catch(() => {}); // If the kernel is lost, this fails after the function has thrown.
    try {
      return await Promise.race([work, this.#lost.promise]);
    } catch (error) {
      // The end of the kernel explains more than the broken connection that it causes.
      if (!(error instanceof KernelError)) await Promise.race([this.#lost.promise, delay(500)]);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #reportDeath({ code, signal }: Deno.CommandStatus): Promise<void> {
    const stderr = (await this.#stderr).replace(/^Warning "deno jupyter" is unstable.*\n/, "");
    const how = this.#signal?.aborted ? "was stopped" : `died (${signal ?? `exit code ${code}`})`;
    const last = stderr.trim().split("\n").slice(-10).join("\n");
    this.#lost.reject(new KernelError(`the kernel ${how}${last && `; it printed:\n${last}`}`));
  }
}

interface Fence {
  id: string;
  unhandled: string[];
}

/** The five ports of a kernel, by their names in the connection file. */
type Ports = Record<typeof PORT_NAMES[number], number>;

const PORT_NAMES = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;

/** Ports chosen by the operating system; all are open at the same time, so that they differ. */
function findFreePorts(): Ports {
  const listeners = PORT_NAMES.map(() => Deno.listen({ port: 0, hostname: "127.0.0.1" }));
  const ports = PORT_NAMES.map((name, i) => [name, listeners[i].addr.port]);
  for (const listener of listeners) listener.close();
  return Object.fromEntries(ports);
}

/** The connection file: where the kernel listens, and the secret that signs all messages. */
function connectionText(ports: Ports, key: string): string {
  const fixed = { ip: "127.0.0.1", transport: "tcp", signature_scheme: "hmac-sha256" };
  return JSON.stringify({ ...fixed, ...ports, key });
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
