/** The two languages of the book. */

/** A language of the book: Chinese or English. */
export type Language = "zh" | "en";

/** Both languages, Chinese first, as in the notebooks. */
export const LANGUAGES: readonly Language[] = ["zh", "en"];

/** A text in both languages. */
export type Both = Readonly<Record<Language, string>>;

/** The other language. */
export function otherThan(language: Language): Language {
  return language === "zh" ? "en" : "zh";
}

const HAN = /\p{Script=Han}/u;

/**
 * The part of a bilingual line that is in one language.
 *
 * @param line Text such as `3 推导 · Derivation`, whose number belongs to both, or a name such as `MSELoss · 均方误差损失`.
 * @param language The language.
 * @returns Text such as `3 Derivation`. In Chinese a name stays beside its translation; a line that is not bilingual stays
 * as it is.
 */
export function partOf(line: string, language: Language): string {
  const parts = line.split(" · ");
  const firstHan = parts.findIndex((part) => HAN.test(part));
  const lastHan = parts.findLastIndex((part) => HAN.test(part));
  if (parts.length === 1 || firstHan < 0) return line;
  if (firstHan > 0) return language === "zh" ? line : parts.slice(0, firstHan).join(" · ");
  const [zh, en] = [parts.slice(0, lastHan + 1), parts.slice(lastHan + 1)];
  if (en.length === 0) return line;
  if (language === "zh") return zh.join(" · ");
  const [shared = ""] = zh[0].match(/^(✓ |\d+ )/) ?? [];
  return shared + en.join(" · ");
}
