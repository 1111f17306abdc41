/** What the tests of losses of one's own need of the tests' helpers. */
export { assertClose } from "../_close.ts";
export { testContract } from "../_contract.ts";
export { fixtureChecks } from "../_fixtures.ts";
export type { LossLike } from "../_loss.ts";
export { Random } from "../_random.ts";
