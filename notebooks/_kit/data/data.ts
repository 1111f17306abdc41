/**
 * Small real data sets for the training runs of the notebooks, and functions that prepare them for a model.
 *
 * This folder works without a network, and knows neither losses nor figures.
 *
 * @module
 */

export * from "./columns.ts";
export * from "./data_sets.ts";
export * from "./rows.ts";
export * from "./split.ts";
