/** Which errors a caller may get to see. */

/** How messages of the library begin, and how those of the engine do that begin alike. */
const OURS = /^Cannot [a-z]+ /;
const ENGINES = /^Cannot (\w+ propert|(convert|mix|perform|assign|destructure|access)\b)/;
/** A message is read by people. */
const LONGEST = 1000;

/** What is wrong with an error; undefined if nothing is. */
export function problemOf(
  error: unknown,
  classes: readonly (new () => Error)[] = [TypeError, RangeError],
): string | undefined {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const { message } = error;
  const shown = `${error.name}: ${message.slice(0, 200)}`;
  if (!classes.some((Class) => error instanceof Class)) return `threw ${shown}`;
  if (!OURS.test(message) || ENGINES.test(message)) return `threw an error of the engine, ${shown}`;
  if (message.length > LONGEST) return `threw a message of ${message.length} letters: ${shown}`;
  return undefined;
}
