/**
 * Shows the progress of the runner: finished lines, and in a terminal one live line below them.
 *
 * @module
 */

const encoder = new TextEncoder();
const ERASE_LINE = "\r\x1b[2K";

/** A live line that says what is running, below the finished lines. */
export class Progress {
  readonly #live: boolean;
  readonly #columns: number;
  readonly #running = new Map<string, string>();

  /**
   * Makes a display on standard output.
   *
   * @param live Shows the live line; by default only in a terminal.
   */
  constructor(live: boolean = Deno.stdout.isTerminal()) {
    this.#live = live;
    // Some terminals report a width of 0.
    this.#columns = (Deno.stdout.isTerminal() && Deno.consoleSize().columns) || 80;
  }

  /**
   * Updates the live line.
   *
   * @param name The name of what is running.
   * @param state Its progress, such as "3/28".
   */
  update(name: string, state: string): void {
    this.#running.set(name, state);
    this.#draw("");
  }

  /**
   * Prints a finished line above the live line.
   *
   * @param line The line.
   * @param name The name to remove from the live line, if something has finished.
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
    // A line that wraps cannot be erased.
    write(ERASE_LINE + above + below.slice(0, this.#columns - 1));
  }
}

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
