import { beforeEach, expect, test } from "vitest";
import { noteRisk, showSession, startOpen, useOpen } from "../src/stores/open";

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  Object.assign(globalThis, { sessionStorage: { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => void stored.set(key, value) } });
  useOpen.setState({ userId: "", sessions: [] });
  startOpen("usr-1");
});
const show = (...names: readonly string[]) => names.forEach((name) => showSession(`ses-${name}`, `/sessions/ses-${name}/ide`));
const open = () => useOpen.getState().sessions.map(({ id }) => id.slice(4)).join("");

test("a ninth session closes the one that was shown longest ago, if that costs nothing", () => {
  show(..."abcdefgh");
  show("a"); // again: b is the oldest now
  noteRisk("ses-b", "lost");
  show("i");
  expect(open()).toBe("abdefghi");
  for (const { id } of useOpen.getState().sessions) noteRisk(id, "lost");
  show("j");
  expect(open()).toBe("abdefghij");
});

test("a reload keeps eight tabs at most, and none of another person's", () => {
  stored.set("coditect-open-usr-2", JSON.stringify([..."abcdefghijk"].map((name) => `ses-${name}`).concat("ses-a", "../x")));
  startOpen("usr-2");
  expect(open()).toBe("abcdefgh");
  startOpen("usr-3");
  expect(open()).toBe("");
});
