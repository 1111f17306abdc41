/** A helper for both layers of the kernel client. */

/**
 * Concatenates byte arrays.
 *
 * @param parts The byte arrays, which are not modified.
 * @returns A new array.
 */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
