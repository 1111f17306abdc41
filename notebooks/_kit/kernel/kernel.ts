/**
 * Drives the real Deno kernel, `deno jupyter --kernel`, from TypeScript.
 *
 * @module
 */

import { type Message, MessageCodec } from "./jupyter_message.ts";
import { ZmtpSocket } from "./zmtp.ts";

/** How to start a kernel. */
export interface KernelOptions {
  /** The folder in which cells run: relative imports and deno.json are looked up from here. */
  cwd: string;
  /** Kills the kernel when it is aborted. */
  signal?: AbortSignal;
}

/** How to run a piece of code. */
export interface ExecuteOptions {
  /** How long it may take, in milliseconds. */
  timeout: number;
  /** Is told every message that the code causes, outputs among them. */
  onMessage?: (message: Message) => void;
}

/** What the kernel said about a piece of code. */
export interface Execution {
  /** The number in `In [n]`. */
  executionCount: number;
  /** The error that the code threw, if it threw one. */
  error?: { ename: string; evalue: string; traceback: string[] };
  /** Errors that nobody waited for: rejected promises, exceptions in timers. */
  floating: string[];
}

/** The kernel died, hangs, or was stopped. */
export class KernelError extends Error {
  /** The class's name, for printing. */
  override readonly name = "KernelError";
}

const START_TIMEOUT = 30_000;
const START_ATTEMPTS = 3;
const SHUTDOWN_TIMEOUT = 2_000;
const RETRY_DELAY = 10;

/** How long errors that nobody waits for get to surface after the last cell. */
const SETTLE_TIME = 50;

const FENCE_TYPE = "application/vnd.lossbook.fence+json";

/**
 * Runs in the kernel before the first cell.
 *
 * The kernel ignores rejected promises and errors in timers, so they are gathered here. `fence`
 * sends what was gathered down the same channel as all outputs: once it arrives, every output
 * that was sent before has arrived too, although the kernel may have said "idle" long ago.
 * The watch ends the kernel when the runner was killed and could not do that itself.
 */
const SETUP = `{
  const floating = [];
  const { setInterval, setTimeout, Promise } = globalThis;
  const note = (error) =>
    floating.push(error instanceof Error ? error.stack ?? String(error) : Deno.inspect(error));
  addEventListener("unhandledrejection", (event) => { note(event.reason); event.preventDefault(); });
  addEventListener("error", (event) => { note(event.error); event.preventDefault(); });
  const { ppid } = Deno;
  Deno.unrefTimer(setInterval(() => Deno.ppid === ppid || Deno.exit(1), 1000));
  Object.defineProperty(globalThis, Symbol.for("lossbook.fence"), {
    value: async (id, wait) => {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const data = { "${FENCE_TYPE}": { id, floating: floating.splice(0) } };
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
  /** Rejects as soon as the kernel cannot answer any more. */
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
      // Colours would get into the stored outputs; NO_COLOR alone loses against FORCE_COLOR.
      env: { NO_COLOR: "1", FORCE_COLOR: "", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#stderr = new Response(this.#process.stderr).text();
    this.#lost.promise.catch(() => {}); // whoever waits for the kernel is told; nobody has to
    this.#process.status.then((status) => this.#reportDeath(status));
    this.#signal = signal;
    signal?.addEventListener("abort", this.kill);
    if (signal?.aborted) this.kill();
  }

  /**
   * Starts a kernel and waits until it answers.
   *
   * @param options Where it runs
   * @returns The kernel
   * @throws {KernelError} if it does not start; the message says what the kernel printed
   */
  static async start(options: KernelOptions): Promise<Kernel> {
    for (let attempt = 1;; attempt++) {
      try {
        return await Kernel.#startOnce(options);
      } catch (error) {
        // Another program may have taken one of the free ports before the kernel did.
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
      // Silent code leaves In [1] to the first cell.
      const setup = kernel.#ask(SETUP, { silent: true, store_history: false });
      const { content } = await kernel.#within(START_TIMEOUT, setup);
      if (content.status !== "ok") throw new KernelError(`the kernel refuses: ${content.evalue}`);
      return kernel;
    } catch (error) {
      kernel.kill();
      await kernel.stop();
      throw error;
    } finally {
      await Deno.remove(connectionFile); // the kernel reads it once, and it holds the key
    }
  }

  /**
   * Runs a piece of code and waits until the last of its outputs has arrived.
   *
   * @param code The code, as it stands in a cell
   * @param options How long it may take, and who is told its outputs
   * @returns How it went; an error that the code threw is in the result
   * @throws {KernelError} if the kernel dies, is killed, or gives no answer in time
   */
  async execute(code: string, options: ExecuteOptions): Promise<Execution> {
    return await this.#within(options.timeout, this.#execute(code, options));
  }

  /**
   * Waits a moment for errors that nobody waits for.
   *
   * @param timeout How long the kernel may take to answer, in milliseconds
   * @returns Those that came up since the last execution
   */
  async settle(timeout: number): Promise<string[]> {
    return await this.#within(timeout, this.#fence(SETTLE_TIME));
  }

  /** Ends the process at once, whatever it is doing. */
  readonly kill = (): void => {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended already
    }
  };

  /** Asks the kernel to end, ends it if it does not, and frees everything. */
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
    // The kernel often misses a subscription right after the handshake: ask until one works.
    let isAwake = false;
    awake.promise.then(() => isAwake = true);
    while (!isAwake) {
      await iopub.subscribe();
      await this.#request(this.#shell, "kernel_info_request", {});
      await Promise.race([awake.promise, delay(RETRY_DELAY)]);
    }
  }

  /** Connects as soon as the kernel listens. */
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
      floating: await this.#fence(0),
    };
  }

  /** Waits until all outputs have arrived; gives the errors that nobody waited for. */
  async #fence(wait: number): Promise<string[]> {
    const id = crypto.randomUUID();
    const passed = Promise.withResolvers<string[]>();
    const before = this.#onOutput;
    this.#onOutput = (message) => {
      const fence = (message.content.data as Record<string, Fence> | undefined)?.[FENCE_TYPE];
      if (fence?.id === id) passed.resolve(fence.floating);
      else before(message);
    };
    const code = `await globalThis[Symbol.for("lossbook.fence")](${JSON.stringify(id)}, ${wait})`;
    await this.#ask(code, { silent: true, store_history: false });
    const floating = await passed.promise;
    this.#onOutput = before;
    return floating;
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

  /** Passes on what a socket receives, until it is closed. */
  #read(socket: ZmtpSocket, accept: (message: Message) => void): void {
    const loop = async () => {
      for (let frames = await socket.receive(); frames; frames = await socket.receive()) {
        accept(await this.#codec.decode(frames));
      }
    };
    this.#readers.push(
      loop().catch((error) => {
        this.#lost.reject(new KernelError(`the kernel sends garbage: ${error.message}`));
        this.kill();
      }),
    );
  }

  /** Waits for the kernel; kills it when it takes too long. */
  async #within<T>(timeout: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#lost.reject(new KernelError(`the kernel gave no answer within ${timeout / 1000} s`));
      this.kill();
    }, timeout);
    work.catch(() => {}); // fails too when the kernel is lost, after this function has thrown
    try {
      return await Promise.race([work, this.#lost.promise]);
    } catch (error) {
      // A broken connection says less than the reason why it broke.
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
    this.#lost.reject(new KernelError(`the kernel ${how}${last && `; its last words:\n${last}`}`));
  }
}

interface Fence {
  id: string;
  floating: string[];
}

/** The five ports of a kernel, under the names that the connection file gives them. */
type Ports = Record<typeof PORT_NAMES[number], number>;

const PORT_NAMES = ["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"] as const;

/** Lets the operating system choose; all are taken at once, so that they differ. */
function findFreePorts(): Ports {
  const listeners = PORT_NAMES.map(() => Deno.listen({ port: 0, hostname: "127.0.0.1" }));
  const ports = PORT_NAMES.map((name, i) => [name, listeners[i].addr.port]);
  for (const listener of listeners) listener.close();
  return Object.fromEntries(ports);
}

/** Tells the kernel where to listen, and the secret that signs all messages. */
function connectionText(ports: Ports, key: string): string {
  const fixed = { ip: "127.0.0.1", transport: "tcp", signature_scheme: "hmac-sha256" };
  return JSON.stringify({ ...fixed, ...ports, key });
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
