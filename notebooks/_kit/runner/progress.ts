/**
 * Shows what the runner is doing: one live line at the bottom of a terminal, or only finished
 * lines where the output goes to a file or a log.
 *
 * @module
 */

const encoder = new TextEncoder();
const ERASE_LINE = "\r\x1b[2K";

/** What is running now, and the lines printed so far above it. */
export class Progress {
  readonly #live: boolean;
  readonly #columns: number;
  readonly #running = new Map<string, string>();

  /**
   * Makes a display on standard output.
   *
   * @param live Whether to show the live line; by default on a terminal only
   */
  constructor(live: boolean = Deno.stdout.isTerminal()) {
    this.#live = live;
    // Some terminals do not tell how wide they are, and say 0.
    this.#columns = (Deno.stdout.isTerminal() && Deno.consoleSize().columns) || 80;
  }

  /**
   * Says how far something is.
   *
   * @param name What is running
   * @param state How far it is, such as "3/28"
   */
  update(name: string, state: string): void {
    this.#running.set(name, state);
    this.#draw("");
  }

  /**
   * Prints a line that stays, and takes what it is about off the live line.
   *
   * @param line The line
   * @param name What is finished, if anything
   */
  print(line: string, name?: string): void {
    if (name !== undefined) this.#running.delete(name);
    this.#draw(line + "\n");
  }

  #draw(above: string): void {
    if (!this.#live) {
      if (above !== "") write(above);
      return;
    }
    const states = [...this.#running].map(([name, state]) => `${name} ${state}`);
    const below = states.length === 0 ? "" : `running ${states.join(", ")}`;
    // A line that wraps could not be erased.
    write(ERASE_LINE + above + below.slice(0, this.#columns - 1));
  }
}

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
