/** One helper that both layers of the kernel client need. */

/**
 * Puts byte arrays one after the other.
 *
 * @param parts The byte arrays, which stay as they are
 * @returns A new array with the bytes of all
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
