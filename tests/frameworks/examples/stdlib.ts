/**
 * How arrays of stdlib are read: strides, offset and order count, so that a view is read as what it looks like.
 *
 * It runs in a process of its own, which does without the lock file: stdlib has 50,000 files, and whoever only wants to read a
 * notebook need not load them.
 */
import { strictEqual as assertEquals } from "node:assert";
// deno-lint-ignore no-import-prefix
import array from "npm:@stdlib/ndarray@0.4.1/array/lib/index.js";
// deno-lint-ignore no-import-prefix
import toTransposed from "npm:@stdlib/ndarray@0.4.1/to-transposed/lib/index.js";

// begin
// import array from "@stdlib/ndarray/array";
// import toTransposed from "@stdlib/ndarray/to-transposed";
import { MSELoss } from "@lossbook/losses";

const columns = new Float32Array([1, 3, 2, 4]);
const predictions = array(columns, { shape: [2, 2], order: "column-major" });
const targets = toTransposed(array([[1, 3], [0, 4]]));
const { value, grad } = new MSELoss().valueAndGrad(predictions, targets);
assertEquals(value.item(), (2 - 0) ** 2 / 4);
const gradient = array(grad.input.data, { shape: [...grad.input.shape] });
assertEquals(gradient.get(0, 1), 2 * (2 - 0) / 4);
// end
