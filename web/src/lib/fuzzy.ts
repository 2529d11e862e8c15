// Finding a name by some of its letters, in order: "prja" finds "Project A".

export interface Match {
  /** Higher is better. */
  readonly score: number;
  /** Where in the text the letters were found, in UTF-16 units. */
  readonly at: readonly number[];
}

const isBoundary = (text: string, i: number): boolean => i === 0 || /[\s\-_./:]/.test(text[i - 1] ?? "") || /\p{Ll}\p{Lu}/u.test(text.slice(i - 1, i + 1));

const NEXT_TO = 8;
const AT_BOUNDARY = 10;
const AT_START = 6;

/** The best way to find the letters that begins at `from`: each as early as it comes, runs and beginnings of words first. */
function from(text: string, lower: string, wanted: string, begin: number): Match | undefined {
  const at: number[] = [];
  let score = begin === 0 ? AT_START : 0;
  let next = begin;
  for (const letter of wanted) {
    let found = lower.indexOf(letter, next);
    if (found < 0) return undefined;
    // A later one that begins a word says more than one in the middle of another, unless the run goes on.
    for (let i = found; found !== next && i >= 0; i = lower.indexOf(letter, i + 1)) {
      if (isBoundary(text, i)) {
        found = i;
        break;
      }
    }
    if (at.length > 0 && found === next) score += NEXT_TO;
    if (isBoundary(text, found)) score += AT_BOUNDARY;
    at.push(found);
    next = found + letter.length;
  }
  return { score: score - (next - begin - wanted.length) * 0.2 - text.length * 0.01, at };
}

/** Undefined: it is not found. Nothing wanted is found everywhere. */
export function fuzzy(text: string, wanted: string): Match | undefined {
  const letters = wanted.toLowerCase().replaceAll(/\s+/g, "");
  if (letters === "") return { score: 0, at: [] };
  const lower = text.toLowerCase();
  // Letters that change their length when lowered would shift what is marked: such a text is searched as it is.
  const searched = lower.length === text.length ? lower : text;
  let best: Match | undefined;
  for (let i = searched.indexOf(letters[0] ?? ""); i >= 0; i = searched.indexOf(letters[0] ?? "", i + 1)) {
    const match = from(text, searched, letters, i);
    if (match !== undefined && (best === undefined || match.score > best.score)) best = match;
  }
  return best;
}

/** What is found, the best first; equals keep their order. */
export function fuzzyFilter<T>(all: readonly T[], wanted: string, textOf: (one: T) => string): ReadonlyArray<{ readonly one: T; readonly at: readonly number[] }> {
  return all
    .flatMap((one) => {
      const match = fuzzy(textOf(one), wanted);
      return match === undefined ? [] : [{ one, ...match }];
    })
    .sort((a, b) => b.score - a.score);
}
