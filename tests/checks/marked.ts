/** The line before a generated block of Markdown, and the line after it. */
function markers(name: string): { begin: string; end: string } {
  return { begin: `<!-- ${name}: begin -->`, end: `<!-- ${name}: end -->` };
}

function boundsOf(markdown: string, name: string): [start: number, stop: number] {
  const { begin, end } = markers(name);
  const start = markdown.indexOf(begin) + begin.length;
  const stop = markdown.indexOf(end, start);
  if (!markdown.includes(begin) || stop < 0) {
    throw new Error(`Cannot find the generated block "${name}" as there is no ${begin} … ${end}`);
  }
  return [start, stop];
}

/** What stands between the markers of this name. */
export function markedIn(markdown: string, name: string): string {
  return markdown.slice(...boundsOf(markdown, name)).trim();
}

/** The text with `content` between the markers of this name. */
export function withMarked(markdown: string, name: string, content: string): string {
  const [start, stop] = boundsOf(markdown, name);
  return `${markdown.slice(0, start)}\n\n${content}\n\n${markdown.slice(stop)}`;
}
