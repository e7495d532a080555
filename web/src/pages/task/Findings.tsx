// What the lint found in the documents, the gravest first.

import { Box, Button, Typography } from "@mui/material";
import { useState } from "react";
import type { Finding } from "../../api/types";
import { Fold } from "../../components/Fold";

const ORDER = ["error", "warning", "info"] as const;
const COLORS = { error: "error.main", warning: "warning.main", info: "text.secondary" } as const;
const SHOWN = 12;

export function Findings({ findings }: { findings: Finding[] }) {
  const [showsAll, setAll] = useState(false);
  const sorted = [...findings].sort(
    (a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || a.line - b.line,
  );
  const counts = ORDER.map(
    (severity) => [severity, findings.filter((one) => one.severity === severity).length] as const,
  )
    .filter(([, count]) => count > 0)
    .map(
      ([severity, count]) => `${count} ${severity === "info" ? "hint" : severity}${count === 1 ? "" : "s"}`,
    );
  const shown = showsAll ? sorted : sorted.slice(0, SHOWN);
  return (
    <Box sx={{ mb: 3 }}>
      <Fold
        startOpen={findings.some((one) => one.severity === "error")}
        label={
          <Typography component="span" variant="subtitle2">
            Lint: {counts.join(", ")}
          </Typography>
        }
      >
        <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
          {shown.map((one) => (
            <Box
              component="li"
              key={`${one.document}:${one.line}:${one.rule}:${one.message}`}
              sx={{ py: 0.5 }}
            >
              <Typography variant="caption" component="p" sx={{ overflowWrap: "anywhere" }}>
                <Box component="span" sx={{ color: COLORS[one.severity], fontWeight: 600 }}>
                  {one.severity === "info" ? "hint" : one.severity}
                </Box>{" "}
                {one.message}
              </Typography>
              <Typography
                variant="caption"
                component="p"
                color="textSecondary"
                sx={{ overflowWrap: "anywhere" }}
              >
                {one.document.replace(/\.md$/, "")}.md, line {one.line}
                {one.suggestion && ` · ${one.suggestion}`}
              </Typography>
            </Box>
          ))}
        </Box>
        {sorted.length > SHOWN && (
          <Button variant="text" color="inherit" onClick={() => setAll(!showsAll)}>
            {showsAll ? "Show fewer" : `Show all ${sorted.length}`}
          </Button>
        )}
      </Fold>
    </Box>
  );
}
