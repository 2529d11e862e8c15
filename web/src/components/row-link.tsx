// A link to a session in a long list. The router's own hears of each change of the present address: with every letter that
// somebody looks for, hundreds of them would be drawn anew.
import { type MouseEvent, type ReactNode, useRef, useState } from "react";
import { useNavigate } from "react-router";

type Go = (to: string) => void;

/** Goes to a session as a click on its name does; the same function at each render. */
export function useGo(): Go {
  const navigate = useNavigate();
  const now = useRef(navigate);
  now.current = navigate;
  const [go] = useState((): Go => (to) => void now.current(to, { state: { open: true }, replace: globalThis.location.pathname === to }));
  return go;
}

interface RowLinkProps {
  readonly to: string;
  readonly go: Go;
  readonly children: ReactNode;
  readonly title?: string;
  readonly isCurrent?: boolean;
}

export function RowLink({ to, go, children, title, isCurrent = false }: RowLinkProps) {
  const click = (event: MouseEvent): void => {
    // Anything else opens it in another tab or window.
    if (event.button !== 0 || event.metaKey || event.altKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(to);
  };
  return <a href={to} title={title} aria-current={isCurrent ? "page" : undefined} onClick={click}>{children}</a>;
}
