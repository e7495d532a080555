// The documents under review, one at a time or side by side; words that are selected can be commented on.

import CommentOutlined from "@mui/icons-material/CommentOutlined";
import EditOutlined from "@mui/icons-material/EditOutlined";
import ViewColumnOutlined from "@mui/icons-material/ViewColumnOutlined";
import { Box, Button, IconButton, Stack, Tab, Tabs, Tooltip, Typography } from "@mui/material";
import { useEffect, useRef, useState } from "react";
import type { Comment, Specs, TaskDetail } from "../../api/types";
import { Markdown } from "../../components/Markdown";
import { type DocumentName, useKept } from "../../model/drafts";
import { elementAt, type Selected, useSelected } from "../../model/selection";
import { DocumentEditor } from "./DocumentEditor";

const NAMES: DocumentName[] = ["requirements", "design", "tasks"];
const LABELS: Record<DocumentName, string> = {
  requirements: "Requirements",
  design: "Design",
  tasks: "Plan",
};

const RULE = "1px solid var(--mui-palette-divider)";

/** Behind what open comments are about. */
const TINT = "color-mix(in srgb, var(--mui-palette-warning-main) 9%, var(--mui-palette-background-paper))";

function textOf(specs: Specs, name: DocumentName): string {
  return {
    requirements: specs.requirements_spec,
    design: specs.technical_design,
    tasks: specs.implementation_plan,
  }[name];
}

interface Props {
  task: TaskDetail;
  specs: Specs;
  comments: Comment[];
  /** The comment whose place is to be shown. */
  shown: Comment | null;
  canEdit: boolean;
  onComment?: (about: Selected) => void;
}

export function Documents({ task, specs, comments, shown: sought, canEdit, onComment }: Props) {
  const [name, setName] = useState<DocumentName>("requirements");
  const [edited, setEdited] = useState<DocumentName | null>(null);
  const [isWide, setWide] = useKept("spectask-side-by-side", false);
  const box = useRef<HTMLDivElement>(null);
  const picked = useSelected(box);
  const shown = edited ? [edited] : isWide ? NAMES : [name];
  useMarked(box, comments, `${shown.join()} ${specs.content_hash}`);
  useEffect(() => {
    if (sought) setName(sought.document);
  }, [sought]);
  useEffect(() => {
    const article = box.current?.querySelector<HTMLElement>(`[data-document="${sought?.document}"]`);
    if (!article || !sought?.start_line || !shown.includes(sought.document)) return;
    elementAt(article, sought.start_line)?.scrollIntoView({ block: "center", behavior: "smooth" });
  });

  const comment = () => {
    onComment?.(picked ?? { document: name, text: "", start: null, end: null });
    window.getSelection()?.removeAllRanges();
  };

  return (
    <Box
      ref={box}
      sx={{ border: 1, borderColor: "divider", borderRadius: 1.25, bgcolor: "background.paper" }}
    >
      <Stack
        direction="row"
        sx={{
          alignItems: "center",
          gap: 1,
          pl: 2.5,
          pr: 1,
          borderBottom: 1,
          borderColor: "divider",
          position: "sticky",
          top: 0,
          zIndex: 2,
          bgcolor: "background.paper",
          borderRadius: "10px 10px 0 0",
        }}
      >
        {edited ? (
          <Typography variant="subtitle2" sx={{ py: 1.25 }}>
            Editing {edited}.md
          </Typography>
        ) : isWide ? (
          <Typography variant="subtitle2" sx={{ py: 1.25 }}>
            Documents side by side
          </Typography>
        ) : (
          <Tabs
            value={name}
            onChange={(_, to: DocumentName) => setName(to)}
            aria-label="Documents"
            variant="scrollable"
            scrollButtons={false}
          >
            {NAMES.map((each) => (
              <Tab key={each} value={each} label={LABELS[each]} />
            ))}
          </Tabs>
        )}
        <Box sx={{ flex: 1 }} />
        {onComment && !edited && (
          <Button
            variant={picked ? "contained" : "text"}
            color={picked ? "primary" : "inherit"}
            startIcon={<CommentOutlined />}
            // The selection has to outlive the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={comment}
          >
            <Box component="span" sx={{ display: { xs: "none", sm: "inline" } }}>
              {picked ? "Comment on the selection" : "Comment"}
            </Box>
          </Button>
        )}
        {canEdit && !edited && !isWide && (
          <Tooltip title={`Edit ${name}.md`}>
            <IconButton
              onClick={() => setEdited(name)}
              aria-label={`Edit ${name}.md`}
              sx={{ color: "text.secondary" }}
            >
              <EditOutlined fontSize="small" />
            </IconButton>
          </Tooltip>
        )}
        <Tooltip title={isWide ? "One at a time" : "Side by side"}>
          <IconButton
            onClick={() => setWide(!isWide)}
            aria-pressed={isWide}
            aria-label="Side by side"
            sx={{
              display: { xs: "none", md: "inline-flex" },
              color: isWide ? "primary.main" : "text.secondary",
            }}
          >
            <ViewColumnOutlined fontSize="small" />
          </IconButton>
        </Tooltip>
      </Stack>
      <Box
        sx={{
          display: "grid",
          gridTemplateColumns: { xs: "minmax(0, 1fr)", md: `repeat(${shown.length}, minmax(0, 1fr))` },
        }}
      >
        {shown.map((each) => (
          <Box
            key={each}
            component="article"
            data-document={each}
            aria-label={LABELS[each]}
            sx={{
              px: { xs: 2, sm: isWide ? 2 : 4 },
              py: { xs: 2, sm: isWide ? 2 : 3 },
              minWidth: 0,
              maxWidth: isWide ? "none" : 860,
              // A border at a breakpoint takes its colour with it.
              "& + &": { borderLeft: { md: RULE }, borderTop: { xs: RULE, md: 0 } },
              "& [data-commented]": {
                bgcolor: TINT,
                boxShadow: `-6px 0 0 ${TINT}, -8px 0 0 var(--mui-palette-warning-main)`,
              },
            }}
          >
            {edited ? (
              <DocumentEditor task={task} document={each} onClose={() => setEdited(null)} />
            ) : (
              <Markdown text={textOf(specs, each)} compact={isWide} numbered />
            )}
          </Box>
        ))}
      </Box>
    </Box>
  );
}

/** Marks the places of the documents that open comments are about. */
function useMarked(box: React.RefObject<HTMLDivElement | null>, comments: Comment[], drawn: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn anew is marked anew
  useEffect(() => {
    const marked: HTMLElement[] = [];
    for (const comment of comments) {
      const article = box.current?.querySelector<HTMLElement>(`[data-document="${comment.document}"]`);
      if (!article || comment.resolved || comment.start_line === null || comment.end_line === null) continue;
      for (let line = comment.start_line; line <= comment.end_line; line++) {
        const element = elementAt(article, line);
        if (!element) continue;
        element.dataset.commented = comment.label;
        element.title = `${comment.label}: ${comment.comment}`;
        marked.push(element);
      }
    }
    return () => {
      for (const element of marked) {
        delete element.dataset.commented;
        element.removeAttribute("title");
      }
    };
  }, [box, comments, drawn]);
}
