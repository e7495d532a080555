// The review rounds: what was decided, and what the answer to it changed.

import CloseRounded from "@mui/icons-material/CloseRounded";
import {
  Box,
  Button,
  Dialog,
  DialogContent,
  DialogTitle,
  IconButton,
  Stack,
  Typography,
} from "@mui/material";
import { useState } from "react";
import type { Review } from "../../api/types";
import { Ago } from "../../components/Ago";
import { DiffLines } from "../../components/DiffLines";
import { Status } from "../../components/Glyph";
import { Section } from "../../components/Page";
import { Empty } from "../../components/States";
import { hunkLines, parseUnified } from "../../model/diff";
import { DOCUMENTS } from "../../model/documents";
import { changesOf, roundNames } from "../../model/rounds";
import type { Tone } from "../../model/status";

const DECISIONS: Record<string, [Tone, string]> = {
  approve: ["done", "Approved"],
  request_changes: ["attention", "Changes requested"],
  reject: ["failed", "Rejected"],
};

export function Rounds({ rounds }: { rounds: Review[] }) {
  const [open, setOpen] = useState<Review | null>(null);
  const names = roundNames(rounds);
  // The server lists them oldest first.
  const newest = [...rounds].reverse();
  return (
    <Section title="Rounds">
      <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {newest.map((round) => {
          const [tone, label] = round.decision
            ? (DECISIONS[round.decision] ?? ["waiting", round.decision])
            : (["waiting", round.status === "open" ? "Open" : "Superseded"] as const);
          return (
            <Box
              component="li"
              key={round.id}
              sx={{ py: 1, "& + &": { borderTop: 1, borderColor: "divider" } }}
            >
              <Stack direction="row" sx={{ alignItems: "center", justifyContent: "space-between", gap: 1 }}>
                <Typography variant="body2" sx={{ fontWeight: 560 }}>
                  {names.get(round.id)}
                </Typography>
                <Status tone={tone} label={label} />
              </Stack>
              <Typography variant="caption" color="textSecondary" component="p">
                {round.reviewer && `${round.reviewer}, `}
                <Ago at={round.decided_at ?? round.created_at} />
              </Typography>
              {round.overall_comment && (
                <Typography
                  variant="body2"
                  sx={{ mt: 0.5, overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}
                >
                  {round.overall_comment}
                </Typography>
              )}
              {round.changes && round.changes.length > 0 && (
                <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.25 }}>
                  {round.changes.map((change) => (
                    <Typography
                      component="li"
                      variant="caption"
                      key={change}
                      sx={{ overflowWrap: "anywhere" }}
                    >
                      {change}
                    </Typography>
                  ))}
                </Box>
              )}
              {Boolean(round.diff_from_previous) && (
                <Button
                  variant="text"
                  color="inherit"
                  sx={{ ml: -1.5, mt: 0.25 }}
                  onClick={() => setOpen(round)}
                >
                  What changed in this round
                </Button>
              )}
            </Box>
          );
        })}
      </Box>
      <Dialog open={open !== null} onClose={() => setOpen(null)} maxWidth="lg" fullWidth>
        {open && <Changes round={open} name={names.get(open.id) ?? ""} onClose={() => setOpen(null)} />}
      </Dialog>
    </Section>
  );
}

function Changes({ round, name, onClose }: { round: Review; name: string; onClose: () => void }) {
  const documents = DOCUMENTS.map((name) => ({
    name,
    lines: hunkLines(parseUnified(changesOf(round)[name] ?? "")),
  })).filter(({ lines }) => lines.length > 0);
  return (
    <>
      <DialogTitle sx={{ display: "flex", alignItems: "center", justifyContent: "space-between" }}>
        What changed: {name}
        <IconButton aria-label="Close" onClick={onClose}>
          <CloseRounded fontSize="small" />
        </IconButton>
      </DialogTitle>
      <DialogContent>
        {documents.length === 0 && <Empty title="Nothing changed" compact />}
        {documents.map(({ name, lines }) => (
          <Box
            key={name}
            sx={{ mb: 2.5, border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden" }}
          >
            <Typography
              variant="subtitle2"
              sx={{ px: 1.5, py: 0.875, bgcolor: "sunken", borderBottom: 1, borderColor: "divider" }}
            >
              {name}.md
            </Typography>
            <DiffLines lines={lines} label={`Changes of ${name}.md`} />
          </Box>
        ))}
      </DialogContent>
    </>
  );
}
