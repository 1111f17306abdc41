/**
 * The part of `<canvas>` that Plotly needs to paint heat maps: rectangles, pixels, a data URL.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { encodeRgba } from "./png.ts";

interface Pixels {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** A canvas that is its own 2D context. */
export class Canvas {
  width = 300;
  height = 150;
  fillStyle = "rgba(0,0,0,1)";
  #data?: Uint8ClampedArray;

  getContext(): this {
    return this;
  }

  createImageData(width: number, height: number): Pixels {
    return { data: new Uint8ClampedArray(4 * width * height), width, height };
  }

  /** Replaces all pixels: Plotly paints whole pictures only. */
  putImageData(pixels: Pixels): void {
    this.#data = pixels.data;
  }

  fillRect(left: number, top: number, width: number, height: number): void {
    const data = this.#pixels();
    const [red, green, blue, alpha = 1] = (this.fillStyle.match(/[\d.]+/g) ?? []).map(Number);
    const right = Math.min(left + width, this.width);
    const bottom = Math.min(top + height, this.height);
    for (let y = Math.max(top, 0); y < bottom; y++) {
      for (let x = Math.max(left, 0); x < right; x++) {
        data.set([red, green, blue, 255 * alpha], 4 * (y * this.width + x));
      }
    }
  }

  toDataURL(): string {
    const png = encodeRgba(this.#pixels(), this.width);
    return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  }

  /** The pixels, made at first use, since the size is set after construction. */
  #pixels(): Uint8ClampedArray {
    return this.#data ??= new Uint8ClampedArray(4 * this.width * this.height);
  }
}
