/// <reference lib="dom" />
/** Figures are pictures until they are touched; then Plotly is loaded and draws them, to be zoomed and read off. */

interface Plotly {
  newPlot(element: HTMLElement, data: unknown, layout: unknown, config: unknown): Promise<void>;
}

let loading: Promise<Plotly> | undefined;

/** Plotly, which is a script of the old kind. */
function plotly(): Promise<Plotly> {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../assets/plotly.js", location.href).href;
    script.onload = () => resolve((globalThis as unknown as { Plotly: Plotly }).Plotly);
    script.onerror = () => {
      loading = undefined;
      reject(new Error("Plotly cannot be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Makes every picture a button that wakes it. */
export function wakeFigures(): void {
  for (const figure of document.querySelectorAll<HTMLElement>("figure.plot")) {
    const image = figure.querySelector("img")!;
    const button = document.createElement("button");
    button.className = "touch";
    button.type = "button";
    button.title = figure.dataset.label!;
    image.replaceWith(button);
    button.append(image);
    button.addEventListener("click", async () => {
      const [Plotly, response] = await Promise.all([plotly(), fetch(figure.dataset.plot!)]);
      const { data, layout, config } = await response.json();
      const frame = document.createElement("div");
      frame.role = "img";
      frame.ariaLabel = image.alt;
      const { width, height } = image;
      button.replaceWith(frame);
      await Plotly.newPlot(frame, data, { width, height, ...layout }, {
        displaylogo: false,
        ...config,
      });
    }, { once: true });
  }
}
