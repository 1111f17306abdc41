/**
 * PNG files, small and the same on every machine. They are compressed by fflate in plain JavaScript, because the result of a
 * runtime's zlib may depend on the processor.
 *
 * @module
 */

import { zlibSync } from "fflate";
import { type Indexed, quantize } from "./quantize.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const TRUECOLOUR_ALPHA = 6;
const INDEXED = 3;

/**
 * Encodes pixels as they are.
 *
 * @param rgba Four bytes per pixel, row by row.
 * @param width Pixels in a row.
 */
export function encodeRgba(rgba: Uint8Array | Uint8ClampedArray, width: number): Uint8Array {
  const height = rgba.length / 4 / width;
  return file([
    header(width, height, TRUECOLOUR_ALPHA),
    chunk("IDAT", zlibSync(scanlines(rgba, 4 * width), { level: 1 })),
  ]);
}

/**
 * Encodes opaque pixels with at most 256 colours: a figure takes a quarter to a third of the bytes
 * that true colour needs, and looks the same.
 *
 * @param rgba Four bytes per pixel, row by row; alpha is ignored.
 * @param width Pixels in a row.
 */
export function encodeIndexed(rgba: Uint8Array, width: number): Uint8Array {
  const { indices, palette }: Indexed = quantize(rgba);
  return file([
    header(width, indices.length / width, INDEXED),
    chunk("PLTE", palette),
    chunk("IDAT", zlibSync(scanlines(indices, width), { level: 9 })),
  ]);
}

function header(width: number, height: number, colourType: number): Uint8Array {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([8, colourType], 8);
  return chunk("IHDR", data);
}

/** Rows of pixels, each after the byte 0, which says that it is not filtered. */
function scanlines(bytes: Uint8Array | Uint8ClampedArray, rowBytes: number): Uint8Array {
  const rows = bytes.length / rowBytes;
  const lines = new Uint8Array(rows * (rowBytes + 1));
  for (let row = 0; row < rows; row++) {
    lines.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  }
  return lines;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function file(chunks: Uint8Array[]): Uint8Array {
  const parts = [Uint8Array.from(SIGNATURE), ...chunks, chunk("IEND", new Uint8Array())];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
