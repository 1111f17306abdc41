/**
 * Stand-in for `jsr:@std/testing/bdd` where jsr.io cannot be reached: node's `describe` and `it`, which Deno runs as tests and
 * steps, with std's names.
 *
 * @module
 */
export {
  after as afterAll,
  afterEach,
  before as beforeAll,
  beforeEach,
  describe,
  it,
  test,
} from "node:test";
