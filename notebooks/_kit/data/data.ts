/**
 * Small real data sets for the training runs of the notebooks, and what prepares them for a model.
 *
 * Nothing here needs the network, or knows losses and figures.
 *
 * @module
 */

export * from "./columns.ts";
export * from "./data_sets.ts";
export * from "./split.ts";
