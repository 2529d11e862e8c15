// How sizes, counts and times read.

const units = ["KiB", "MiB", "GiB", "TiB"] as const;

/** Binary units with one decimal: 0 B, 812 B, 1.5 KiB. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  // 1023.96 KiB would be written as 1024.0 KiB.
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

const steps: ReadonlyArray<readonly [Intl.RelativeTimeFormatUnit, number]> = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "just now", "3 minutes ago"; a clock that is a little ahead does not make it the future. */
export function formatAgo(time: string, now = Date.now()): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const step = steps.find(([, length]) => seconds >= length);
  if (step === undefined) return "just now";
  return relative.format(-Math.floor(seconds / step[1]), step[0]);
}

/** "in 3 minutes"; "in a moment" when it is due. */
export function formatUntil(time: string, now = Date.now()): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const step = steps.find(([, length]) => seconds >= length);
  return step === undefined ? "in a moment" : relative.format(Math.round(seconds / step[1]), step[0]);
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function formatClock(time: string): string {
  return clock.format(new Date(time));
}

const exact = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

export function formatExact(time: string): string {
  return exact.format(new Date(time));
}

const dayOfYear = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** "Today", "Yesterday", else the date. */
export function formatDay(time: string, now = Date.now()): string {
  const day = new Date(time).toDateString();
  if (day === new Date(now).toDateString()) return "Today";
  const before = new Date(now);
  before.setDate(before.getDate() - 1);
  return day === before.toDateString() ? "Yesterday" : dayOfYear.format(new Date(time));
}
