// What the tests take from JSR. Where Deno can load this file, the tests run on the real packages.
import "@std/assert";
import "@std/testing/bdd";
