// The documents under review, one at a time or side by side; words that are selected can be commented on.

import CommentOutlined from "@mui/icons-material/CommentOutlined";
import ViewColumnOutlined from "@mui/icons-material/ViewColumnOutlined";
import { Box, Button, IconButton, Stack, Tab, Tabs, Tooltip, Typography } from "@mui/material";
import { useEffect, useRef, useState } from "react";
import { newKey } from "../../api/client";
import type { Specs } from "../../api/types";
import { Markdown } from "../../components/Markdown";
import { type DocumentName, type Draft, useKept } from "../../model/drafts";

const NAMES: DocumentName[] = ["requirements", "design", "tasks"];
const LABELS: Record<DocumentName, string> = {
  requirements: "Requirements",
  design: "Design",
  tasks: "Plan",
};

function textOf(specs: Specs, name: DocumentName): string {
  return {
    requirements: specs.requirements_spec,
    design: specs.technical_design,
    tasks: specs.implementation_plan,
  }[name];
}

interface Props {
  specs: Specs;
  onComment?: (draft: Draft) => void;
}

export function Documents({ specs, onComment }: Props) {
  const [name, setName] = useState<DocumentName>("requirements");
  const [isWide, setWide] = useKept("spectask-side-by-side", false);
  const box = useRef<HTMLDivElement>(null);
  const picked = useSelected(box);
  const shown = isWide ? NAMES : [name];

  const comment = () => {
    const document = picked?.document ?? name;
    onComment?.({ id: newKey(), document, quote: picked?.text ?? "", comment: "" });
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
        {isWide ? (
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
        {onComment && (
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
              "& + &": { borderLeft: { md: 1 }, borderTop: { xs: 1, md: 0 }, borderColor: "divider" },
              // Borders in sx need their colour named per side.
              borderColor: "divider",
            }}
          >
            <Markdown text={textOf(specs, each)} compact={isWide} />
          </Box>
        ))}
      </Box>
    </Box>
  );
}

/** The words that are selected within the documents. */
function useSelected(
  box: React.RefObject<HTMLDivElement | null>,
): { text: string; document: DocumentName } | null {
  const [picked, setPicked] = useState<{ text: string; document: DocumentName } | null>(null);
  useEffect(() => {
    const onChange = () => {
      const selection = document.getSelection();
      const text = selection?.toString().trim() ?? "";
      const anchor = selection?.anchorNode;
      const element = anchor instanceof Element ? anchor : anchor?.parentElement;
      const article = element?.closest<HTMLElement>("[data-document]");
      const isOurs = text !== "" && article && box.current?.contains(article);
      setPicked(
        isOurs ? { text: text.slice(0, 400), document: article.dataset.document as DocumentName } : null,
      );
    };
    document.addEventListener("selectionchange", onChange);
    return () => document.removeEventListener("selectionchange", onChange);
  }, [box]);
  return picked;
}
