// The packages that the tests import from JSR. If Deno can load this file, the tests use them.
import "@std/assert";
import "@std/testing/bdd";
