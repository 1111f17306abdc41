/// <reference lib="dom" />
/** A button at each piece of code that copies it. */
import { announce, say } from "./words.ts";

/** Adds the buttons. */
export function offerCopies(): void {
  for (const pre of document.querySelectorAll<HTMLElement>(".cell pre.code, .text pre")) {
    const button = copyButton(say("复制", "Copy"), () => pre.textContent ?? "");
    button.classList.add("copy");
    const frame = pre.closest<HTMLElement>(".cell") ?? pre.parentElement!;
    if (frame.classList.contains("cell")) pre.after(button);
    else {
      const own = document.createElement("div");
      own.className = "cell";
      pre.replaceWith(own);
      own.append(pre, button);
    }
  }
}

/**
 * Makes a button that copies text and says so.
 *
 * @param label What the button says.
 * @param text Gives the text when the button is used.
 */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = say("已复制", "Copied");
    } catch {
      button.textContent = say("浏览器不允许复制", "The browser refused");
    }
    announce(button.textContent);
    setTimeout(() => button.textContent = label, 1500);
  });
  return button;
}
