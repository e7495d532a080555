// A tool call of an agent: one line, with what went in and came out behind it.

import BuildOutlined from "@mui/icons-material/BuildOutlined";
import DeleteOutlineRounded from "@mui/icons-material/DeleteOutlineRounded";
import DescriptionOutlined from "@mui/icons-material/DescriptionOutlined";
import EditOutlined from "@mui/icons-material/EditOutlined";
import LanguageOutlined from "@mui/icons-material/LanguageOutlined";
import PsychologyOutlined from "@mui/icons-material/PsychologyOutlined";
import SearchRounded from "@mui/icons-material/SearchRounded";
import TerminalRounded from "@mui/icons-material/TerminalRounded";
import { Stack } from "@mui/material";
import { Verbatim } from "../../components/FileName";
import { Fold } from "../../components/Fold";
import { Glyph } from "../../components/Glyph";
import { ToolPart } from "../../components/ToolPart";
import { toolContent, toolState } from "../../model/tool";
import type { ToolCall } from "../../model/transcript";
import css from "./ToolBlock.module.css";

const ICONS: Record<string, typeof BuildOutlined> = {
  read: DescriptionOutlined,
  edit: EditOutlined,
  delete: DeleteOutlineRounded,
  move: EditOutlined,
  search: SearchRounded,
  execute: TerminalRounded,
  think: PsychologyOutlined,
  fetch: LanguageOutlined,
};

const ICON = { fontSize: 16, flexShrink: 0 } as const;

export function ToolBlock({ call }: { call: ToolCall }) {
  const Icon = ICONS[call.toolKind] ?? BuildOutlined;
  const parts = toolContent(call);
  const { tone, label } = toolState(call);
  const line = (
    <span className={css.line}>
      <Icon sx={ICON} />
      <bdi className={css.title}>
        <Verbatim text={call.title} />
      </bdi>
      <Glyph tone={tone} size={12} />
      {(tone === "failed" || tone === "stopped") && (
        <span className={tone === "failed" ? css.failed : css.note}>{label.toLowerCase()}</span>
      )}
    </span>
  );
  if (parts.length === 0) return <div className={css.plain}>{line}</div>;
  return (
    <Fold name={`tool-${call.id}`} label={line} quiet>
      <Stack sx={{ gap: 1 }}>
        {parts.map((part, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a call have no other identity
          <ToolPart key={at} part={part} />
        ))}
      </Stack>
    </Fold>
  );
}
