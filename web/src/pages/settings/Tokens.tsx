// The access tokens: who has access to the server, how far, and until when.

import AddRounded from "@mui/icons-material/AddRounded";
import { Box, Button, Chip, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useRevokeToken } from "../../api/actions";
import { projectsQuery, taskQuery, tokensQuery } from "../../api/queries";
import type { Token } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Confirm } from "../../components/Confirm";
import { type Column, DataTable } from "../../components/DataTable";
import { Fold } from "../../components/Fold";
import { TextLink } from "../../components/links";
import { Empty, Failed, Rows } from "../../components/States";
import { words } from "../../model/status";
import { dateOf, dateTime } from "../../model/time";
import { CreateToken } from "./CreateToken";

export function Tokens() {
  const query = useQuery(tokensQuery);
  const [isCreating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<Token | null>(null);
  const valid = query.data?.filter(({ status }) => status === "valid") ?? [];
  const ended = query.data?.filter(({ status }) => status !== "valid") ?? [];
  const create = (
    <Button variant="contained" startIcon={<AddRounded />} onClick={() => setCreating(true)}>
      Create token
    </Button>
  );
  if (query.isPending) return <Rows count={3} height={56} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return (
    <>
      <Stack
        direction="row"
        sx={{ alignItems: "center", justifyContent: "space-between", gap: 2, mb: 1.5, flexWrap: "wrap" }}
      >
        <Typography variant="body2" color="textSecondary" sx={{ maxWidth: 560 }}>
          Tokens sign in to the dashboard, the command line, the <TextLink to="/docs">API</TextLink> and git.
          The server keeps only their hashes.
        </Typography>
        {valid.length > 0 && create}
      </Stack>
      {valid.length === 0 ? (
        <Empty title="No valid tokens" action={create}>
          Create a token to use the command line or the API from another machine.
        </Empty>
      ) : (
        <TokenTable label="Tokens" tokens={valid} onRevoke={setRevoked} />
      )}
      {ended.length > 0 && (
        <Box sx={{ mt: 2 }}>
          <Fold label={`${ended.length} revoked or expired`}>
            <TokenTable label="Revoked and expired tokens" tokens={ended} />
          </Fold>
        </Box>
      )}
      {isCreating && <CreateToken onClose={() => setCreating(false)} />}
      {revoked && <RevokeToken token={revoked} onClose={() => setRevoked(null)} />}
    </>
  );
}

interface TableProps {
  label: string;
  tokens: Token[];
  /** Absent where they have ended already. */
  onRevoke?: (token: Token) => void;
}

function TokenTable({ label, tokens, onRevoke }: TableProps) {
  const columns: Column<Token>[] = [
    { head: "Name", width: "minmax(0, 2fr)", cell: (token) => <TokenName token={token} /> },
    { head: "Scope", width: "minmax(0, 2fr)", cell: (token) => <Scope token={token} /> },
    { head: "Created", width: "minmax(0, 1fr)", cell: (token) => <Ago at={token.created_at} /> },
    {
      head: "Last used",
      width: "minmax(0, 1fr)",
      cell: (token) => (token.last_used_at ? <Ago at={token.last_used_at} /> : "Never"),
    },
    onRevoke
      ? { head: "Expires", width: "minmax(0, 1fr)", cell: (token) => <Expires at={token.expires_at} /> }
      : { head: "Ended", width: "minmax(0, 1fr)", cell: (token) => <Ended token={token} /> },
  ];
  if (onRevoke)
    columns.push({
      head: "Actions",
      width: "76px",
      isHeadHidden: true,
      cell: (token) => (
        <ActionButton
          variant="text"
          color="error"
          aria-label={`Revoke ${token.name}`}
          onClick={() => onRevoke(token)}
          sx={{ ml: { xs: -1.5, md: 0 } }}
        >
          Revoke
        </ActionButton>
      ),
    });
  return <DataTable label={label} columns={columns} rows={tokens} keyOf={({ id }) => id} />;
}

const ORIGINS: Record<string, string> = {
  environment: "from the server's environment",
  file: "from the data directory",
};

function TokenName({ token }: { token: Token }) {
  const origin = ORIGINS[token.origin];
  return (
    <>
      <Box component="span" sx={{ fontWeight: 600 }}>
        <bdi>{token.name}</bdi>
      </Box>
      {origin && (
        <Typography variant="caption" color="textSecondary" component="p">
          {origin}
        </Typography>
      )}
    </>
  );
}

function Scope({ token }: { token: Token }) {
  return (
    <Stack direction="row" sx={{ alignItems: "center", gap: 0.75, flexWrap: "wrap" }}>
      <span>
        {words(token.scope)}
        {token.target_id && (
          <>
            {" · "}
            <Target token={token} id={token.target_id} />
          </>
        )}
      </span>
      {token.can_decide && token.scope !== "owner" && (
        <Chip label="Can approve" size="small" variant="outlined" />
      )}
    </Stack>
  );
}

/** The project or task that a token is limited to. */
function Target({ token, id }: { token: Token; id: string }) {
  const isTask = token.scope === "task";
  const project = useQuery({ ...projectsQuery, enabled: !isTask }).data?.find((each) => each.id === id);
  const task = useQuery({ ...taskQuery(id), enabled: isTask }).data;
  return isTask ? (
    <TextLink to="/tasks/$taskId" params={{ taskId: id }}>
      {task?.name ?? id}
    </TextLink>
  ) : (
    <TextLink to="/tasks" search={{ project: id }}>
      {project?.name ?? id}
    </TextLink>
  );
}

function Expires({ at }: { at: string | null }) {
  if (at === null) return "Never";
  return (
    <time dateTime={at} title={dateTime(at)}>
      {dateOf(at)}
    </time>
  );
}

function Ended({ token }: { token: Token }) {
  return (
    <span>
      {words(token.status)} <Ago at={token.revoked_at ?? token.expires_at} />
    </span>
  );
}

function RevokeToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const revoke = useRevokeToken();
  return (
    <Confirm
      open
      title={`Revoke ${token.name}?`}
      action="Revoke"
      keep="Cancel"
      busy={revoke.isPending}
      error={revoke.error}
      onClose={onClose}
      onConfirm={() => revoke.mutate(token.id, { onSuccess: onClose })}
    >
      What uses this token loses access at once, and every browser that signed in with it is signed out. This
      cannot be undone.
    </Confirm>
  );
}
