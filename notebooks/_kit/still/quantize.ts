/**
 * Reduces a picture to 256 colours by median cut: the group of colours that differ most is split until there are 256 groups, and
 * each group is drawn in its mean. A colour of many pixels soon has a group of its own. So white stays white and a line keeps its
 * colour; only the shades of its smoothed edges change a little.
 *
 * @module
 */

/** A picture as numbers into a table of colours. */
export interface Indexed {
  /** One byte per pixel. */
  indices: Uint8Array;
  /** Three bytes per colour. */
  palette: Uint8Array;
}

const MAX_COLOURS = 256;
const SHIFTS = [16, 8, 0] as const;

/** A colour 0xRRGGBB and how many pixels have it. */
type Count = readonly [colour: number, pixels: number];

/** Colours that will become one; `spread` orders the groups for splitting. */
interface Group {
  counts: Count[];
  shift: number;
  spread: number;
}

/**
 * Reduces a picture to at most 256 colours.
 *
 * @param rgba Four bytes per pixel; alpha is ignored.
 */
export function quantize(rgba: Uint8Array): Indexed {
  const pixels = new Uint32Array(rgba.length / 4);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = rgba[4 * i] << 16 | rgba[4 * i + 1] << 8 | rgba[4 * i + 2];
  }
  const groups = split(countColours(pixels));
  const palette = new Uint8Array(3 * groups.length);
  const indexOf = new Map<number, number>();
  groups.forEach(({ counts }, index) => {
    palette.set(mean(counts), 3 * index);
    for (const [member] of counts) indexOf.set(member, index);
  });
  const indices = new Uint8Array(pixels.length);
  forEachRun(pixels, (colour, from, to) => indices.fill(indexOf.get(colour) ?? 0, from, to));
  return { indices, palette };
}

function countColours(pixels: Uint32Array): Count[] {
  const counts = new Map<number, number>();
  forEachRun(pixels, (colour, from, to) => {
    counts.set(colour, (counts.get(colour) ?? 0) + to - from);
  });
  return [...counts];
}

/** Visits runs of equal pixels: as most of a figure is background, they are far fewer than the pixels. */
function forEachRun(
  pixels: Uint32Array,
  visit: (colour: number, from: number, to: number) => void,
): void {
  for (let from = 0, to = 0; from < pixels.length; from = to) {
    while (to < pixels.length && pixels[to] === pixels[from]) to++;
    visit(pixels[from], from, to);
  }
}

function split(counts: Count[]): Group[] {
  const groups = [group(counts)];
  while (groups.length < MAX_COLOURS) {
    const widest = groups.reduce((best, at, i) => at.spread > groups[best].spread ? i : best, 0);
    const { counts, shift, spread } = groups[widest];
    if (spread === 0) break;
    counts.sort(([a], [b]) => channel(a, shift) - channel(b, shift) || a - b);
    const middle = halfway(counts, shift);
    groups[widest] = group(counts.slice(0, middle));
    groups.push(group(counts.slice(middle)));
  }
  return groups;
}

function mean(counts: Count[]): number[] {
  const pixels = total(counts);
  return SHIFTS.map((shift) => {
    const sum = counts.reduce((sum, [colour, count]) => sum + channel(colour, shift) * count, 0);
    return Math.round(sum / pixels);
  });
}

function channel(colour: number, shift: number): number {
  return colour >> shift & 255;
}

function total(counts: Count[]): number {
  return counts.reduce((sum, [, pixels]) => sum + pixels, 0);
}

/** A group with the channel in which its colours differ most; the difference counts more if more pixels have it. */
function group(counts: Count[]): Group {
  let [widest, spread] = [0, 0];
  for (const shift of SHIFTS) {
    let [low, high] = [255, 0];
    for (const [colour] of counts) {
      low = Math.min(low, channel(colour, shift));
      high = Math.max(high, channel(colour, shift));
    }
    if (high - low > spread) [widest, spread] = [shift, high - low];
  }
  return { counts, shift: widest, spread: spread * Math.sqrt(total(counts)) };
}

/** The first index above the middle of the channel's range, so that neither half is empty. */
function halfway(counts: Count[], shift: number): number {
  const value = (i: number): number => channel(counts[i][0], shift);
  const middle = (value(0) + value(counts.length - 1)) / 2;
  return counts.findIndex((_, i) => value(i) > middle);
}
