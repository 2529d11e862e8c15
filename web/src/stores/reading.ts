// How files are shown in the app's own pages: on this device.
import { create } from "zustand";

export interface Reading {
  /** Of the letters, in px. */
  readonly size: number;
  /** How many columns a tab takes at most. */
  readonly tab: number;
  /** Long lines go on in the next one. */
  readonly isWrapped: boolean;
}

export const sizes: readonly number[] = [12, 13, 14, 16, 18];
export const tabs: readonly number[] = [2, 4, 8];

const key = "coditect-reading";
const standard: Reading = { size: 13, tab: 4, isWrapped: false };

/** Whatever was stored: by another version of this page, or by hand. */
export function readingOf(stored: string | null): Reading {
  try {
    const { size, tab, isWrapped } = JSON.parse(stored ?? "{}") as Partial<Record<keyof Reading, unknown>>;
    return {
      size: sizes.find((one) => one === size) ?? standard.size,
      tab: tabs.find((one) => one === tab) ?? standard.tab,
      isWrapped: isWrapped === true,
    };
  } catch {
    return standard;
  }
}

function read(): Reading {
  try {
    return readingOf(localStorage.getItem(key));
  } catch {
    return standard;
  }
}

export const useReading = create<Reading>(() => read());

export function chooseReading(change: Partial<Reading>): void {
  useReading.setState(change);
  try {
    localStorage.setItem(key, JSON.stringify(useReading.getState()));
  } catch {
    // Storage is blocked: it holds for this page.
  }
}

globalThis.addEventListener?.("storage", (event: StorageEvent) => {
  if (event.key === key) useReading.setState(read());
});
