// The pattern that a task is made from, and what it does that other fields do not show.

import { Box, MenuItem, Typography } from "@mui/material";
import type { Template } from "../../api/types";
import { Mono } from "../../components/Code";
import { Field } from "../../components/FormDialog";

interface Props {
  templates: Template[];
  value: string;
  onChange: (name: string) => void;
}

export function TemplateChoice({ templates, value, onChange }: Props) {
  const pattern = templates.find((each) => each.name === value);
  return (
    <>
      <Field
        field="template"
        select
        label="Template"
        hint={pattern?.description}
        value={value}
        onChange={onChange}
        slotProps={{
          select: { displayEmpty: true, renderValue: () => pattern?.title ?? "None" },
          inputLabel: { shrink: true },
        }}
      >
        <MenuItem value="">None</MenuItem>
        {templates.map((each) => (
          <MenuItem key={each.name} value={each.name} disabled={each.error !== null}>
            <Box sx={{ minWidth: 0 }}>
              <Typography variant="body2" noWrap>
                {each.title}
                {each.source === "repository" && (
                  <Typography component="span" variant="caption" color="textSecondary">
                    {" "}
                    · from the repository
                  </Typography>
                )}
              </Typography>
              <Typography
                variant="caption"
                color={each.error ? "error" : "textSecondary"}
                component="p"
                sx={{ whiteSpace: "normal", maxWidth: 480 }}
              >
                {each.error
                  ? `${each.error.file}, line ${each.error.line}: ${each.error.message}`
                  : each.description}
              </Typography>
            </Box>
          </MenuItem>
        ))}
      </Field>
      {pattern && <Gives template={pattern} />}
    </>
  );
}

/** The effects of a template that the fields below do not show. */
function Gives({ template }: { template: Template }) {
  const said = [
    template.start === "after_approval" && "Its plan is ready: you approve it, and work begins.",
    template.start === "at_once" && "Its plan is ready, and work begins at once.",
    template.labels.length > 0 && `Labels: ${template.labels.join(", ")}.`,
  ].filter(Boolean);
  if (said.length === 0 && template.checks.length === 0) return null;
  return (
    <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: -1 }}>
      {said.join(" ")}
      {template.checks.length > 0 && (
        <>
          {" It runs on the change: "}
          {template.checks.map((check, at) => (
            <span key={check}>
              {at > 0 && ", "}
              <Mono>{check}</Mono>
            </span>
          ))}
          .
        </>
      )}
    </Typography>
  );
}
