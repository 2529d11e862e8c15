// How the team is called, for owners and admins to change. What somebody else calls it meanwhile is told before it is overwritten.
import { Button, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { limitsOfTenantUpdate, type Tenant } from "../../api/generated";
import { refreshTenant, useTenant } from "../../api/team";
import { textProblem } from "../../lib/check";
import { fieldProblem, isCode } from "../../lib/problem";
import { api } from "../../stores/auth";
import { FormSkeleton, TextField } from "../bits";
import { FormProblem, ProblemNotice } from "../problem-notice";
import { useSending } from "../sending";
import { say } from "../toaster";

function NameForm({ tenant }: { readonly tenant: Tenant }) {
  const [base, setBase] = useState(tenant);
  const [name, setName] = useState(tenant.name);
  const [problem, setProblem] = useState<string>();
  const { busy, error, send } = useSending();
  const wanted = name.trim();
  const isOther = tenant.revision > base.revision && tenant.name !== wanted;
  if (tenant.revision > base.revision && (name === base.name || !isOther)) {
    setBase(tenant);
    setName(tenant.name);
  }
  const isMeanwhile = isOther && name !== base.name; // what is being written stays
  const save = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = textProblem(limitsOfTenantUpdate.name, wanted, "Enter a name.");
    setProblem(wrong);
    if (wrong !== undefined) return;
    // With theirs in sight, it is a change of theirs.
    const { revision } = isMeanwhile ? tenant : base;
    void send(async () => {
      try {
        await api.tenantPut({ ifMatch: `"${revision}"`, body: { name: wanted } });
        say("The team has its name");
      } finally {
        await refreshTenant();
      }
    });
  };
  return (
    <form onSubmit={save} noValidate>
      <Stack gap="16px" maxWidth="400px" align="flex-start">
        {isMeanwhile
          ? <Text role="alert" color="bad.fg" overflowWrap="anywhere">Somebody else named it “{tenant.name}” meanwhile.</Text>
          : <FormProblem error={isCode(error, "precondition") ? undefined : error} fields={["name"]} />}
        <TextField label="Name of the team" name="team" value={name} onValue={setName} autoComplete="organization" problem={problem ?? fieldProblem(error, "name")} />
        <Button size="sm" type="submit" disabled={wanted === tenant.name} loading={busy}>{isMeanwhile ? "Save mine" : "Save name"}</Button>
      </Stack>
    </form>
  );
}

export function TeamName() {
  const { data, error, refetch } = useTenant();
  if (data === undefined) return error === null ? <FormSkeleton fields={1} /> : <ProblemNotice error={error} retry={() => void refetch()} />;
  return <NameForm tenant={data} />;
}
