// The values that were redacted from the documents as secrets: kept or removed by a person.

import { Box, Link as MuiLink, Stack, Typography } from "@mui/material";
import { useDecideHeldSecret } from "../../api/actions";
import type { HeldSecret } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Mono } from "../../components/Code";
import { ActionError } from "../../components/States";
import { DOCUMENTS, type DocumentPlace } from "../../model/documents";
import { oneOf } from "../../model/words";

interface Props {
  task: string;
  held: HeldSecret[];
  /** Whether the documents may be edited. */
  canDecide: boolean;
  onShow: (place: DocumentPlace) => void;
}

export function HeldSecrets({ task, held, canDecide, onShow }: Props) {
  const open = held.filter(({ decision }) => decision === null);
  if (open.length === 0) return null;
  return (
    <Box
      component="section"
      aria-label="Possible secrets in the documents"
      sx={{ mb: 3, p: 1.5, border: 1, borderColor: "warning.main", borderRadius: 1.25 }}
    >
      <Typography variant="subtitle2" component="h2">
        {open.length === 1 ? "1 possible secret was removed" : `${open.length} possible secrets were removed`}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.5 }}>
        Keep a value that is not a secret. What you don't decide stays removed.
      </Typography>
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {open.map((one) => (
          <Row key={one.id} task={task} held={one} canDecide={canDecide} onShow={onShow} />
        ))}
      </Box>
    </Box>
  );
}

function Row({ task, held, canDecide, onShow }: Omit<Props, "held"> & { held: HeldSecret }) {
  const decide = useDecideHeldSecret(task);
  const document = oneOf(DOCUMENTS, held.document);
  const place = `${held.document}.md, line ${held.line}`;
  const button = (decision: "keep" | "remove", label: string) => (
    <ActionButton
      variant="outlined"
      color="inherit"
      aria-label={`${label} the ${held.kind} in ${place}`}
      loading={decide.isPending && decide.variables.decision === decision}
      disabled={decide.isPending}
      onClick={() => decide.mutate({ id: held.id, decision })}
    >
      {label}
    </ActionButton>
  );
  return (
    <Box component="li" sx={{ py: 0.75 }}>
      <Typography variant="caption" component="p" sx={{ overflowWrap: "anywhere", mb: 0.5 }}>
        <Mono>{held.kind}</Mono>
        {held.confidence !== "sure" && " (likely)"} in{" "}
        <MuiLink
          component="button"
          type="button"
          variant="caption"
          disabled={!document}
          onClick={() => document && onShow({ document, line: held.line })}
        >
          {place}
        </MuiLink>
      </Typography>
      {canDecide && (
        <Stack direction="row" sx={{ gap: 1 }}>
          {held.can_keep && button("keep", "Keep")}
          {button("remove", "Remove")}
        </Stack>
      )}
      <ActionError error={decide.error} />
    </Box>
  );
}
