// The password, and where the person is logged in.
import { Box, Button, Checkbox, Flex, Stack, Text } from "@chakra-ui/react";
import { Monitor, Smartphone } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Device, limitsOfPasswordInput } from "../../api/generated";
import { queryClient, refreshDevices, useDevices } from "../../api/queries";
import { atLeast, problemsOf, textProblem } from "../../lib/check";
import { deviceName } from "../../lib/device";
import { fieldProblem } from "../../lib/problem";
import { api } from "../../stores/auth";
import { askToLogOut } from "../../stores/leaving";
import { Ago, ListSkeleton, TextField } from "../bits";
import { Confirm } from "../modal";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { useSending } from "../sending";
import { say, sayProblem } from "../toaster";
import { Section } from "./section";
import { TwoFactor } from "./two-factor";

const check = (current: string, fresh: string) => problemsOf({
  current: textProblem(limitsOfPasswordInput.current_password, current, "Enter your present password."),
  fresh: textProblem(limitsOfPasswordInput.new_password, fresh, "Enter a new password."),
});

function Password() {
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [others, setOthers] = useState(true);
  const [problems, setProblems] = useState<ReturnType<typeof check>>();
  const { busy, error, send } = useSending();
  const change = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = check(current, fresh);
    setProblems(wrong);
    if (wrong !== undefined) return;
    void send(async () => {
      await api.usersMePassword({ body: { current_password: current, new_password: fresh, end_others: others } });
      setCurrent("");
      setFresh("");
      say("Your password is changed");
      refreshDevices();
      void queryClient.invalidateQueries({ queryKey: ["keys"] });
    });
  };
  return (
    <form onSubmit={change} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        <FormProblem error={error} fields={["current_password", "new_password"]} />
        <TextField label="Present password" type="password" name="current-password" value={current} onValue={setCurrent} autoComplete="current-password" problem={problems?.current ?? fieldProblem(error, "current_password")} />
        <TextField label="New password" type="password" name="new-password" value={fresh} onValue={setFresh} autoComplete="new-password" hint={atLeast(limitsOfPasswordInput.new_password)} problem={problems?.fresh ?? fieldProblem(error, "new_password")} />
        <Checkbox.Root checked={others} onCheckedChange={({ checked }) => setOthers(checked === true)}>
          <Checkbox.HiddenInput />
          <Checkbox.Control borderColor="border.emphasized" />
          <Checkbox.Label>Log out everywhere else, and end all API keys</Checkbox.Label>
        </Checkbox.Root>
        <Button size="sm" type="submit" disabled={current === "" || fresh === ""} loading={busy}>Change password</Button>
      </Stack>
    </form>
  );
}

function DeviceRow({ device }: { readonly device: Device }) {
  const name = device.device === undefined ? "Unknown device" : deviceName(device.device);
  const end = (): void => {
    api.authDeviceEnd({ deviceId: device.id }).then(() => say(`${name} is logged out`), sayProblem).finally(refreshDevices);
  };
  return (
    <Flex as="li" listStyleType="none" align="center" gap="12px" minHeight="56px" paddingY="8px" borderBottomWidth="1px" borderColor="border.muted" _last={{ borderBottomWidth: 0 }}>
      <Box color="fg.muted" flexShrink="0">{/Android|iPhone|iPad/.test(name) ? <Smartphone size={18} /> : <Monitor size={18} />}</Box>
      <Box flex="1" minWidth="0">
        <Text lineClamp={2} overflowWrap="anywhere" fontWeight="500" title={device.device}>{name}</Text>
        <Text lineClamp={2} overflowWrap="anywhere" color="fg.muted" fontSize="13px">{device.address !== undefined && `${device.address} · `}active <Ago time={device.last_access_at} /></Text>
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
        <Button size="sm" variant="outline" colorPalette="gray" color="bad.fg" onClick={() => setAsking(true)}>Log out everywhere</Button>
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

export function Security() {
  return (
    <>
      <Section title="Password" text="A long sentence is a good password."><Password /></Section>
      <Section title="Two-step login" text="Logging in takes a code of your authenticator app, beside the password."><TwoFactor /></Section>
      <Section title="Devices" text="Where you are logged in."><Devices /></Section>
    </>
  );
}
