// What the IDE in its frame says to this page, and whether it was the IDE that said it.

export type Kind = "light" | "dark";

export type FromIde =
  | { readonly type: "coditect.ready"; readonly theme: Kind }
  | { readonly type: "coditect.theme.changed"; readonly theme: Kind }
  | Persistence
  | { readonly type: "coditect.ticket.request" }
  | { readonly type: "coditect.do"; readonly action: Wish };

/** What a person chose in the IDE, and only this page may do. */
export type Wish = "palette" | "account" | "sessions" | "history" | "pause" | "logout";

/** What the IDE's status bar says. */
export interface Persistence {
  readonly type: "coditect.persistence";
  readonly mood: "good" | "busy" | "attention" | "bad";
  readonly text: string;
  readonly detail: string;
}

export type ToIde =
  | { readonly type: "coditect.theme"; readonly theme: Kind }
  | { readonly type: "coditect.ticket"; readonly url: string }
  /** Who is logged in; and that this page does what coditect.do asks for. */
  | { readonly type: "coditect.person"; readonly name: string; readonly email: string }
  /** Whether the person looks at this IDE: one behind others keeps no workspace awake. */
  | { readonly type: "coditect.shown"; readonly shown: boolean }
  /** The settings of category "editor"; they count in the IDE at once. */
  | { readonly type: "coditect.editor"; readonly settings: Readonly<Record<string, string | number | boolean>> };

/** More is no word of a status bar: the IDE's page is the workspace's, and not one to write letters to this one. */
const MOST_TEXT = 60;
const MOST_DETAIL = 300;

const isMood = (value: unknown): value is Persistence["mood"] => value === "good" || value === "busy" || value === "attention" || value === "bad";

const wishes: readonly unknown[] = ["palette", "account", "sessions", "history", "pause", "logout"] satisfies readonly Wish[];

const isWish = (value: unknown): value is Wish => wishes.includes(value);

/** Undefined for all that is no message of the IDE's. */
function readMessage(data: unknown): FromIde | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { type, theme, mood, text, detail, action } = data as Readonly<Record<string, unknown>>;
  if (type === "coditect.ticket.request") return { type };
  if (type === "coditect.do") return isWish(action) ? { type, action } : undefined;
  if (type === "coditect.persistence") {
    if (!isMood(mood) || typeof text !== "string" || typeof detail !== "string") return undefined;
    return { type, mood, text: text.slice(0, MOST_TEXT), detail: detail.slice(0, MOST_DETAIL) };
  }
  if (type !== "coditect.ready" && type !== "coditect.theme.changed") return undefined;
  return theme === "light" || theme === "dark" ? { type, theme } : undefined;
}

export type Risk = "none" | "soon" | "lost";

/**
 * What leaving the IDE's page costs: "soon" nothing, once the IDE has saved what was typed (it says "busy" from the first
 * key on); "lost" what was typed, since there is no file or no way to save it.
 */
export function riskOfLeaving(said: Persistence | undefined): Risk {
  if (said === undefined || said.mood === "good") return "none";
  if (said.mood === "busy") return "soon";
  return said.mood === "bad" || /not saved/.test(said.text) ? "lost" : "none";
}

export interface Heard {
  readonly data: unknown;
  readonly origin: string;
  readonly source: unknown;
}

/** Only what the frame's own window sent while it showed the IDE's origin. */
export function hear(event: Heard, frame: unknown, origin: string): FromIde | undefined {
  if (frame === null || frame === undefined || event.source !== frame || event.origin !== origin) return undefined;
  return readMessage(event.data);
}

/** The IDE's origin; undefined for what is no address. */
export function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * A browser gives the IDE its cookie only when page and IDE share a site. On one machine both lie below a name that ends
 * in .localhost; a page that came from 127.0.0.1 or plain localhost has to move there. Undefined: no need to move.
 */
export function addressBesideIde(page: URL, ideUrl: string): string | undefined {
  if (!URL.canParse(ideUrl) || !LOOPBACK.test(page.hostname)) return undefined;
  const ide = new URL(ideUrl);
  const at = ide.hostname.indexOf(".ide.");
  if (at < 0 || !ide.hostname.endsWith(".localhost")) return undefined;
  const home = ide.hostname.slice(at + ".ide.".length);
  return `${page.protocol}//${home}${page.port === "" ? "" : `:${page.port}`}${page.pathname}${page.search}`;
}
