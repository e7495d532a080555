// The options of a session's agent, such as its model and mode, as they are and to be set.

import { Stack, Typography } from "@mui/material";
import { useSetAgentOptions } from "../../api/actions";
import type { WorkSession } from "../../api/types";
import { OptionFields } from "../../components/OptionFields";
import { Section } from "../../components/Page";
import { ActionError } from "../../components/States";
import { useIsOffline } from "../../live/provider";
import { useSessionOffer } from "../task/offer";

const ENDED = ["completed", "failed", "cancelled"];

export function AgentOptions({ session }: { session: WorkSession }) {
  const offer = useSessionOffer(session.id);
  const setting = useSetAgentOptions(session);
  const isOffline = useIsOffline();
  const options = offer?.agent_options ?? [];
  if (options.length === 0) return null;
  const isEnded = ENDED.includes(session.status);
  return (
    <Section title="Agent options">
      <Stack sx={{ gap: 1.5, pt: 0.75 }}>
        <OptionFields
          options={options}
          values={setting.isPending ? setting.variables : {}}
          disabled={isEnded || isOffline || setting.isPending}
          onChange={(id, value) => value !== undefined && setting.mutate({ [id]: value })}
        />
        <ActionError error={setting.error} />
        {isEnded && (
          <Typography variant="caption" color="textSecondary">
            The session has ended; its options stay as they were.
          </Typography>
        )}
      </Stack>
    </Section>
  );
}
