/** How time grows with size: the numbers of the picture, which are stored beside it. */
import type { Line, Result } from "./result.ts";

/** One loss. */
export interface GrowingLoss {
  readonly loss: string;
  /** Numbers of elements, ascending. */
  readonly sizes: readonly number[];
  /** Seconds of a call by contender, one for each size. */
  readonly seconds: Readonly<Record<string, readonly number[]>>;
}

/** The growth of all losses in one run. */
export interface Growth {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly losses: readonly GrowingLoss[];
}

/** The growth in a run. */
export function growthOf({ machine, versions, lines }: Result): Growth {
  const growing = lines.filter(({ part }) => part === "growth");
  const lossOf = ({ name }: Line) => name.split(" ")[0];
  const losses = [...new Set(growing.map(lossOf))].map((loss) => {
    const own = growing.filter((line) => lossOf(line) === loss).sort((a, b) => a.size - b.size);
    // Contenders that could not compute every size have no curve.
    const names = Object.keys(own[0].times).filter((name) => own.every(({ times }) => times[name]));
    return {
      loss,
      sizes: own.map(({ size }) => size),
      seconds: Object.fromEntries(
        names.map((name) => [name, own.map(({ times }) => times[name].seconds)]),
      ),
    };
  });
  return { machine, versions, losses };
}
