/**
 * Starting workers: threads of Node, Deno and Bun, which do not keep a program from ending, or those of browsers.
 */

import { FUNCTIONS } from "./functions.ts";
import { claimChunks, serve, type Task } from "./worker.ts";

/** A worker that waits for jobs. */
export interface StartedWorker {
  /** Resolves when the worker has ended, after it was told so: see STOP in job.ts. */
  end(): Promise<void>;
}

/** The part of node:worker_threads that is needed. */
interface WorkerThreads {
  readonly Worker: new (source: string, options: { eval: true; workerData: Task }) => {
    once(event: "message" | "error" | "exit", call: (value: unknown) => void): void;
    ref(): void;
    unref(): void;
  };
}

/** Makes some bundlers' helper for function names do nothing, and calls `serve` with a task. `port` is where to send messages. */
const serving = (task: string, port: string) => {
  const functions = FUNCTIONS.map(([kernelOf, visit, places]) =>
    `[${kernelOf}, ${visit}, ${JSON.stringify(places)}]`
  );
  return `var __name = (f) => f; (${serve})(${task}, ${claimChunks}, [${functions}], () => ${port}.postMessage("ready"));`;
};

/** Modules of the runtime itself, where it has some: in Node, Deno and Bun, not in browsers. */
function builtin<M>(name: string): M | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): M } };
  return process?.getBuiltinModule?.(name);
}

/** How many threads run at the same time here. */
export function cores(): number {
  return globalThis.navigator?.hardwareConcurrency ??
    builtin<{ availableParallelism(): number }>("node:os")?.availableParallelism() ?? 1;
}

/**
 * Starts a worker.
 *
 * @param task What it is given.
 * @returns The worker, when it waits for jobs.
 * @throws {Error} If workers cannot be started here, or cannot share memory.
 */
export async function startWorker(task: Task): Promise<StartedWorker> {
  const threads = builtin<WorkerThreads>("node:worker_threads");
  return await (threads === undefined ? startOfBrowser(task) : startOfNode(threads, task));
}

function startOfNode({ Worker }: WorkerThreads, task: Task): Promise<StartedWorker> {
  const source = `
    const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
    ${serving("workerData", "parentPort")}`;
  const worker = new Worker(source, { eval: true, workerData: task });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("Cannot start a thread: it has ended at once")));
    worker.once("message", () => {
      // The program may end before the worker does.
      worker.unref();
      resolve({
        end: () => {
          worker.ref();
          return ended;
        },
      });
    });
  });
}

function startOfBrowser(task: Task): Promise<StartedWorker> {
  const source = `onmessage = ({ data }) => { ${serving("data", "self")} postMessage("ended"); };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`);
  return new Promise((resolve, reject) => {
    // A policy that forbids the worker gives an event without a message.
    worker.onerror = ({ message = "the page must allow workers from data:, see worker-src" }) =>
      reject(new Error(`Cannot start a thread: ${message}`));
    worker.onmessage = () => {
      // A worker that is terminated runs on for a while, and would write to memory that someone else has then.
      const ended = new Promise<void>((resolve) => {
        worker.onmessage = worker.onerror = () => resolve();
      });
      resolve({
        async end() {
          await ended;
          worker.terminate();
        },
      });
    };
    worker.postMessage(task);
  });
}
