/// <reference lib="dom" />
/** "Check it here": the numbers that PyTorch gave for this page's loss, compared with those of the library in this tab. */
import { differences, TOLERANCE } from "../../../tests/reference/torch/compare.ts";
import { parseFixture } from "../../../tests/reference/torch/fixtures.ts";
import { el } from "./dom.ts";
import type { PanelClass, PanelLoss } from "./panel_definitions.ts";
import { say } from "./words.ts";

/** Cases are compared as long as this, in ms, before the page is drawn again. */
const SLICE = 12;

/**
 * Makes the button and what it says.
 *
 * @param name The module of the loss.
 * @param Loss Its class.
 */
export function verifier(name: string, Loss: PanelClass): HTMLElement {
  const button = el(
    "button",
    { type: "button" },
    say("在这里核对 PyTorch 的数", "Check against PyTorch, here"),
  );
  const output = el("output");
  button.addEventListener("click", async () => {
    button.disabled = true;
    output.value = say("正在取数据……", "Fetching the numbers …");
    try {
      await verify(name, Loss, (text) => output.value = text);
    } catch (error) {
      output.value = say("没有完成：", "Not finished: ") + (error as Error).message;
    }
    button.disabled = false;
  });
  return el("div", { class: "verify" }, button, output);
}

/** Compares all cases and tells how far it has come. */
async function verify(name: string, Loss: PanelClass, tell: (text: string) => void): Promise<void> {
  const response = await fetch(`../assets/fixtures/${name}.json`);
  if (!response.ok) throw new Error(`${response.status}`);
  const { pytorch, cases: all } = parseFixture(await response.text());
  // A distance of one's own is a function, which a fixture can only name.
  const cases = all.filter(({ options }) => typeof options.distance !== "string");
  const build = (options: Record<string, unknown>, parameters: Record<string, unknown>) => {
    const loss: PanelLoss = new Loss(options);
    if (Object.keys(parameters).length > 0) loss.setParameters!(parameters);
    return loss as never;
  };
  const failed: string[] = [];
  let numbers = 0;
  const largest = { float32: 0, float64: 0 };
  let since = performance.now();
  for (const [i, stored] of cases.entries()) {
    const found = differences(stored, build);
    for (const { difference, numbers: count } of found) {
      numbers += count;
      largest[stored.dtype] = Math.max(largest[stored.dtype], difference);
    }
    if (found.some(({ difference }) => !(difference <= TOLERANCE[stored.dtype]))) {
      failed.push(stored.name);
    }
    if (performance.now() - since > SLICE) {
      tell(say(`${i + 1} / ${cases.length} 个算例`, `${i + 1} of ${cases.length} cases`));
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
  }
  const most = `float32 ${largest.float32.toExponential(1)}, float64 ${
    largest.float64.toExponential(1)
  }`;
  tell(
    failed.length === 0
      ? say(
        `PyTorch ${pytorch} 的 ${cases.length} 个算例 ✓，共 ${numbers} 个数，最大相对差 ${most}`,
        `${cases.length} cases of PyTorch ${pytorch} ✓, ${numbers} numbers, largest relative difference ${most}`,
      )
      : say(
        `${cases.length} 个算例中有 ${failed.length} 个不符：${failed.join("；")}`,
        `${failed.length} of ${cases.length} cases differ: ${failed.join("; ")}`,
      ),
  );
}
