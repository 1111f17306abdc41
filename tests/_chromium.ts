/** Where a Chromium is, for tests in a browser. */
/** Where Debian, macOS and others put it; CHROMIUM names another one. */
const PLACES = [
  Deno.env.get("CHROMIUM"),
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The program, or undefined if there is none. */
export function findChromium(): string | undefined {
  return PLACES.find((path) => {
    try {
      return path !== undefined && Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
