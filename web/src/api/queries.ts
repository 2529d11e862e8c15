// What the pages read and change: each key is written here once.
import { type InfiniteData, infiniteQueryOptions, QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "../stores/auth";
import { dropSession } from "../stores/open";
import { HOME, parentOf } from "../lib/paths";
import { isCloning, isMoving, isUnsettled } from "../lib/workspace";
import { useLive } from "../stores/live";
import { ApiError, type Change, type Entry, type Kept, type Session, type SessionListReply } from "./generated";
import { treeOf } from "./trees";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server has decided stays decided; only silence is worth another try.
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status >= 502),
    },
  },
});

const keys = {
  sessions: (deleted: boolean) => ["sessions", { deleted }] as const,
  session: (id: string) => ["session", id] as const,
  folder: (id: string, path: string) => ["files", id, path] as const,
  devices: ["devices"] as const,
};

/** The same function each time: with another one all sessions would be compared with each render. */
const allOf = ({ pages }: InfiniteData<{ readonly data: readonly Session[] }>): readonly Session[] => pages.flatMap(({ data }) => data);

/** What becomes of the session whose events are heard stands in the lists as soon as it is known (showInLists). */
function changesUnheard(one: Session): boolean {
  return one.id !== useLive.getState().id && (isMoving(one) || isCloning(one));
}

/** Lists that are shown say of a session what its own page does. */
function showInLists(session: Session): void {
  const key = keys.sessions(session.status === "deleted");
  const state = queryClient.getQueryState<InfiniteData<Pick<SessionListReply, "data" | "page">, string>>(key);
  const isSame = (one: Session): boolean => JSON.stringify(one) === JSON.stringify(session);
  if (!state?.data?.pages.some(({ data }) => data.some((one) => one.id === session.id && !isSame(one)))) return;
  const pages = state.data.pages.map((page) => ({ ...page, data: page.data.map((one) => (one.id === session.id ? session : one)) }));
  queryClient.setQueryData(key, { ...state.data, pages }, { updatedAt: state.dataUpdatedAt });
}

export function useSessions(deleted = false) {
  return useInfiniteQuery({
    queryKey: keys.sessions(deleted),
    queryFn: ({ pageParam, signal }) =>
      api.sessionsList({ deleted, signal, ...(pageParam !== "" ? { cursor: pageParam } : {}) }),
    initialPageParam: "",
    getNextPageParam: ({ page }) => page.next ?? undefined,
    select: allOf,
    refetchInterval: ({ state }) => (state.data?.pages.some(({ data }) => data.some(changesUnheard)) ? 5000 : 30_000),
  });
}

export interface AllSessions {
  readonly sessions: readonly Session[];
  readonly isComplete: boolean;
  /** Why they are not complete and nothing more is fetched. */
  readonly error: Error | undefined;
  readonly retry: () => void;
}

/** All sessions of the person: pages that are missing are fetched while somebody looks. */
export function useAllSessions(): AllSessions {
  const { data, hasNextPage, isFetching, error, fetchNextPage, refetch } = useSessions();
  useEffect(() => {
    if (hasNextPage && !isFetching && error === null) void fetchNextPage();
  }, [hasNextPage, isFetching, error, fetchNextPage]);
  const isComplete = data !== undefined && !hasNextPage;
  const retry = (): void => void (data === undefined ? refetch() : fetchNextPage());
  return { sessions: data ?? none, isComplete, error: isComplete ? undefined : error ?? undefined, retry };
}

const none: readonly Session[] = [];

/** Since when each session has been changing, in ms; those that stand still are not in it. */
const movingSince = new Map<string, number>();

function movingFor(session: Session): number {
  if (!isMoving(session)) {
    movingSince.delete(session.id);
    return 0;
  }
  const since = movingSince.get(session.id) ?? Date.now();
  movingSince.set(session.id, since);
  return Date.now() - since;
}

/** A change that takes long is asked for less often: a person may ask 100 times a minute, on all pages together. */
export function movingInterval(changingMs: number): number {
  if (changingMs < 10_000) return 1000;
  return changingMs < 60_000 ? 2000 : 5000;
}

/** While its events are heard: these tell of each state, but not how far it is within one, whether it reaches the server, nor what keeps it awake. */
function heardInterval(session: Session): number {
  if (isMoving(session)) return Math.max(2000, movingInterval(movingFor(session)));
  return isUnsettled(session) ? 5000 : 20_000;
}

/** How long until a session is asked for again, in ms. */
export function sessionInterval(session: Session | undefined, error: unknown, isHeard = false): number {
  if (error instanceof ApiError && error.status === 429) return (error.retryAfter ?? 5) * 1000;
  if (error !== null && error !== undefined) return 3000;
  if (session === undefined) return 1000;
  const changingMs = movingFor(session);
  if (isHeard) return heardInterval(session);
  if (isMoving(session)) return movingInterval(changingMs);
  return isUnsettled(session) ? 3000 : 10_000;
}

/** For a session that is open and not shown. */
const BEHIND_MS = 30_000;

const sessionQuery = (id: string) => ({
  queryKey: keys.session(id),
  queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
    const session = await api.sessionsGet({ sessionId: id, signal });
    showInLists(session);
    return session;
  },
  // Asked again soon in any case; a failure is to be seen at once.
  retry: false,
  staleTime: 1000,
});

/** What is known of a session, of none where id is empty; useFollowedSession of the same session, once on the page, keeps it fresh. */
export function useSession(id: string) {
  return useQuery({ ...sessionQuery(id), enabled: id !== "" });
}

/** Asked for while the page is visible: each second or two while it changes, else every ten; every twenty if its events are heard, every thirty if it is not shown. */
export function useFollowedSession(id: string, isShown: boolean) {
  const isHeard = useLive((live) => live.id === id);
  return useQuery({
    ...sessionQuery(id),
    refetchInterval: ({ state }) => {
      const ms = sessionInterval(state.data, state.error, isHeard);
      return isShown ? ms : Math.max(ms, BEHIND_MS);
    },
  });
}

export function askForSession(id: string): void {
  void queryClient.invalidateQueries({ queryKey: keys.session(id) });
}

/** A change of sessions; the lists and the session itself are read again afterwards. */
export function useSessionChange<Input>(change: (input: Input) => Promise<Session>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    // An answer that left the server before the change would show what was.
    onMutate: () => client.cancelQueries({ queryKey: ["session"] }),
    onSuccess: (session) => {
      if (session.status === "deleted") {
        dropSession(session.id);
        client.removeQueries({ queryKey: keys.session(session.id) });
      }
      else client.setQueryData(keys.session(session.id), session);
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
}

const PAGE = 1000;

/** As a person looks for them: folders first, 2 before 10. */
export function inOrder(entries: readonly Entry[]): Entry[] {
  const order = new Intl.Collator("en", { numeric: true });
  const rank = (entry: Entry): number => (entry.type === "dir" ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || order.compare(a.path, b.path));
}

/** All entries of a folder. */
async function listFolder(tree: string, path: string, signal: AbortSignal, at?: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | undefined;
  do {
    const asked = { limit: PAGE, signal, ...(path !== "" ? { path } : {}), ...(cursor !== undefined ? { cursor } : {}) };
    const page = await (at === undefined ? treeOf(tree).list(asked) : api.filesList({ ...asked, sessionId: tree, at }));
    entries.push(...page.data);
    cursor = page.page.next ?? undefined;
  } while (cursor !== undefined);
  return inOrder(entries);
}

/** What was written stands in the list of its folder before that is asked for again. */
export function noteEntry(tree: string, entry: Entry): void {
  queryClient.setQueryData<Entry[]>(keys.folder(tree, parentOf(entry.path)), (all) => {
    const isNewer = all?.every((one) => one.path !== entry.path || one.version < entry.version) === true;
    return isNewer ? inOrder([...all.filter((one) => one.path !== entry.path), entry]) : all;
  });
}

export function useFolder(tree: string, path: string, enabled = true) {
  const isHeard = useLive((live) => live.id === tree);
  return useQuery({
    queryKey: keys.folder(tree, path),
    queryFn: ({ signal }) => listFolder(tree, path, signal),
    enabled,
    // What the workspace changes shows up here too; where events are heard, these tell of it (live.ts).
    refetchInterval: isHeard ? false : 10_000,
  });
}

/** A folder as it was: the past does not change. */
export function useFolderAt(sessionId: string, path: string, at: number) {
  return useQuery({
    queryKey: ["moment", sessionId, path, at],
    queryFn: ({ signal }) => listFolder(sessionId, path, signal, at),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
}

/** As many as a slider has steps for. */
const CHANGES = 500;

export const changesQuery = (tree: string, op?: Change["op"]) => infiniteQueryOptions({
  queryKey: ["files", tree, "", "changes", op ?? "any"],
  queryFn: ({ pageParam, signal }) => treeOf(tree).changes({ limit: CHANGES, signal, ...(op !== undefined ? { op } : {}), ...(pageParam !== "" ? { cursor: pageParam } : {}) }),
  initialPageParam: "",
  getNextPageParam: ({ page }) => page.next ?? undefined,
});

/** What changed in a tree, newest first; op: only changes of this kind. */
export function useChanges(tree: string, op?: Change["op"], enabled = true) {
  return useInfiniteQuery({ ...changesQuery(tree, op), enabled, select: ({ pages }) => pages.flatMap(({ data }) => data) });
}

/** The rule by which a past that grows old is thinned out, as the server has it. */
export function useKept(tree: string): Kept | undefined {
  return useInfiniteQuery({ ...changesQuery(tree), select: ({ pages }) => pages[0]?.kept }).data;
}

export function refreshFiles(tree: string): void {
  void queryClient.invalidateQueries({ queryKey: ["files", tree] });
  if (tree === HOME) return;
  void queryClient.invalidateQueries({ queryKey: keys.session(tree) });
  void queryClient.invalidateQueries({ queryKey: ["sessions"] });
}

/** The server's version, asked for once. */
export function useVersion(): string | undefined {
  return useQuery({ queryKey: ["version"], queryFn: async ({ signal }) => (await api.health({ signal })).version, staleTime: Number.POSITIVE_INFINITY }).data;
}

export function useDevices() {
  return useQuery({ queryKey: keys.devices, queryFn: async ({ signal }) => (await api.authDevicesList({ signal })).data });
}

export function refreshDevices(): void {
  void queryClient.invalidateQueries({ queryKey: keys.devices });
}
