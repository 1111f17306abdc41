/**
 * Stand-in for `jsr:@std/assert` where jsr.io cannot be reached, with the same names, signatures and results. Messages of
 * assertEquals come from node:assert. assert_test.ts tests both in the same way.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";
import { equal } from "./equal.ts";

export { equal };

/** What every assertion throws. */
export class AssertionError extends Error {
  /** Takes a message, as std's does, not node's options object. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

function refuse(reason: string, message?: string): never {
  throw new AssertionError(message === undefined ? `${reason}.` : `${reason}: ${message}`);
}

/** Throws unless `condition` is truthy. */
export function assert(condition: unknown, message = ""): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Throws unless `condition` is falsy. */
export function assertFalse(condition: unknown, message?: string): asserts condition is false {
  if (condition) refuse("Expected a falsy value", message);
}

/** Throws unless the values are deeply equal; the message is node's diff. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (equal(actual, expected)) return;
  const { AssertionError: Diff } = nodeAssert;
  refuse(new Diff({ actual, expected, operator: "deepStrictEqual" }).message, message);
}

/** Throws if the values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  if (equal(actual, expected)) {
    refuse(`Expected a value other than ${Deno.inspect(expected)}`, message);
  }
}

/** Throws unless the values are the same by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  refuse(`Expected ${Deno.inspect(actual)} to be ${Deno.inspect(expected)}`, message);
}

/** Throws if the values are the same by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  if (Object.is(actual, expected)) {
    refuse(`Expected another value than ${Deno.inspect(actual)}`, message);
  }
}

/** Throws unless |actual − expected| ≤ tolerance, by default 1e-7 of the expected value. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7,
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  const distance = Math.abs(expected - actual);
  if (distance <= tolerance) return;
  refuse(
    `Expected ${actual} to be within ${tolerance} of ${expected}, not ${distance} away`,
    message,
  );
}

/** Throws unless actual > expected. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) refuse(`Expected ${actual} > ${expected}`, message);
}

/** Throws unless actual ≥ expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) refuse(`Expected ${actual} >= ${expected}`, message);
}

/** Throws unless actual < expected. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) refuse(`Expected ${actual} < ${expected}`, message);
}

/** Throws unless actual ≤ expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) refuse(`Expected ${actual} <= ${expected}`, message);
}

/** Throws if the value is null or undefined. */
export function assertExists<T>(
  actual: T,
  message?: string,
): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) refuse(`Expected a value, not ${actual}`, message);
}

/** Throws unless the value is an instance of the class. */
export function assertInstanceOf<T extends abstract new (...args: never[]) => unknown>(
  actual: unknown,
  expectedType: T,
  message?: string,
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  refuse(`Expected ${Deno.inspect(actual)} to be an instance of ${expectedType.name}`, message);
}

/** Throws unless the text contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    refuse(`Expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`, message);
  }
}

/** Throws unless every wanted item is deeply equal to one in the array. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) =>
    !items.some((item) => equal(item, wanted))
  );
  if (missing.length > 0) {
    refuse(`Expected ${Deno.inspect(actual)} to include ${Deno.inspect(missing)}`, message);
  }
}

/** Throws unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) {
    refuse(`Expected ${JSON.stringify(actual)} to match ${expected}`, message);
  }
}

/** Throws if the text matches. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  if (expected.test(actual)) {
    refuse(`Expected ${JSON.stringify(actual)} not to match ${expected}`, message);
  }
}

/** Throws unless `error` is an Error of the class, whose message contains or matches what is wanted. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  Class?: ErrorClass<E>,
  messageMatches?: string | RegExp,
  message?: string,
): asserts error is E {
  if (!(error instanceof Error)) refuse(`Expected an Error, got ${Deno.inspect(error)}`, message);
  if (Class && !(error instanceof Class)) {
    refuse(
      `Expected an error of class ${Class.name}, got ${error.name}: ${error.message}`,
      message,
    );
  }
  const matches = messageMatches instanceof RegExp
    ? messageMatches.test(error.message)
    : error.message.includes(messageMatches ?? "");
  if (!matches) {
    const wanted = messageMatches instanceof RegExp
      ? messageMatches
      : JSON.stringify(messageMatches);
    refuse(
      `Expected the error's message to include ${wanted}, got ${JSON.stringify(error.message)}`,
      message,
    );
  }
}

/** Throws unless `run` throws; returns what it threw. */
export function assertThrows(run: () => unknown, message?: string): unknown;
/** Throws unless `run` throws an error of the class whose message contains the text; returns the error. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  Class: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows<E extends Error>(
  run: () => unknown,
  classOrMessage?: ErrorClass<E> | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (typeof classOrMessage === "function") {
      assertIsError(error, classOrMessage, messageIncludes, message);
    }
    return error;
  }
  refuse(
    `Expected function to throw, but it returned ${Deno.inspect(result)}`,
    typeof classOrMessage === "string" ? classOrMessage : message,
  );
}

/** Throws unless the promise that `run` returns rejects; gives what it rejected with. */
export function assertRejects(run: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
/** Throws unless it rejects with an error of the class whose message contains the text; gives the error. */
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  Class: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects<E extends Error>(
  run: () => PromiseLike<unknown>,
  classOrMessage?: ErrorClass<E> | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  const note = typeof classOrMessage === "string" ? classOrMessage : message;
  let promise: PromiseLike<unknown>;
  try {
    promise = run();
  } catch (error) {
    refuse(`Expected a rejected promise, but the function threw ${error} at once`, note);
  }
  if (typeof promise?.then !== "function") {
    refuse("Expected the function to return a promise", note);
  }
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    if (typeof classOrMessage === "function") {
      assertIsError(error, classOrMessage, messageIncludes, message);
    }
    return error;
  }
  refuse(`Expected a rejected promise, but it gave ${Deno.inspect(result)}`, note);
}

/** Throws always. */
export function fail(message?: string): never {
  refuse("Failed assertion", message);
}

/** Throws always: marks a place that no run reaches. */
export function unreachable(reason?: string): never {
  refuse("Unreachable", reason);
}
