// Profile, password, looks, and where the person is logged in.
import { Box, Button, Checkbox, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { Monitor, Moon, Smartphone, Sun } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Device, User } from "../api/generated";
import { refreshDevices, useDevices } from "../api/queries";
import { ApiKeys } from "../components/api-keys";
import { Ago, ListSkeleton, Panel, TextField, usePageTitle } from "../components/bits";
import { Confirm } from "../components/modal";
import { FormProblem, ProblemNotice } from "../components/problem-notice";
import { PageMain } from "../components/shell";
import { say, sayProblem } from "../components/toaster";
import { fieldProblem } from "../lib/problem";
import { api, setUser, useAuth } from "../stores/auth";
import { askToLogOut } from "../stores/leaving";
import { chooseTheme, type ThemeChoice, useTheme } from "../stores/theme";

function Section({ title, text, children }: { readonly title: string; readonly text: string; readonly children: ReactNode }) {
  return (
    <Panel>
      <Stack as="section" gap="20px" padding={{ base: "16px", md: "24px" }} aria-label={title}>
        <Stack gap="2px">
          <Heading as="h2" fontSize="16px" fontWeight="600">{title}</Heading>
          <Text color="fg.muted">{text}</Text>
        </Stack>
        {children}
      </Stack>
    </Panel>
  );
}

function Profile({ user }: { readonly user: User }) {
  const [name, setName] = useState(user.name ?? "");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const same = name.trim() === (user.name ?? "");
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      setUser(await api.usersMePut({ body: { name: name.trim() } }));
      say("Your name is saved");
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} />
        <TextField label="Name" name="name" value={name} onValue={setName} maxLength={100} autoComplete="name" problem={fieldProblem(error, "name")} hint={user.email} />
        <Button size="sm" type="submit" disabled={same || name.trim() === ""} loading={busy}>Save name</Button>
      </Stack>
    </form>
  );
}

function Password() {
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [others, setOthers] = useState(true);
  const [error, setError] = useState<unknown>();
  const [tooShort, setTooShort] = useState(false);
  const [busy, setBusy] = useState(false);
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const short = [...fresh].length < 8;
    setTooShort(short);
    if (short) return;
    setBusy(true);
    setError(undefined);
    try {
      await api.usersMePassword({ body: { current_password: current, new_password: fresh, end_others: others } });
      setCurrent("");
      setFresh("");
      say("Your password is changed");
      refreshDevices();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(event) => void send(event)} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} />
        <TextField label="Present password" type="password" name="current-password" value={current} onValue={setCurrent} maxLength={256} autoComplete="current-password" problem={fieldProblem(error, "current_password")} />
        <TextField label="New password" type="password" name="new-password" value={fresh} onValue={setFresh} maxLength={256} autoComplete="new-password" hint="At least 8 characters." problem={tooShort ? "At least 8 characters." : fieldProblem(error, "new_password")} />
        <Checkbox.Root checked={others} onCheckedChange={({ checked }) => setOthers(checked === true)}>
          <Checkbox.HiddenInput />
          <Checkbox.Control borderColor="border.emphasized" />
          <Checkbox.Label>Log out everywhere else</Checkbox.Label>
        </Checkbox.Root>
        <Button size="sm" type="submit" disabled={current === "" || fresh === ""} loading={busy}>Change password</Button>
      </Stack>
    </form>
  );
}

const themes: ReadonlyArray<{ readonly value: ThemeChoice; readonly label: string; readonly icon: ReactNode }> = [
  { value: "system", label: "System", icon: <Monitor size={15} /> },
  { value: "light", label: "Light", icon: <Sun size={15} /> },
  { value: "dark", label: "Dark", icon: <Moon size={15} /> },
];

function Appearance() {
  const choice = useTheme((theme) => theme.choice);
  return (
    <Flex role="group" aria-label="Theme" gap="2px" padding="3px" bg="bg.muted" borderRadius="l3" alignSelf="flex-start">
      {themes.map(({ value, label, icon }) => (
        <Button
          key={value} size="xs" height="32px" variant="ghost" colorPalette="gray" aria-pressed={choice === value} onClick={() => chooseTheme(value)}
          bg={choice === value ? "bg.panel" : undefined} color={choice === value ? "fg" : "fg.muted"} boxShadow={choice === value ? "card" : undefined}
        >
          {icon}
          {label}
        </Button>
      ))}
    </Flex>
  );
}

function DeviceRow({ device }: { readonly device: Device }) {
  const name = device.device ?? "Unknown device";
  const end = (): void => {
    api.authDeviceEnd({ deviceId: device.id }).then(() => say(`${name} is logged out`), sayProblem).finally(refreshDevices);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color="fg.muted" flexShrink="0">{/Android|iPhone|iPad/.test(name) ? <Smartphone size={18} /> : <Monitor size={18} />}</Box>
      <Box flex="1" minWidth="0">
        <Text truncate fontWeight="500" title={name}>{name}</Text>
        <Text color="fg.muted" fontSize="13px" truncate>{device.address !== undefined && `${device.address} · `}active <Ago time={device.last_access_at} /></Text>
      </Box>
      {device.current
        ? <Text color="good.fg" fontWeight="500" fontSize="13px" whiteSpace="nowrap">This device</Text>
        : <Button size="xs" variant="outline" colorPalette="gray" onClick={end} aria-label={`Log out ${name}`}>Log out</Button>}
    </Flex>
  );
}

function Devices() {
  const { data, error, refetch, isPending } = useDevices();
  const [asking, setAsking] = useState(false);
  if (isPending) return <ListSkeleton rows={2} />;
  if (data === undefined) return <ProblemNotice error={error} retry={() => void refetch()} />;
  const others = (): void => {
    api.authDevicesEndOthers().then(() => say("All other devices are logged out"), sayProblem).finally(refreshDevices);
  };
  return (
    <Stack gap="16px">
      <Box as="ul" aria-label="Devices">{data.map((device) => <DeviceRow key={device.id} device={device} />)}</Box>
      <Flex gap="8px" wrap="wrap">
        {data.length > 1 && <Button size="sm" variant="outline" colorPalette="gray" onClick={others}>Log out all others</Button>}
        <Button size="sm" variant="outline" color="bad.fg" onClick={() => setAsking(true)}>Log out everywhere</Button>
      </Flex>
      {asking && (
        <Confirm
          title="Log out everywhere?" text="You will be logged out on all devices, this one too. Nothing that you have saved is lost."
          action="Log out everywhere" onConfirm={() => askToLogOut(true)} onClose={() => setAsking(false)}
        />
      )}
    </Stack>
  );
}

export default function SettingsPage() {
  const state = useAuth((auth) => auth.state);
  usePageTitle("Settings");
  if (state.status !== "in") return undefined;
  return (
    <PageMain width="720px">
      <Stack gap="20px">
        <Heading as="h1" fontSize="22px" lineHeight="32px" fontWeight="600" letterSpacing="-0.02em">Settings</Heading>
        <Section title="Profile" text="How you are named here."><Profile user={state.user} /></Section>
        <Section title="Appearance" text="On this device."><Appearance /></Section>
        <Section title="Password" text="A long sentence is a good password."><Password /></Section>
        <Section title="Devices" text="Where you are logged in."><Devices /></Section>
        <Section title="API keys" text="For scripts. A key does not open your account: no devices, no password, no members."><ApiKeys /></Section>
      </Stack>
    </PageMain>
  );
}
