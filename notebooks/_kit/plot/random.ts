/** Random numbers that can be started again: Plotly names its clip paths with them. */
export interface SeededRandom {
  /** The next number, from 0 up to but not including 1. */
  next(): number;
  /** Starts the sequence again. */
  reset(): void;
}

const SEED = 0x6c6f7373;

/** A 32-bit linear congruential generator (Numerical Recipes): names need no more. */
export function seededRandom(): SeededRandom {
  let state = SEED;
  return {
    next: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
    reset: () => {
      state = SEED;
    },
  };
}
