/** Running Deno as a command. */

/** The result of a command. */
export interface Outcome {
  /** Its exit code. */
  readonly code: number;
  /** Its output on both streams, without colours. */
  readonly output: string;
}

/** Runs Deno in `cwd` and returns its output. With `echo` the output is also shown while Deno runs. */
export async function runDeno(args: string[], cwd: URL, { echo = false } = {}): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    // The output is searched, so that it must not contain colours.
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    read(child.stdout, echo ? Deno.stdout.writable : undefined),
    read(child.stderr, echo ? Deno.stderr.writable : undefined),
  ]);
  return { code, output: stdout + stderr };
}

type Bytes = Uint8Array<ArrayBuffer>;

async function read(stream: ReadableStream<Bytes>, to?: WritableStream<Bytes>): Promise<string> {
  if (!to) return await new Response(stream).text();
  const [kept, shown] = stream.tee();
  const showing = shown.pipeTo(to, { preventClose: true });
  const [text] = await Promise.all([new Response(kept).text(), showing]);
  return text;
}
