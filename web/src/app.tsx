// The routes, and who may see which.
import { Flex, Spinner } from "@chakra-ui/react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { BrowserRouter, Navigate, Outlet, Route, Routes, useLocation, useSearchParams } from "react-router";
import { queryClient } from "./api/queries";
import { Unreachable } from "./components/connection";
import { ProblemNotice } from "./components/problem-notice";
import { moveHome } from "./lib/home";
import { safeNext } from "./lib/next";
import { confirmationOf, invitationOf } from "./lib/roles";
import { resume, useAuth } from "./stores/auth";
import { useConnection } from "./stores/connection";

// Loaded while the server is asked who is logged in; a page to log in on does not wait for it.
const loadShell = () => import("./components/shell");
const Shell = lazy(async () => ({ default: (await loadShell()).Shell }));
const Enter = lazy(() => import("./pages/enter"));
const Forgot = lazy(() => import("./pages/forgot"));
const Reset = lazy(() => import("./pages/reset"));
const Address = lazy(() => import("./pages/address"));
const Shared = lazy(() => import("./pages/shared"));
const Sessions = lazy(() => import("./pages/sessions"));
const SessionPage = lazy(() => import("./pages/session"));
const HomePage = lazy(() => import("./pages/home"));
const SettingsPage = lazy(() => import("./pages/settings"));
const ReferencePage = lazy(() => import("./pages/reference"));
const Notices = lazy(() => import("./pages/notices"));
const ToIde = lazy(() => import("./pages/to-ide"));
const NotFound = lazy(() => import("./pages/not-found"));

function Private() {
  const status = useAuth((auth) => auth.state.status);
  const { pathname, search } = useLocation();
  if (status === "in") return <Outlet />;
  const next = pathname === "/" || pathname === "/sessions" ? "" : `?next=${encodeURIComponent(pathname + search)}`;
  return <Navigate to={`/login${next}`} replace />;
}

function Public() {
  const status = useAuth((auth) => auth.state.status);
  const [search] = useSearchParams();
  // Only the form can say that such a link is for somebody who has no account yet.
  const { hash } = useLocation();
  const isInvited = invitationOf(hash) !== undefined || confirmationOf(hash) !== undefined;
  const wasOut = useRef(false);
  wasOut.current ||= status !== "in";
  if (status === "in" && isInvited && !wasOut.current) return <Outlet />;
  return status === "in" ? <Navigate to={safeNext(search.get("next"))} replace /> : <Outlet />;
}

function Pages() {
  return (
    <Suspense>
      <Routes>
        <Route element={<Public />}>
          <Route path="/login" element={<Enter kind="login" />} />
          <Route path="/register" element={<Enter kind="register" />} />
        </Route>
        <Route element={<Private />}>
          <Route element={<Shell />}>
            <Route path="/sessions/:id/ide" element={<SessionPage />} />
            <Route path="/sessions/:id/files/*" element={<SessionPage />} />
            <Route path="/sessions/:id/history/*" element={<SessionPage />} />
            <Route path="/sessions/:id" element={<SessionPage />} />
            <Route path="/" element={<Navigate to="/sessions" replace />} />
            <Route path="/sessions" element={<Sessions />} />
            <Route path="/home/*" element={<HomePage />} />
            <Route path="/settings/:part?" element={<SettingsPage />} />
            <Route path="/members" element={<Navigate to="/settings/members" replace />} />
            {["/ide/:id?", "/theia/:id?"].map((path) => <Route key={path} path={path} element={<ToIde />} />)}
          </Route>
        </Route>
        <Route path="/shared" element={<Shared />} />
        <Route path="/forgot" element={<Forgot />} />
        <Route path="/reset" element={<Reset />} />
        <Route path="/address" element={<Address />} />
        <Route path="/docs/api" element={<ReferencePage />} />
        <Route path="/notices" element={<Notices />} />
        <Route path="*" element={<main><NotFound /></main>} />
      </Routes>
    </Suspense>
  );
}

/** Before anything is shown: is somebody still logged in? */
export function App() {
  const status = useAuth((auth) => auth.state.status);
  const [error, setError] = useState<unknown>();
  const start = (): void => {
    setError(undefined);
    void loadShell().catch(() => undefined); // said where it is shown
    moveHome(new URL(globalThis.location.href)).then((isLeaving) => (isLeaving ? undefined : resume())).catch(setError);
  };
  useEffect(start, []);
  const isLost = useConnection((connection) => connection.isLost);
  const wasLost = useRef(false);
  useEffect(() => {
    if (error !== undefined && wasLost.current && !isLost) start();
    wasLost.current = isLost;
  }, [error, isLost]);
  // What one person has read is not shown to the next.
  useEffect(() => {
    if (status === "out") queryClient.clear();
  }, [status]);
  if (error !== undefined && isLost) return <Unreachable />;
  if (error !== undefined) return <ProblemNotice error={error} retry={start} />;
  if (status === "unknown") {
    return <Flex minHeight="100vh" align="center" justify="center"><Spinner color="fg.muted" role="status" aria-label="Loading" /></Flex>;
  }
  // Without transitions: what stands on the page is what its address names, at every instant. A file that is picked goes
  // to the folder of the address.
  return <BrowserRouter useTransitions={false}><Pages /></BrowserRouter>;
}

