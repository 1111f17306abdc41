/** All properties, in the order in which a round tries them. */
import type { AnyProperty } from "../property.ts";
import { arena } from "./arena.ts";
import { derivative } from "./derivative.ts";
import { hostile } from "./hostile.ts";
import { hostileDefinition } from "./hostile_definition.ts";
import { hostileFormula } from "./hostile_formula.ts";
import { interleaving } from "./interleaving.ts";
import { kernels } from "./kernels.ts";
import { kinks } from "./kinks.ts";
import { latex } from "./latex.ts";
import { limits } from "./limits.ts";
import { losses } from "./losses.ts";
import { memory } from "./memory.ts";
import { ownLosses } from "./own_losses.ts";
import { steps } from "./steps.ts";
import { tiles } from "./tiles.ts";

export const PROPERTIES: readonly AnyProperty[] = [
  kernels,
  steps,
  derivative,
  kinks,
  latex,
  limits,
  hostileFormula,
  hostileDefinition,
  ...losses,
  ownLosses,
  tiles,
  ...hostile,
  interleaving,
  arena,
  memory,
];
