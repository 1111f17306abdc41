/** What the tests of losses of one's own need of the tests' helpers. */
export { assertClose } from "../_close.ts";
export { fixtureChecks } from "../_fixtures.ts";
export { testManners } from "../_manners.ts";
export { type LossLike, Random } from "../_numeric.ts";
