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
 * @param line Text such as `3 推导 · Derivation`; the number belongs to both.
 * @param language The language.
 * @returns Text such as `3 Derivation`; a line that is not bilingual as it is.
 */
export function partOf(line: string, language: Language): string {
  const halves = line.split(" · ");
  const cut = halves.findIndex((_, i) =>
    i > 0 && HAN.test(halves.slice(0, i).join()) && !HAN.test(halves.slice(i).join())
  );
  if (cut < 0) return line;
  const [zh, en] = [halves.slice(0, cut).join(" · "), halves.slice(cut).join(" · ")];
  if (language === "zh") return zh;
  const [number = ""] = zh.match(/^[*#\s]*(✓ |\d+ )?/) ?? [];
  return number + en;
}
