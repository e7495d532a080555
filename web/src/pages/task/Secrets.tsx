// What a reviewer has to know of a change, such as secrets: sure findings hold the merge until a person acknowledges them.

import { Box, Checkbox, FormControlLabel, Typography } from "@mui/material";
import type { SecretFinding } from "../../api/types";
import { Mono } from "../../components/Code";
import { Verbatim } from "../../components/FileName";
import { plainName } from "../../model/hidden";

interface Props {
  findings: SecretFinding[];
  acknowledged: string[];
  onAcknowledged: (ids: string[]) => void;
}

export function Secrets({ findings, acknowledged, onAcknowledged }: Props) {
  const toggle = (id: string) =>
    onAcknowledged(
      acknowledged.includes(id) ? acknowledged.filter((one) => one !== id) : [...acknowledged, id],
    );
  return (
    <Box
      component="section"
      aria-label="Findings in the change"
      sx={{ p: 1.25, borderRadius: 1, border: 1, borderColor: "warning.main" }}
    >
      <Typography variant="subtitle2" component="h3">
        {title(findings)}
      </Typography>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.75 }}>
        Have them taken out of the branch and its history, or merge knowingly.
      </Typography>
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {findings.map((one) => {
          const isSecret = one.description === null;
          const place = one.path ? `${plainName(one.path)}, line ${one.line}` : "a commit's message";
          const what = (
            <Typography variant="caption" component="span" sx={{ overflowWrap: "anywhere" }}>
              {isSecret ? (
                <>
                  <Mono>{one.kind}</Mono> in {place}
                </>
              ) : (
                <bdi>
                  <Verbatim text={one.description ?? ""} />
                </bdi>
              )}
              {!one.at_tip && ", taken out later"}
              {one.confidence !== "sure" && " (likely; does not hold the merge)"}
            </Typography>
          );
          return (
            <Box component="li" key={one.id} sx={{ py: 0.25 }}>
              {one.confidence === "sure" ? (
                <FormControlLabel
                  sx={{ alignItems: "flex-start", m: 0, gap: 0.75 }}
                  control={
                    <Checkbox
                      size="small"
                      sx={{ p: 0.25 }}
                      checked={acknowledged.includes(one.id)}
                      onChange={() => toggle(one.id)}
                      slotProps={{
                        input: {
                          "aria-label": isSecret
                            ? `I know of the ${one.kind} in ${place}`
                            : `I know that ${plainName(one.description ?? "")}`,
                        },
                      }}
                    />
                  }
                  label={what}
                />
              ) : (
                what
              )}
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}

function title(findings: SecretFinding[]): string {
  const onlySecrets = findings.every((one) => one.description === null);
  const what = onlySecrets ? "secret" : "finding";
  return findings.length === 1 ? `A ${what} in the change` : `${findings.length} ${what}s in the change`;
}
