/**
 * Values of other libraries that hold their numbers out of reach, and the line of code that gets at them.
 */

/**
 * What to write instead of a value that cannot be read.
 *
 * @param value The value.
 * @param name The argument, for error messages.
 * @returns A line of code, or undefined if nothing is known about values of its kind.
 */
export function lineFor(value: unknown, name: string): string | undefined {
  if (typeof value === "function") return `what it returns, such as ${name}()`;
  if (typeof value !== "object" || value === null) return undefined;
  const has = (method: string) =>
    typeof (value as Readonly<Record<string, unknown>>)[method] === "function";
  if (has("then")) return `await ${name}`;
  if (has("dataSync")) {
    // tfjs and jax-js keep numbers where only they can read them.
    const line = `{ data: await ${name}.data(), shape: ${name}.shape }`;
    const isTfjs = "dataId" in value;
    return isTfjs ? `${line}, or use tfLoss of @lossbook/losses/tfjs` : line;
  }
  // ml-matrix, numjs, mathjs.
  const method = ["to2DArray", "tolist", "toArray"].find(has);
  return method && `${name}.${method}()`;
}
