/**
 * The figures that notebooks draw again and again, as plain Plotly figures: change what you like, then hand them to `plot`.
 *
 * This folder knows what a loss's curve or a heat map looks like. It displays nothing, draws no pixel,
 * and names no loss of the package.
 *
 * @module
 */

export * from "./bars.ts";
export * from "./block_diagram.ts";
export * from "./confusion.ts";
export * from "./curves.ts";
export * from "./heat_map.ts";
export type { Kink } from "./kinks.ts";
export * from "./naive_and_stable.ts";
export * from "./pixels.ts";
export * from "./simplex.ts";
export * from "./small_multiples.ts";
export * from "./traces.ts";
export * from "./training_curves.ts";
export type { Values } from "./values.ts";
