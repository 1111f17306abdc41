/** The Mersenne Twister as PyTorch's CPU generator runs it (the same stream as C++'s `std::mt19937`). */

const SIZE = 624;
const MIDDLE = 397;

/** A stream of 32-bit and 64-bit integers that a seed determines. */
export class Mt19937 {
  readonly #state = new Uint32Array(SIZE);
  #next = SIZE;

  /** Starts the stream of a seed. PyTorch uses only its low 32 bits. */
  constructor(seed: bigint) {
    const state = this.#state;
    state[0] = Number(BigInt.asUintN(32, seed));
    for (let i = 1; i < SIZE; i++) {
      state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  /** The next 32 bits, as a number from 0 to 2^32 - 1. */
  next32(): number {
    if (this.#next === SIZE) this.#twist();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** The next 64 bits: two draws, of which the first is the high half. */
  next64(): bigint {
    const high = BigInt(this.next32());
    return (high << 32n) | BigInt(this.next32());
  }

  /** A multiple of 2^-24 in [0, 1), exact in float32: the low 24 bits of one draw. */
  uniform24(): number {
    return (this.next32() & 0xffffff) * 2 ** -24;
  }

  /** A multiple of 2^-53 in [0, 1): the low 53 bits of two draws. */
  uniform53(): number {
    const high = this.next32() & 0x1fffff;
    return (high * 2 ** 32 + this.next32()) * 2 ** -53;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const following = state[(i + 1) % SIZE];
      const mixed = (state[i] & 0x80000000) | (following & 0x7fffffff);
      const flip = following & 1 ? 0x9908b0df : 0;
      state[i] = state[(i + MIDDLE) % SIZE] ^ (mixed >>> 1) ^ flip;
    }
    this.#next = 0;
  }
}
