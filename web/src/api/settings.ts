// What people and teams have chosen. A choice counts on the page at once; the server is told, and what it refuses goes back.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { sayChangeProblem } from "../components/toaster";
import { isCode } from "../lib/problem";
import { type Level, type Reading, readingOf } from "../lib/settings";
import { api, clientBy, useAuth } from "../stores/auth";
import { watchedFetch } from "../stores/connection";
import { isThemeChoice, showMotion, showTheme, type ThemeChoice } from "../stores/theme";
import type { Client, Setting, SettingValue } from "./generated";
import { queryClient } from "./queries";

const queryKey = ["settings"] as const;

/** Asked for again when somebody comes back to the page: they may have chosen on another device. */
export function useSettings() {
  return useQuery({ queryKey, queryFn: async ({ signal }) => (await api.settingsList({ signal })).data });
}

const isSame = (one: Setting, { category, key }: Pick<Setting, "category" | "key">): boolean => one.category === category && one.key === key;

/** What is known now, where nothing is drawn by it. */
export const knownSettings = (): readonly Setting[] | undefined => queryClient.getQueryData<readonly Setting[]>(queryKey);

function put(setting: Setting): void {
  queryClient.setQueryData<readonly Setting[]>(queryKey, (all) => all?.map((one) => (isSame(one, setting) ? setting : one)));
}

/** The page knows better what counts, and the server what it is a change of. */
function putRevision({ tenant_revision, ...of }: Setting): void {
  const known = knownSettings()?.find((one) => isSame(one, of));
  if (known !== undefined && tenant_revision !== undefined) put({ ...known, tenant_revision });
}

/** As the server will say: the person's, else the tenant's, else the default. */
function withChoice(setting: Setting, level: Level, value: SettingValue | undefined): Setting {
  const { user, tenant, ...rest } = { ...setting, [level]: value };
  const source = user !== undefined ? "user" : tenant !== undefined ? "tenant" : "default";
  return { ...rest, value: user ?? tenant ?? setting.default, source, ...(user !== undefined ? { user } : {}), ...(tenant !== undefined ? { tenant } : {}) };
}

interface Change {
  readonly level: Level;
  readonly value: SettingValue | undefined;
  /** What it is a change of, for everybody: somebody else's, made meanwhile, is not lost. Of what is a person's own the last counts. */
  readonly revision?: number | undefined;
}

function send(client: Client, { category, key }: Pick<Setting, "category" | "key">, { level, value, revision }: Change): Promise<Setting> {
  const of = { category, key, ...(revision !== undefined ? { ifMatch: `"${revision}"` } : {}) };
  if (value === undefined) return level === "user" ? client.settingsDelete(of) : client.tenantSettingDelete(of);
  return level === "user" ? client.settingsPut({ ...of, body: { value } }) : client.tenantSettingPut({ ...of, body: { value } });
}

/** What it asks goes on when the page is left; of small bodies only. */
const lasting = clientBy((input, init) => watchedFetch(input, { ...init, keepalive: true }));

interface Choice {
  readonly level: Level;
  readonly of: Pick<Setting, "category" | "key">;
  readonly value: SettingValue | undefined;
}

/** Not sent yet, the newest of each setting. They go one after the other: what was chosen last is what stays. */
const waiting = new Map<string, Choice>();
let isSending = false;

async function tell({ level, of, value }: Choice): Promise<void> {
  // An answer that left the server before the change would show what was.
  await queryClient.cancelQueries({ queryKey });
  try {
    const revision = level === "tenant" ? knownSettings()?.find((one) => isSame(one, of))?.tenant_revision : undefined;
    const now = await send(lasting, of, { level, value, revision });
    await queryClient.cancelQueries({ queryKey }); // asked for while it was sent
    if (waiting.size === 0) put(now);
    else putRevision(now); // with another one to come, the page knows better
  } catch (error) {
    sayChangeProblem(error);
    await queryClient.invalidateQueries({ queryKey });
  }
}

async function tellAll(): Promise<void> {
  isSending = true;
  for (const [name, choice] of waiting) { // and those that come meanwhile
    waiting.delete(name);
    await tell(choice);
  }
  isSending = false;
}

/** Whoever leaves the page at once has chosen all the same. */
globalThis.addEventListener("pagehide", () => {
  for (const choice of waiting.values()) void tell(choice);
  waiting.clear();
});

/** value undefined: nothing any more, and what is inherited counts. */
export function choose(level: Level, of: Pick<Setting, "category" | "key">, value: SettingValue | undefined): void {
  const setting = knownSettings()?.find((one) => isSame(one, of));
  if (setting !== undefined) put(withChoice(setting, level, value));
  waiting.set(`${level} ${of.category}.${of.key}`, { level, of, value });
  if (!isSending) void tellAll();
}

/** Lines that somebody wrote: they count once the server has taken them, and what it refuses stays to be mended. */
export async function saveLines(of: Pick<Setting, "category" | "key">, value: string, revision: number | undefined): Promise<void> {
  await queryClient.cancelQueries({ queryKey });
  try {
    const now = await send(api, of, { level: "tenant", value: value === "" ? undefined : value, revision });
    await queryClient.cancelQueries({ queryKey }); // asked for while it was sent
    put(now);
  } catch (error) {
    if (isCode(error, "precondition")) await queryClient.invalidateQueries({ queryKey }); // to show what somebody else wrote
    throw error;
  }
}

/** On this page at once, and wherever the person is logged in. */
export function chooseTheme(theme: ThemeChoice): void {
  showTheme(theme);
  if (useAuth.getState().state.status === "in") choose("user", { category: "appearance", key: "theme" }, theme);
}

/** What the settings say of the pages themselves holds here; once, around every page of a person. */
export function useFollowedSettings(): void {
  const { data } = useSettings();
  const of = (key: string) => data?.find((one) => one.category === "appearance" && one.key === key);
  const theme = of("theme");
  // Nobody has chosen: what was chosen on this device before somebody logged in stays.
  const chosen = theme !== undefined && theme.source !== "default" && isThemeChoice(theme.value) ? theme.value : undefined;
  useEffect(() => {
    if (chosen !== undefined) showTheme(chosen);
  }, [chosen]); // not with another setting: what an IDE shows now is not chosen yet
  const motion = of("motion")?.value;
  useEffect(() => {
    if (motion !== undefined) showMotion(motion === "reduced");
  }, [motion]);
}

export function useReading(): Reading {
  const { data } = useSettings();
  return useMemo(() => readingOf(data), [data]);
}

/** listen hears of each change; what it returns ends that. */
export function onSettings(listen: (settings: readonly Setting[]) => void): () => void {
  let last = knownSettings();
  return queryClient.getQueryCache().subscribe(() => {
    const now = knownSettings();
    if (now === undefined || now === last) return;
    last = now;
    listen(now);
  });
}
