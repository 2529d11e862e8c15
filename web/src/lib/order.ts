// In which order a list of sessions stands, and which of them are looked for.
import type { Session } from "../api/generated";

export const orders = [
  { value: "used", label: "Last used" },
  { value: "name", label: "Name" },
  { value: "new", label: "Newest" },
  { value: "large", label: "Largest" },
] as const;

export type Order = (typeof orders)[number]["value"];

export function orderOf(text: string | null): Order {
  return orders.find(({ value }) => value === text)?.value ?? "used";
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const compare: Readonly<Record<Order, (a: Session, b: Session) => number>> = {
  used: (a, b) => b.last_access_at.localeCompare(a.last_access_at),
  name: (a, b) => collator.compare(a.name, b.name),
  new: (a, b) => b.created_at.localeCompare(a.created_at),
  large: (a, b) => b.bytes - a.bytes,
};

/** Each word of the text is somewhere in the name. */
export function lookFor(sessions: readonly Session[], text: string, order: Order): readonly Session[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return sessions.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word))).sort(compare[order]);
}
