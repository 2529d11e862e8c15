// The lower edge of every page: the connection, what is persisted in the sessions that are open here, and the version.
import { Box, Flex, Text } from "@chakra-ui/react";
import { CircleAlert, CircleCheck, CloudOff, LoaderCircle, Wifi } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useVersion } from "../api/queries";
import { formatCount } from "../lib/format";
import { useConnection } from "../stores/connection";
import { useOpen } from "../stores/open";
import { showOverlay } from "../stores/overlay";
import { Turning } from "./bits";
import { usePlace } from "./session/place";

function Item({ icon, color, children }: { readonly icon: ReactNode; readonly color: string; readonly children: ReactNode }) {
  return <Flex as="span" align="center" gap="6px" color={color} minWidth="0">{icon}<Text as="span" fontSize="12px" truncate>{children}</Text></Flex>;
}

/** Of all sessions that are open in this page, by what their IDEs say; of one that is shown its own IDE says it. */
function Persisted() {
  const said = useOpen(({ sessions }) => sessions).flatMap((one) => (one.said === undefined ? [] : [one.said]));
  const isShown = usePlace()?.view === "ide";
  if (said.length === 0 || (said.length === 1 && isShown)) return undefined;
  const worried = said.filter(({ mood }) => mood === "bad" || mood === "attention").length;
  const busy = said.filter(({ mood }) => mood === "busy").length;
  if (worried > 0) return <Item icon={<CircleAlert size={12} />} color="warn.fg">{formatCount(worried, "session")} to look at</Item>;
  if (busy > 0) return <Item icon={<Turning on><LoaderCircle size={12} /></Turning>} color="fg.muted">Persisting in {formatCount(busy, "session")}</Item>;
  return <Item icon={<CircleCheck size={12} />} color="fg.muted">{said.length === 1 ? "All changes persisted" : `All changes persisted in ${formatCount(said.length, "session")}`}</Item>;
}

export function FooterLink({ to, children }: { readonly to: string; readonly children: string }) {
  return <Box asChild color="fg.muted" _hover={{ color: "fg", textDecoration: "underline" }} whiteSpace="nowrap"><Link to={to}>{children}</Link></Box>;
}

export function Version() {
  const version = useVersion();
  return <Text as="span" color="fg.muted" fontSize="12px" whiteSpace="nowrap" fontVariantNumeric="tabular-nums" data-testid="version">Coditect{version !== undefined && ` ${version}`}</Text>;
}

/** isTight: a session's page has no room to spare on a small screen. */
export function Footer({ isTight }: { readonly isTight: boolean }) {
  const isLost = useConnection((connection) => connection.isLost);
  return (
    <Flex as="footer" height="26px" flexShrink="0" align="center" gap="16px" paddingX={{ base: "12px", md: "16px" }} borderTopWidth="1px" bg="bg.panel" fontSize="12px" display={isTight ? { base: "none", md: "flex" } : "flex"}>
      <Flex role="status" gap="16px" minWidth="0" flex="1">
        {isLost ? <Item icon={<CloudOff size={12} />} color="bad.fg">Offline</Item> : <Item icon={<Wifi size={12} />} color="fg.muted">Connected</Item>}
        {!isLost && <Persisted />}
      </Flex>
      <Box asChild color="fg.muted" cursor="pointer" _hover={{ color: "fg", textDecoration: "underline" }} display={{ base: "none", md: "block" }}><button type="button" onClick={() => showOverlay("shortcuts")}>Shortcuts</button></Box>
      <FooterLink to="/docs/api">API</FooterLink>
      <FooterLink to="/notices">Notices</FooterLink>
      <Version />
    </Flex>
  );
}
