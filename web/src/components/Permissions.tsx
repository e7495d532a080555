// Questions of agents that wait for a person, answered where they are seen.

import { Box, Button, Collapse, Link as MuiLink, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAnswerPermission } from "../api/actions";
import { permissionsQuery } from "../api/queries";
import type { PermissionOption, PermissionRequest } from "../api/types";
import { duration } from "../model/time";
import { Ago, useNow } from "./Ago";
import { Code } from "./Code";
import { Inline } from "./Inline";
import { TextLink } from "./links";
import { ActionError } from "./States";

export function usePermissions(): PermissionRequest[] {
  return useQuery(permissionsQuery).data ?? NONE;
}

const NONE: PermissionRequest[] = [];

/** Every open question, above the page. */
export function PermissionBar() {
  const open = usePermissions();
  if (open.length === 0) return null;
  return (
    <Box
      component="section"
      aria-label="Questions of agents"
      sx={{
        borderBottom: 1,
        borderColor: "divider",
        backgroundColor:
          "color-mix(in srgb, var(--mui-palette-warning-main) 8%, var(--mui-palette-background-default))",
        px: { xs: 2, sm: 3, md: 4 },
        py: 1,
      }}
    >
      {open.slice(0, 3).map((request) => (
        <Question key={request.id} request={request} linked />
      ))}
      {open.length > 3 && (
        <Typography variant="caption" color="textSecondary">
          and {open.length - 3} more
        </Typography>
      )}
    </Box>
  );
}

export function Question({ request, linked = false }: { request: PermissionRequest; linked?: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const answer = useAnswerPermission();
  const now = useNow();
  const left = (Date.parse(request.deadline) - now) / 1000;
  return (
    <Box sx={{ py: 0.5 }}>
      <Stack direction="row" sx={{ alignItems: "center", gap: 1.25, flexWrap: "wrap" }}>
        <Box sx={{ flex: 1, minWidth: 220 }}>
          <Typography variant="body2" sx={{ fontWeight: 560, overflowWrap: "anywhere" }}>
            <Inline text={request.title} />
          </Typography>
          <Typography variant="caption" color="textSecondary">
            asked <Ago at={request.asked_at} />
            {left > 0 && `, becomes no in ${duration(left)}`}
            {" · "}
            <MuiLink
              component="button"
              variant="caption"
              onClick={() => setOpen(!isOpen)}
              aria-expanded={isOpen}
            >
              {isOpen ? "Hide details" : "Details"}
            </MuiLink>
            {linked && (
              <>
                {" · "}
                <TextLink
                  to="/tasks/$taskId/sessions/$sessionId"
                  params={{ taskId: request.spec_task_id, sessionId: request.work_session_id }}
                >
                  Open session
                </TextLink>
              </>
            )}
          </Typography>
        </Box>
        <Options
          options={request.options}
          busy={answer.isPending}
          onAnswer={(option) => answer.mutate({ id: request.id, option })}
        />
      </Stack>
      <ActionError error={answer.error} />
      <Collapse in={isOpen} unmountOnExit>
        <Box sx={{ mt: 1 }}>
          <Code text={JSON.stringify(request.tool_call, null, 2)} maxHeight={220} />
        </Box>
      </Collapse>
    </Box>
  );
}

function Options(props: { options: PermissionOption[]; busy: boolean; onAnswer: (option: string) => void }) {
  return (
    <Stack direction="row" sx={{ gap: 1, flexWrap: "wrap" }}>
      {props.options.map((option) => (
        <Button
          key={option.option_id}
          variant={option.kind === "allow_once" ? "contained" : "outlined"}
          color={option.kind === "allow_once" ? "primary" : "inherit"}
          disabled={props.busy}
          onClick={() => props.onAnswer(option.option_id)}
        >
          {option.name}
        </Button>
      ))}
    </Stack>
  );
}
