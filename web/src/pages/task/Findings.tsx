// The findings of the lint in the documents, the most severe first.

import { Box, Button, Link as MuiLink, Typography } from "@mui/material";
import { useState } from "react";
import type { Finding } from "../../api/types";
import { Fold } from "../../components/Fold";
import { DOCUMENTS, type DocumentPlace } from "../../model/documents";
import { oneOf } from "../../model/words";

const ORDER = ["error", "warning", "info"] as const;
const COLORS = { error: "error.main", warning: "warning.main", info: "text.secondary" } as const;
const SHOWN = 12;

/** How grave it is; what this page does not know is a hint. */
const severityOf = (finding: Finding) => oneOf(ORDER, finding.severity) ?? "info";

interface Props {
  findings: Finding[];
  onShow: (place: DocumentPlace) => void;
}

export function Findings({ findings, onShow }: Props) {
  const [showsAll, setAll] = useState(false);
  const sorted = [...findings].sort(
    (a, b) => ORDER.indexOf(severityOf(a)) - ORDER.indexOf(severityOf(b)) || a.line - b.line,
  );
  const counts = ORDER.map(
    (severity) => [severity, findings.filter((one) => severityOf(one) === severity).length] as const,
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
                <Box component="span" sx={{ color: COLORS[severityOf(one)], fontWeight: 600 }}>
                  {severityOf(one) === "info" ? "hint" : one.severity}
                </Box>{" "}
                {one.message}
              </Typography>
              <Typography
                variant="caption"
                component="p"
                color="textSecondary"
                sx={{ overflowWrap: "anywhere" }}
              >
                <Place finding={one} onShow={onShow} />
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

function Place({ finding, onShow }: { finding: Finding; onShow: Props["onShow"] }) {
  const name = finding.document.replace(/\.md$/, "");
  const document = oneOf(DOCUMENTS, name);
  const words = `${name}.md, line ${finding.line}`;
  if (!document) return words;
  return (
    <MuiLink
      component="button"
      type="button"
      variant="caption"
      color="inherit"
      onClick={() => onShow({ document, line: finding.line })}
      sx={{ minHeight: 24 }}
    >
      {words}
    </MuiLink>
  );
}
