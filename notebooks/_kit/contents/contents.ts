/**
 * All losses in the order of reading, and how the source lists them.
 *
 * This folder holds what index.ipynb and README.md show of the whole: contents, terms, the picture of all losses. It is the
 * one place of the kit that names every loss; notebooks of single losses need nothing of it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Group } from "./loss_panels.ts";
import { type Cell, readNotebook } from "../notebook/notebook_file.ts";

/** One loss in the order of reading. */
export interface Chapter {
  /** The name of its module, notebook and test. */
  file: string;
  /** The class. */
  loss: string;
  /** What it compares. */
  group: Group;
  /** The question that it answers, in Chinese. */
  zh: string;
  /** The question that it answers, in English. */
  en: string;
  /** Where it is used, in Chinese. */
  useZh: string;
  /** Where it is used, in English. */
  useEn: string;
}

function chapters(
  group: Group,
  rows: readonly (readonly [
    file: string,
    loss: string,
    zh: string,
    en: string,
    useZh: string,
    useEn: string,
  ])[],
): Chapter[] {
  return rows.map(([file, loss, zh, en, useZh, useEn]) => {
    return { file, loss, group, zh, en, useZh, useEn };
  });
}

/** All losses; the path keeps this order except where a card says to read another page first. */
export const contents: readonly Chapter[] = [
  ...chapters("numbers", [
    [
      "l1",
      "L1Loss",
      "预测离目标有多远？",
      "How far off is the prediction?",
      "回归，目标里有离群点，想要中位数",
      "regression with outlying targets; the median is wanted",
    ],
    [
      "mse",
      "MSELoss",
      "怎样预测均值？",
      "How does one predict the mean?",
      "回归，噪声近似正态，没有离群点",
      "regression with nearly normal noise and no outliers",
    ],
    [
      "huber",
      "HuberLoss",
      "几个目标值不可信时，该预测多少？",
      "What to predict when a few targets cannot be trusted?",
      "稳健回归；强化学习的价值估计",
      "robust regression; value estimates in reinforcement learning",
    ],
    [
      "smooth_l1",
      "SmoothL1Loss",
      "怎样把 L1 的折点磨圆？",
      "How is the kink of L1 rounded off?",
      "目标检测的框回归；有较大数值的回归",
      "box regression in object detection; targets with large values",
    ],
    [
      "poisson_nll",
      "PoissonNLLLoss",
      "一件事平均发生几次？",
      "How many times does it happen on average?",
      "计数数据：事故、访问、订单",
      "count data: accidents, visits, orders",
    ],
    [
      "gaussian_nll",
      "GaussianNLLLoss",
      "预测值是多少，又有多不确定？",
      "What is the prediction, and how uncertain is it?",
      "方差随输入变化的回归，不确定性估计",
      "regression whose variance depends on the input; uncertainty",
    ],
  ]),
  ...chapters("classes", [
    [
      "nll",
      "NLLLoss",
      "模型给正确类别多大的概率？",
      "What probability does the model give the right class?",
      "多分类，模型已经输出对数概率",
      "several classes; the model gives log-probabilities",
    ],
    [
      "cross_entropy",
      "CrossEntropyLoss",
      "几个类别里，答案是哪一个？",
      "Which one of several classes is it?",
      "多分类，类别不平衡时加权重",
      "several classes, with weights if they are unbalanced",
    ],
    [
      "bce",
      "BCELoss",
      "“是”的概率给对了吗？",
      "Is the probability of “yes” right?",
      "二分类，模型已经输出概率",
      "yes or no; the model gives probabilities",
    ],
    [
      "bce_with_logits",
      "BCEWithLogitsLoss",
      "是，还是不是？",
      "Yes or no?",
      "二分类和多标签分类，模型输出分数",
      "yes or no, and several labels; the model gives scores",
    ],
    [
      "soft_margin",
      "SoftMarginLoss",
      "分数的符号对吗，差多少？",
      "Does the score have the right sign, and by how much?",
      "标签为 ±1 的二分类（逻辑斯蒂回归）",
      "yes or no with labels ±1: logistic regression",
    ],
    [
      "multi_label_soft_margin",
      "MultiLabelSoftMarginLoss",
      "每个标签各自判断：有，还是没有？",
      "Which labels apply, each judged on its own?",
      "多标签分类，标签互不相干",
      "several labels at a time that do not depend on each other",
    ],
    [
      "kl_div",
      "KLDivLoss",
      "两个分布差多远？",
      "How far apart are two distributions?",
      "知识蒸馏，变分推断，聚类、降维和生成模型",
      "distillation, variational inference, clustering, generative models",
    ],
    [
      "multi_margin",
      "MultiMarginLoss",
      "正确类别领先得够吗？",
      "Does the right class lead by enough?",
      "多分类的支持向量机",
      "several classes, as in a support vector machine",
    ],
    [
      "multi_label_margin",
      "MultiLabelMarginLoss",
      "该有的标签都排在不该有的前面吗？",
      "Do all labels that apply rank above all that do not?",
      "多标签分类，只看先后次序",
      "several labels at a time, where only their order counts",
    ],
    [
      "ctc",
      "CTCLoss",
      "不知道何时说了什么，怎样学会听写？",
      "How does one learn dictation without knowing when each sound was made?",
      "语音识别、文字识别：没有对齐的序列",
      "speech and text recognition: sequences without alignment",
    ],
    [
      "linear_cross_entropy",
      "LinearCrossEntropyLoss",
      "类别太多，分数放不进内存，怎么办？",
      "What if the scores of all classes do not fit into memory?",
      "大词表的语言模型",
      "language models with large vocabularies",
    ],
    [
      "adaptive_log_softmax_with_loss",
      "AdaptiveLogSoftmaxWithLoss",
      "罕见的类别可以少算一点吗？",
      "Can rare classes cost less time?",
      "词频悬殊的大词表",
      "large vocabularies in which most words are rare",
    ],
  ]),
  ...chapters("pairs", [
    [
      "margin_ranking",
      "MarginRankingLoss",
      "两个里，哪个该排在前面？",
      "Which of two should come first?",
      "排序、推荐，孪生网络，GAN",
      "ranking, recommendation, Siamese networks, GANs",
    ],
    [
      "hinge_embedding",
      "HingeEmbeddingLoss",
      "这一对的距离够近，或够远吗？",
      "Is this pair near enough, or far enough apart?",
      "判断两个输入相似与否，非线性嵌入，半监督学习",
      "telling whether two inputs are alike; embeddings, semi-supervised learning",
    ],
    [
      "cosine_embedding",
      "CosineEmbeddingLoss",
      "两个向量指向同一边吗？",
      "Do two vectors point the same way?",
      "文本和图像的相似度，只看方向",
      "similarity of texts and images, where only direction counts",
    ],
    [
      "triplet_margin",
      "TripletMarginLoss",
      "锚点离正例比离负例近吗？",
      "Is the anchor nearer to the positive than to the negative?",
      "人脸识别、检索",
      "face recognition, retrieval",
    ],
    [
      "triplet_margin_with_distance",
      "TripletMarginWithDistanceLoss",
      "换一种距离呢？",
      "What if the distance is measured differently?",
      "自己定义距离的三元组",
      "triplets with a distance of one's own",
    ],
  ]),
];

/** Chapters after those of the losses. */
export const afterwards: readonly Readonly<Record<"file" | "title" | "zh" | "en", string>>[] = [
  {
    file: "your_own_loss",
    title: "自己的损失 · Your own loss",
    zh: "哪一种都不合适时，怎样自己造一种？",
    en: "What if none of them fits?",
  },
];

/** The losses of the source in its order: the heading there, the class, and the notebook that restates it. */
export const sourceLosses: readonly (readonly [heading: string, loss: string, file: string])[] = [
  ["L1范数损失", "L1Loss", "l1"],
  ["均方误差（L2 Loss)损失", "MSELoss", "mse"],
  ["平滑版L1损失", "SmoothL1Loss", "smooth_l1"],
  ["交叉熵损失", "CrossEntropyLoss", "cross_entropy"],
  ["KL 散度（相对熵）损失", "KLDivLoss", "kl_div"],
  ["二进制交叉熵损失", "BCELoss", "bce"],
  ["BCEWithLogitsLoss", "BCEWithLogitsLoss", "bce_with_logits"],
  ["MarginRankingLoss", "MarginRankingLoss", "margin_ranking"],
  ["HingeEmbeddingLoss", "HingeEmbeddingLoss", "hinge_embedding"],
  ["三元组损失", "TripletMarginLoss", "triplet_margin"],
  ["cosine 损失", "CosineEmbeddingLoss", "cosine_embedding"],
  ["多标签分类损失", "MultiLabelMarginLoss", "multi_label_margin"],
  ["MultiMarginLoss", "MultiMarginLoss", "multi_margin"],
  ["2分类的logistic损失", "SoftMarginLoss", "soft_margin"],
  ["多标签 one-versus-all 损失", "MultiLabelSoftMarginLoss", "multi_label_soft_margin"],
  ["连接时序分类损失", "CTCLoss", "ctc"],
  ["负对数似然损失", "NLLLoss", "nll"],
  ["PoissonNLLLoss", "PoissonNLLLoss", "poisson_nll"],
  ["NLLLoss2d", "NLLLoss2d", "nll"],
];

/** One row of the path. */
export type Step = Record<
  "#" | "笔记本 · notebook" | "问题 · question" | "先读 · read first" | "分钟 · minutes",
  string
>;

const NOTEBOOKS = new URL("../../", import.meta.url);

/**
 * The path through all notebooks, with links and reading times: every one stands below those that its card says to read
 * first, which are named by their numbers in the path.
 */
export async function readingPath(folder: URL = NOTEBOOKS): Promise<Step[]> {
  const losses = contents.map(({ loss, ...rest }) => ({ ...rest, title: loss }));
  const chapters = await Promise.all([...losses, ...afterwards].map(async (chapter) => {
    const path = fileURLToPath(new URL(`${chapter.file}.ipynb`, folder));
    const { cells } = (await readNotebook(path)).notebook;
    return { ...chapter, first: firstReads(cells), minutes: readingMinutes(cells) };
  }));
  const ordered = inReadingOrder(chapters);
  const numbers = new Map(ordered.map(({ file }, i) => [file, `[${i + 1}](${file}.ipynb)`]));
  return ordered.map(({ file, title, zh, en, first, minutes }, i) => ({
    "#": `${i + 1}`,
    "笔记本 · notebook": `[${title}](${file}.ipynb)`,
    "问题 · question": `${zh} ${en}`,
    "先读 · read first": first.map((file) => numbers.get(file)).join(", "),
    "分钟 · minutes": `${minutes}`,
  }));
}

/**
 * The notebooks that should be read before one.
 *
 * @param cells Its cells; the sentence 先读 of its card names them.
 * @returns Their names; none if there is no such sentence.
 */
export function firstReads(cells: readonly Cell[]): string[] {
  const card = cells.find(({ metadata: { tags } }) =>
    Array.isArray(tags) && tags.includes("card") && tags.includes("zh")
  );
  const [sentence = ""] = card?.source.match(/先读[^。；\n]*/) ?? [];
  return [...sentence.matchAll(/\]\((\w+)\.ipynb\)/g)].map(([, file]) => file);
}

/**
 * Puts every notebook behind those that should be read first; apart from that they keep their order.
 *
 * @param chapters The notebooks, each with the names of those to read first.
 * @returns The same in an order in which one can read them.
 */
export function inReadingOrder<Chapter extends { file: string; first: readonly string[] }>(
  chapters: readonly Chapter[],
): Chapter[] {
  const byName = new Map(chapters.map((chapter) => [chapter.file, chapter]));
  const ordered = new Set<Chapter>();
  const place = (file: string, readers: readonly string[]) => {
    const chapter = byName.get(file);
    if (chapter === undefined || readers.includes(file)) {
      throw new RangeError(
        `Cannot put the notebooks in order as ${readers.at(-1)} wants ${file} to be read first, ` +
          (chapter ? "which wants the same of it" : "which is not among them"),
      );
    }
    for (const earlier of chapter.first) place(earlier, [...readers, file]);
    ordered.add(chapter);
  };
  for (const { file } of chapters) place(file, []);
  return [...ordered];
}

/** How much of a difficult text is read in a minute; of code, characters without spaces, so that its layout does not matter. */
const PACE = { characters: 250, words: 130, code: 1400 };

/**
 * How long it takes to read a notebook, without exercises, in the language that takes longer.
 *
 * @param cells All cells; folded parts, which are solutions, collapsed cells and imports are not counted.
 * @returns Minutes, a multiple of five.
 */
export function readingMinutes(cells: readonly Cell[]): number {
  const text = cells.flatMap((cell) => cell.cell_type === "markdown" ? cell.source : []).join("\n")
    .replace(/<details>[\s\S]*?<\/details>|\$\$[\s\S]*?\$\$|\$[^$\n]+\$|\]\([^)]*\)/g, " ");
  const characters = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const words = text.match(/[A-Za-z][\w'’-]*/g)?.length ?? 0;
  const code =
    cells.flatMap(({ cell_type, metadata, source }) =>
      cell_type === "code" && metadata.jupyter === undefined ? source : []
    ).join("\n").replace(/^import [^;]*;$/gm, "").replace(/\s/g, "").length;
  const minutes = Math.max(characters / PACE.characters, words / PACE.words) + code / PACE.code;
  return Math.max(5, Math.round(minutes / 5) * 5);
}

/**
 * Rows of the list of terms in terms.md.
 *
 * @param english The English terms.
 */
export async function terms(english: readonly string[]): Promise<Record<string, string>[]> {
  const text = await Deno.readTextFile(new URL("../terms.md", import.meta.url));
  const rows = [...text.matchAll(/^\| (.+?) \| (.+?) \| (.*?) ?\|$/gm)];
  return english.map((term) => {
    const row = rows.find(([, , name]) => name === term);
    if (row === undefined) throw new RangeError(`Cannot show the term "${term}": it is not listed`);
    return { "中文": row[1], "English": row[2], "说明 · note": row[3] };
  });
}
