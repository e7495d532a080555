// Permission requests of agents that wait for a person, answered above any page.

import { Box, Collapse, Link as MuiLink, Skeleton, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type PermissionAnswer, useAnswerPermission } from "../api/actions";
import { agentsQuery, fleetQuery, permissionsQuery } from "../api/queries";
import type { Fleet, PermissionOption, PermissionRequest } from "../api/types";
import { readPermission } from "../model/permission";
import { remaining } from "../model/time";
import { MONO, NO_PRINT } from "../theme";
import { ActionButton } from "./Action";
import { AgentName } from "./AgentName";
import { Ago, useNow } from "./Ago";
import { Code } from "./Code";
import { Verbatim } from "./FileName";
import { TextLink } from "./links";
import { Name } from "./Name";
import { ActionError } from "./States";
import { ToolPart } from "./ToolPart";

/** How many requests are shown at first. */
const SHOWN = 3;
/** From how many letters, or lines, on a command is scrolled. */
const LONG = 400;
const LINES = 6;

const NONE: PermissionRequest[] = [];

function usePermissions(): PermissionRequest[] {
  return useQuery(permissionsQuery).data ?? NONE;
}

const idsOf = (open: PermissionRequest[]) => ({
  tasks: new Set(open.map((request) => request.spec_task_id)),
  sessions: new Set(open.map((request) => request.work_session_id)),
});
const NO_IDS = idsOf(NONE);

/** The tasks and the sessions whose agents wait for a permission. */
export function useAsking() {
  return useQuery({ ...permissionsQuery, select: idsOf }).data ?? NO_IDS;
}

/** Every open request, above the page. */
export function PermissionBar() {
  const open = usePermissions();
  const [isWhole, setWhole] = useState(false);
  const bar = useRef<HTMLElement>(null);
  const isAnswered = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the requests are others
  useEffect(() => {
    // After an answer the next request has the focus.
    if (isAnswered.current) bar.current?.querySelector<HTMLElement>("[data-answer]")?.focus();
    isAnswered.current = false;
  }, [open]);
  if (open.length === 0) return null;
  const shown = isWhole ? open : open.slice(0, SHOWN);
  return (
    <Box
      ref={bar}
      component="section"
      aria-label="Permission requests"
      sx={{
        ...NO_PRINT,
        borderBottom: 1,
        borderColor: "divider",
        backgroundColor:
          "color-mix(in srgb, var(--mui-palette-warning-main) 8%, var(--mui-palette-background-default))",
        px: { xs: 2, sm: 3, md: 4 },
        py: 1,
      }}
    >
      {shown.map((request) => (
        <Question
          key={request.id}
          request={request}
          onAnswered={() => {
            isAnswered.current = true;
          }}
        />
      ))}
      {shown.length < open.length && (
        <MuiLink component="button" variant="caption" onClick={() => setWhole(true)}>
          Show {open.length - shown.length} more
        </MuiLink>
      )}
    </Box>
  );
}

/** The agent that asks, and its work; the fleet has every agent that can ask. */
function useAsker({ work_session_id: id }: PermissionRequest) {
  const named = ({ agents }: Fleet) => {
    const found = agents.find((agent) => agent.work_session_id === id);
    return found ? { agent: found.agent, task: found.task_name, session: found.session_name } : null;
  };
  const agents = useQuery(agentsQuery);
  const fleet = useQuery({ ...fleetQuery, select: named });
  return { asker: fleet.data, isPending: agents.isPending || fleet.isPending };
}

function Question({ request, onAnswered }: { request: PermissionRequest; onAnswered: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const answer = useAnswerPermission();
  const { asker, isPending } = useAsker(request);
  const now = useNow();
  const left = (Date.parse(request.deadline) - now) / 1000;
  const { wants, subject, details, content } = readPermission(request);
  const isLong = subject.length > LONG || subject.split("\n").length > LINES;
  return (
    <Box sx={{ py: 0.5 }}>
      <Stack direction="row" sx={{ alignItems: "center", columnGap: 2, rowGap: 1, flexWrap: "wrap" }}>
        <Box sx={{ flex: 1, minWidth: { xs: "100%", sm: 220 } }}>
          <Typography variant="body2" component="p" sx={{ overflowWrap: "anywhere" }}>
            {isPending ? (
              <Skeleton component="span" width={80} sx={{ display: "inline-block" }} />
            ) : (
              <b>{asker ? <AgentName id={asker.agent} /> : "An agent"}</b>
            )}{" "}
            {wants} ·{" "}
            <TextLink
              to="/tasks/$taskId/sessions/$sessionId"
              params={{ taskId: request.spec_task_id, sessionId: request.work_session_id }}
            >
              {asker ? (
                <>
                  <Name text={asker.task} most={40} /> › <Name text={asker.session} most={40} />
                </>
              ) : (
                "Open session"
              )}
            </TextLink>
          </Typography>
          <Box
            component="code"
            // What scrolls is reached by the keyboard.
            tabIndex={isLong ? 0 : undefined}
            sx={{
              display: "block",
              my: 0.25,
              fontFamily: MONO,
              fontSize: "0.8125rem",
              whiteSpace: "pre-wrap",
              overflowWrap: "anywhere",
              ...(isLong && { maxHeight: 160, overflowY: "auto" }),
            }}
          >
            <Verbatim text={subject} />
          </Box>
          <Typography variant="caption" color="textSecondary" component="p">
            Asked <Ago at={request.asked_at} />
            {left > 0 && ` · Rejected automatically in ${remaining(left)}`}
            {details.length + content.length > 0 && (
              <>
                {" · "}
                <MuiLink
                  component="button"
                  variant="caption"
                  onClick={() => setOpen(!isOpen)}
                  aria-expanded={isOpen}
                >
                  {isOpen ? "Hide details" : "Details"}
                </MuiLink>
              </>
            )}
          </Typography>
        </Box>
        <Options
          options={request.options}
          busy={answer.isPending}
          onAnswer={(chosen) => {
            onAnswered();
            answer.mutate({ id: request.id, answer: chosen });
          }}
        />
      </Stack>
      <ActionError error={answer.error} />
      <Collapse in={isOpen} unmountOnExit>
        <Stack sx={{ mt: 1, gap: 1 }}>
          {details.map(({ name, text }) => (
            <Box key={name}>
              <Typography variant="caption" color="textSecondary" component="p">
                {name}
              </Typography>
              <Code text={text} maxHeight={220} />
            </Box>
          ))}
          {content.map((part, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a call have no other identity
            <ToolPart key={at} part={part} />
          ))}
        </Stack>
      </Collapse>
    </Box>
  );
}

interface OptionsProps {
  options: PermissionOption[];
  busy: boolean;
  onAnswer: (answer: PermissionAnswer) => void;
}

function Options(props: OptionsProps) {
  return (
    <Stack direction="row" sx={{ gap: 1, flexWrap: "wrap" }}>
      {props.options.map((option) => (
        <ActionButton
          key={option.option_id}
          variant={option.kind === "allow_once" ? "contained" : "outlined"}
          color={option.kind === "allow_once" ? "primary" : "inherit"}
          data-answer
          disabled={props.busy}
          onClick={() => props.onAnswer({ option_id: option.option_id })}
        >
          {option.name}
        </ActionButton>
      ))}
      {props.options.some(({ kind }) => kind.startsWith("allow")) && (
        <ActionButton
          variant="outlined"
          color="inherit"
          disabled={props.busy}
          onClick={() => props.onAnswer({ answer: "allow_always" })}
        >
          Allow for this task
        </ActionButton>
      )}
    </Stack>
  );
}
