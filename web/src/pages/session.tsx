// A session: its IDE while the workspace runs, what brings it there, and its files.
//
//   /sessions/{id}           where work goes on: the IDE; on a small screen the files
//   /sessions/{id}/ide       the IDE, which components/session/open-sessions.tsx shows over this page
//   /sessions/{id}/files/…   the files
//   /sessions/{id}/history/… what changed, and the folder as it was at a moment: ?at=
import { Button, Flex, Spinner, VisuallyHidden } from "@chakra-ui/react";
import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { Link, Navigate, useLocation, useParams } from "react-router";
import { ApiError, type Session } from "../api/generated";
import { useSession } from "../api/queries";
import { ListSkeleton, usePageTitle } from "../components/bits";
import { ProblemNotice } from "../components/problem-notice";
import { Files } from "../components/session/files";
import { usePlace } from "../components/session/place";
import { Gone } from "../components/session/states";
import { baseName, fileAddress } from "../lib/paths";
import { phaseOf } from "../lib/workspace";
import { useAuth } from "../stores/auth";
import { showSession } from "../stores/open";
import { noteRecent } from "../stores/recent";

const SessionHistory = lazy(() => import("../components/session/history"));

function Whole({ children }: { readonly children: ReactNode }) {
  return <Flex flex="1" direction="column" align="center" justify="center" overflowY="auto">{children}</Flex>;
}

function OneSession({ session }: { readonly session: Session }) {
  const place = usePlace();
  const { "*": path = "" } = useParams();
  const { pathname } = useLocation();
  const userId = useAuth(({ state }) => (state.status === "in" ? state.user.id : ""));
  useEffect(() => noteRecent(userId, session.id), [userId, session.id]);
  useEffect(() => showSession(session.id, pathname), [session.id, pathname]);
  const phase = phaseOf(session);
  const hasNoIde = phase === "running" && session.workspace.ide_url === undefined;
  if (place?.view === "ide" ? hasNoIde : place?.isAny === true) return <Navigate to={fileAddress(session.id, "")} replace />;
  return (
    <>
      <VisuallyHidden asChild><h1>{session.name}</h1></VisuallyHidden>
      {place?.view === "history" && (phase === "deleted" ? <Gone session={session} /> : <Suspense fallback={<ListSkeleton />}><SessionHistory session={session} path={path} /></Suspense>)}
      {place?.view === "files" && (phase === "deleted" ? <Gone session={session} /> : <Files session={session} path={path} />)}
    </>
  );
}

export default function SessionPage() {
  const { id = "", "*": path = "" } = useParams();
  const { data: session, error, isPending, refetch } = useSession(id);
  usePageTitle(session === undefined ? "Session" : path === "" ? session.name : `${baseName(path)} · ${session.name}`);
  if (isPending) return <Whole><Spinner color="fg.muted" role="status" aria-label="Loading" /></Whole>;
  if (error instanceof ApiError && error.status === 404 && session !== undefined) return <Whole><Gone session={undefined} /></Whole>;
  if (session === undefined) {
    const back = <Button size="sm" variant="outline" colorPalette="gray" asChild><Link to="/sessions">To your sessions</Link></Button>;
    return <Whole><ProblemNotice error={error} retry={() => void refetch()} action={back} /></Whole>;
  }
  return <OneSession key={session.id} session={session} />;
}
