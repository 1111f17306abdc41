/** The drawings of panels: a curve, bars of scores, points in the plane, scores of frames. */
import { el } from "./dom.ts";
import { Plane, type Range, rangeOf } from "./plane.ts";
import type { PanelModel, PanelView } from "./panel.ts";
import { say } from "./words.ts";

/** Makes the drawing of a panel. */
export function viewOf(model: PanelModel): PanelView {
  switch (model.definition.view) {
    case "curve":
      return curve(model);
    case "bars":
      return bars(model);
    case "points":
      return points(model);
    case "frames":
      return frames(model);
  }
}

const SAMPLES = 240;

/** The loss and its derivative over one argument, with a dot that can be dragged along. */
function curve({ definition, state, evaluate, update }: PanelModel): PanelView {
  const along = definition.along!;
  const { range: [from, to] } = definition.args.find(({ name }) => name === along)!;
  const plane = new Plane(
    320,
    say(`损失和导数随 ${along} 的曲线`, `The loss and its derivative over ${along}`),
  );
  plane.onDrag((x) => {
    state.args[along][0] = x;
    update();
  });
  return {
    element: plane.element,
    draw() {
      const xs = Array.from({ length: SAMPLES + 1 }, (_, i) => from + (to - from) * i / SAMPLES);
      const results = xs.map((x) => evaluate({ [along]: [x] }));
      const values = results.map(({ value }) => value);
      const slopes = results.map(({ grad }) => grad[along][0]);
      plane.setAxes([from, to], rangeOf([...values, ...slopes]), along);
      plane.clear();
      plane.line(xs, slopes, "gradient");
      plane.line(xs, values, "loss");
      const [x] = state.args[along];
      const { value, grad } = evaluate();
      plane.dot(x, grad[along][0], "gradient dot");
      plane.dot(x, value, "loss dot", 8);
    },
  };
}

/** A bar for each score, to be dragged, and one for each component of the gradient. */
function bars({ definition, state, evaluate, update }: PanelModel): PanelView {
  const { name, range: [from, to] } = definition.args[0];
  const above = new Plane(230, say("每个类别的分数", "The score of each class"));
  const below = new Plane(170, say("每个类别的梯度", "The gradient of each class"));
  let held = 0;
  above.onDrag((x, y, isStart) => {
    const scores = state.args[name];
    if (isStart) held = Math.min(Math.max(Math.round(x), 0), scores.length - 1);
    scores[held] = y;
    update();
  });
  return {
    element: el("div", {}, above.element, below.element),
    draw() {
      const scores = state.args[name];
      const slopes = evaluate().grad[name];
      const across: Range = [-0.6, scores.length - 0.4];
      const steepest = Math.max(0.05, ...slopes.map(Math.abs).filter(Number.isFinite));
      above.setAxes(across, [from, to], name);
      below.setAxes(across, [-steepest * 1.1, steepest * 1.1], `∂/∂${name}`);
      above.clear();
      below.clear();
      scores.forEach((score, c) => {
        above.bar(c - 0.3, c + 0.3, score, "loss bar");
        above.dot(c, score, "loss dot", 6);
        below.bar(c - 0.3, c + 0.3, slopes[c], "gradient bar");
      });
    },
  };
}

/** Points that can be dragged; arrows show where gradient descent would move them. */
function points({ definition, state, evaluate, update }: PanelModel): PanelView {
  const moved = definition.args.filter(({ kind }) => kind === "point");
  const isAngle = moved.length === 2;
  const plane = new Plane(
    420,
    say("平面上的点，和每个点的负梯度", "Points in the plane, and minus the gradient at each"),
  );
  let held = moved[0].name;
  plane.onDrag((x, y, isStart) => {
    if (isStart) {
      const distance = (name: string) =>
        Math.hypot(state.args[name][0] - x, state.args[name][1] - y);
      held = moved.map(({ name }) => name).sort((a, b) => distance(a) - distance(b))[0];
    }
    state.args[held] = [x, y];
    update();
  });
  return {
    element: plane.element,
    draw() {
      const { grad } = evaluate();
      // The same scale in both directions, as the drawing is wider than high.
      plane.setAxes([-2 * 582 / 374, 2 * 582 / 374], [-2, 2], "");
      plane.clear();
      moved.forEach(({ name }, i) => {
        const [x, y] = state.args[name];
        const kind = ["loss", "sibling", "kink"][i];
        if (isAngle) plane.arrow([0, 0], [x, y], `${kind} vector`);
        plane.dot(x, y, `${kind} dot`, 8);
        plane.text(x, y + 0.17, name);
        const [dx, dy] = grad[name];
        plane.arrow([x, y], [x - dx, y - dy], "gradient vector");
      });
    },
  };
}

/** The probability of each class in each frame, and the gradient of its score. */
function frames({ definition, state, evaluate, update }: PanelModel): PanelView {
  const { name, range: [from, to, classes] } = definition.args[0];
  const plane = new Plane(
    260,
    say(
      "每一帧里每个类别的概率（圆的大小）和梯度（竖线）",
      "The probability of each class in each frame (the size of its dot), and its gradient (a line)",
    ),
  );
  let held = 0;
  let startedAt = 0;
  let before = 0;
  plane.onDrag((x, y, isStart) => {
    const scores = state.args[name];
    if (isStart) {
      const t = Math.min(Math.max(Math.round(x), 0), scores.length / classes - 1);
      const c = Math.min(Math.max(Math.round(classes - 1 - y), 0), classes - 1);
      held = t * classes + c;
      [startedAt, before] = [y, scores[held]];
      return;
    }
    scores[held] = Math.min(Math.max(before + 4 * (y - startedAt), from), to);
    update();
  });
  return {
    element: plane.element,
    draw() {
      const scores = state.args[name];
      const slopes = evaluate().grad[name];
      const count = scores.length / classes;
      const names = Array.from({ length: classes }, (_, k) => `${classes - 1 - k}`);
      names[classes - 1] = say("空", "blank");
      plane.setAxes([-0.7, count - 0.3], [-0.6, classes - 0.4], say("帧", "frame"), names);
      plane.clear();
      const steepest = Math.max(0.05, ...slopes.map(Math.abs).filter(Number.isFinite));
      for (let t = 0; t < count; t++) {
        const row = scores.slice(t * classes, (t + 1) * classes);
        const most = Math.max(...row);
        let total = 0;
        for (const score of row) total += Math.exp(score - most);
        row.forEach((score, c) => {
          const height = classes - 1 - c;
          const probability = Math.exp(score - most) / total;
          plane.dot(t, height, "loss dot", 3 + 20 * Math.sqrt(probability));
          const step = -0.42 * slopes[t * classes + c] / steepest;
          plane.arrow([t + 0.32, height], [t + 0.32, height + step], "gradient vector");
        });
      }
    },
  };
}
