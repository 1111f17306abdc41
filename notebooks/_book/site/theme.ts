/// <reference lib="dom" />
/** The button that makes pages dark or light; what was chosen is kept. */

const KEY = "theme";

/** Applies what was chosen before, and shows the button. */
export function offerThemes(): void {
  const root = document.documentElement;
  const stored = localStorage.getItem(KEY);
  if (stored !== null) root.dataset.theme = stored;
  const button = document.querySelector<HTMLButtonElement>("#dark")!;
  const isDark = () =>
    root.dataset.theme !== undefined
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  const show = () => button.setAttribute("aria-pressed", `${isDark()}`);
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset.theme);
    show();
  });
}
