// The secrets that agents, setup commands and checks get as variables. Their values are sent once, and never come back.

import AddRounded from "@mui/icons-material/AddRounded";
import { Box, Button, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useRemoveSecret } from "../../api/actions";
import { projectsQuery, storedSecretsQuery } from "../../api/queries";
import type { StoredSecret } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Mono } from "../../components/Code";
import { Confirm } from "../../components/Confirm";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty, Failed, Rows } from "../../components/States";
import { type SecretToSet, SetSecret } from "./SetSecret";

export function Secrets() {
  const query = useQuery(storedSecretsQuery);
  const { set, remove, dialogs } = useSecretDialogs();
  if (query.isPending) return <Rows count={3} height={56} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const add = (
    <Button variant="contained" startIcon={<AddRounded />} onClick={() => set({ name: "", project: "" })}>
      Set secret
    </Button>
  );
  return (
    <>
      <Stack
        direction="row"
        sx={{ alignItems: "center", justifyContent: "space-between", gap: 2, mb: 1.5, flexWrap: "wrap" }}
      >
        <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 560 }}>
          Agents, setup commands and checks get secrets as variables. Their values are encrypted, are taken
          out of everything that is written, and are not shown again.
        </Typography>
        {query.data.length > 0 && add}
      </Stack>
      {query.data.length === 0 ? (
        <Empty title="No secrets" action={add}>
          Set one for a service that setup commands or checks use, or the API key of an agent.
        </Empty>
      ) : (
        <SecretTable label="Secrets" secrets={query.data} onSet={set} onRemove={remove} />
      )}
      {dialogs}
    </>
  );
}

interface SecretDialogs {
  /** Asks for the value of a secret. */
  set: (secret: SecretToSet) => void;
  /** Asks whether to remove one. */
  remove: (secret: StoredSecret) => void;
  dialogs: ReactNode;
}

/** The dialogs that set and remove a secret; they stand beside other dialogs, not in them. */
export function useSecretDialogs(): SecretDialogs {
  const [setting, setSetting] = useState<SecretToSet | null>(null);
  const [removed, setRemoved] = useState<StoredSecret | null>(null);
  const dialogs = (
    <>
      {setting && <SetSecret secret={setting} onClose={() => setSetting(null)} />}
      {removed && <RemoveSecret secret={removed} onClose={() => setRemoved(null)} />}
    </>
  );
  return { set: setSetting, remove: setRemoved, dialogs };
}

interface TableProps {
  label: string;
  secrets: StoredSecret[];
  onSet: (secret: SecretToSet) => void;
  onRemove: (secret: StoredSecret) => void;
}

function SecretTable({ label, secrets, onSet, onRemove }: TableProps) {
  const projects = useQuery(projectsQuery).data ?? [];
  const scope = ({ project_id }: StoredSecret) =>
    project_id === null ? "All projects" : (projects.find(({ id }) => id === project_id)?.name ?? project_id);
  const columns: Column<StoredSecret>[] = [
    { head: "Name", width: "minmax(0, 2fr)", cell: (secret) => <SecretName secret={secret} /> },
    { head: "Given to", width: "minmax(0, 1.5fr)", cell: (secret) => <bdi>{scope(secret)}</bdi> },
    { head: "Fingerprint", width: "minmax(0, 1fr)", cell: ({ fingerprint }) => <Mono>{fingerprint}</Mono> },
    { head: "Set", width: "minmax(0, 1fr)", cell: (secret) => <Ago at={secret.updated_at} /> },
    {
      head: "Actions",
      width: "160px",
      isHeadHidden: true,
      cell: (secret) => (
        <Stack direction="row" sx={{ ml: { xs: -1.5, md: 0 } }}>
          <ActionButton
            variant="text"
            color="inherit"
            aria-label={`Replace ${secret.name}, ${scope(secret)}`}
            onClick={() => onSet({ name: secret.name, project: secret.project_id ?? "", isKnown: true })}
          >
            Replace
          </ActionButton>
          <ActionButton
            variant="text"
            color="error"
            aria-label={`Remove ${secret.name}, ${scope(secret)}`}
            onClick={() => onRemove(secret)}
          >
            Remove
          </ActionButton>
        </Stack>
      ),
    },
  ];
  const keyOf = ({ name, project_id }: StoredSecret) => `${project_id ?? ""} ${name}`;
  return <DataTable label={label} columns={columns} rows={secrets} keyOf={keyOf} />;
}

function SecretName({ secret }: { secret: StoredSecret }) {
  return (
    <>
      <Box component="span" sx={{ fontWeight: 600 }}>
        <Mono>{secret.name}</Mono>
      </Box>
      {!secret.readable && (
        <Typography variant="caption" color="error" component="p">
          Encrypted with another key. Restore the key, or replace the value.
        </Typography>
      )}
    </>
  );
}

function RemoveSecret({ secret, onClose }: { secret: StoredSecret; onClose: () => void }) {
  const remove = useRemoveSecret();
  return (
    <Confirm
      open
      title={`Remove ${secret.name}?`}
      action="Remove"
      keep="Cancel"
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() => remove.mutate(secret, { onSuccess: onClose })}
    >
      Processes that start from now on do not get it. Its value cannot be shown or restored.
    </Confirm>
  );
}
