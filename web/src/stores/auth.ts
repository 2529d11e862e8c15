// Who is logged in. The access token lives here, in memory; the refresh token in a cookie that no script can read.
import { create } from "zustand";
import { type Client, createClient, type RegisterInput, type User } from "../api/generated";
import { createRenewer, tabLock } from "../api/renewer";
import { staleAt, subjectOf } from "../lib/token";
import { watchedFetch } from "./connection";

type AuthState =
  | { readonly status: "unknown" }
  /** ended: by somebody or something else than a click on this page. */
  | { readonly status: "out"; readonly ended: boolean }
  | { readonly status: "in"; readonly user: User };

interface Auth {
  readonly state: AuthState;
  readonly token: string | undefined;
  /** When the token is to be renewed. */
  readonly staleAt: number;
}

interface Held {
  readonly token: string;
  readonly staleAt: number;
}

const none = { token: undefined, staleAt: Number.POSITIVE_INFINITY };
const held = (token: string): Held => ({ token, staleAt: staleAt(token, Date.now()) });

/** Where nobody says whether it is renewed, calls go on with what there is, which may be taken still, and ask for another one this much later. */
const PAUSE_MS = 5000;
let askAt = 0;

export const useAuth = create<Auth>(() => ({ state: { status: "unknown" }, ...none }));

/** A page that slept hears it late: what it holds by then is as old as it is here. */
type Message = ({ readonly kind: "renewed" } & Held) | { readonly kind: "login" } | { readonly kind: "logout" };

const channel = new BroadcastChannel("coditect-auth");
const tell = (message: Message): void => channel.postMessage(message);

function left(ended: boolean): void {
  useAuth.setState({ ...none, state: { status: "out", ended } });
}

/** A browser may have another person's cookie by now, and a page that slept has not heard of it. */
function isAnothers(token: string): boolean {
  const { state } = useAuth.getState();
  return state.status === "in" && subjectOf(token) !== state.user.id;
}

const renew = createRenewer({
  lock: tabLock,
  refresh: () => api.authRefresh(),
  current: () => useAuth.getState().token,
  accept: ({ token }) => {
    if (useAuth.getState().state.status === "out" || isAnothers(token)) return false; // only who logs in comes in again
    const fresh = held(token);
    useAuth.setState(fresh);
    tell({ kind: "renewed", ...fresh });
    return true;
  },
  refused: () => {
    const { state } = useAuth.getState();
    left(state.status === "in" || (state.status === "out" && state.ended)); // what is refused behind it changes nothing
  },
  unanswered: () => {
    askAt = Date.now() + PAUSE_MS;
  },
});

const isStale = (): boolean => Date.now() >= useAuth.getState().staleAt;

/** For what renews none itself. Undefined: there is none, or the next call of the page renews it. */
export const tokenNow = (): string | undefined => (isStale() ? undefined : useAuth.getState().token);

/** The API as whoever is logged in, by a fetch that is not the browser's own. */
export const clientBy = (fetch: typeof globalThis.fetch): Client => createClient({ token: () => useAuth.getState().token, isStale: () => isStale() && Date.now() >= askAt, renew, fetch });

export const api = clientBy(watchedFetch);

/** At the start of a page: the cookie may still be good. Rejects when the server cannot say. */
export async function resume(): Promise<void> {
  if (!(await renew())) return;
  setUser(await api.usersMeGet());
}

export function setUser(user: User): void {
  useAuth.setState({ state: { status: "in", user } });
}

function entered(login: { readonly token: string; readonly user: User }): void {
  useAuth.setState({ ...held(login.token), state: { status: "in", user: login.user } });
  tell({ kind: "login" });
}

/** code: of an account whose logins ask for one. */
export async function login(email: string, password: string, code: string): Promise<void> {
  entered(await api.authLogin({ body: { email, password, cookie: true, ...(code !== "" ? { code } : {}) } }));
}

/**
 * invitation: the token of its link; the account belongs to the team that invited. False: nobody is logged in, and a letter with a
 * link that has the confirmation is on its way.
 */
export async function register(body: RegisterInput): Promise<boolean> {
  const reply = await api.authRegister({ body: { ...body, cookie: true } });
  if ("done" in reply) return false;
  entered(reply);
  return true;
}

export async function logout(everywhere: boolean): Promise<void> {
  // A token that ran out would be refused: its cookie names the same login.
  if (!(await renew())) return;
  await api.authLogout({ body: { everywhere } });
  left(false);
  tell({ kind: "logout" });
}

/** The account, and with it every login. */
export async function deleteAccount(password: string): Promise<void> {
  await api.usersMeDelete({ body: { password } });
  left(false);
  tell({ kind: "logout" });
}

channel.onmessage = ({ data }: MessageEvent<Message>) => {
  const { state, token } = useAuth.getState();
  if (data.kind === "logout" || (data.kind === "renewed" && isAnothers(data.token))) left(true);
  else if (data.kind === "renewed" && token !== undefined) useAuth.setState({ token: data.token, staleAt: data.staleAt });
  // Perhaps somebody else: start again as whoever the cookie now names.
  else if (data.kind === "login" && state.status !== "unknown") globalThis.location.reload();
};
