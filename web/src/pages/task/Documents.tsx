// The documents under review, one at a time or side by side; words that are selected can be commented on.

import ChecklistOutlined from "@mui/icons-material/ChecklistOutlined";
import CommentOutlined from "@mui/icons-material/CommentOutlined";
import EditOutlined from "@mui/icons-material/EditOutlined";
import ViewColumnOutlined from "@mui/icons-material/ViewColumnOutlined";
import { Box, Button, IconButton, Stack, Tab, Tabs, Tooltip, Typography } from "@mui/material";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { Comment, Specs, TaskDetail } from "../../api/types";
import { focusSoon } from "../../components/focus";
import { TextLink } from "../../components/links";
import { Markdown } from "../../components/Markdown";
import { Paragraphs } from "../../components/States";
import { DOCUMENT_LABELS, DOCUMENTS, type DocumentName, type DocumentPlace } from "../../model/documents";
import { hasDraft, planDraft, useKept } from "../../model/drafts";
import { elementAt, type Selected, useSelected } from "../../model/selection";
import { DocumentEditor } from "./DocumentEditor";
import { SavedPlan } from "./plan/SavedPlan";

const PlanEditor = lazy(() => import("./plan/PlanEditor"));

/** The buttons that open the editors have the focus again when these are closed. */
const EDIT_PLAN = "edit-plan";
const EDIT_DOCUMENT = "edit-document";

const RULE = "1px solid var(--mui-palette-divider)";

/** Behind the line that the address asks for. */
const SOUGHT = "color-mix(in srgb, var(--mui-palette-primary-main) 16%, var(--mui-palette-background-paper))";

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
  /** The place that is shown; another object shows the same place again. */
  place: DocumentPlace;
  onPlace: (place: DocumentPlace) => void;
  canEdit: boolean;
  onComment?: (about: Selected) => void;
}

export function Documents({ task, specs, comments, place, onPlace, canEdit, onComment }: Props) {
  const name = place.document;
  const setName = (document: DocumentName) => onPlace({ document, line: undefined });
  // An edit that was left is gone on with.
  const [edited, setEdited] = useState<DocumentName | null>(() =>
    canEdit ? (DOCUMENTS.find((each) => hasDraft(`document-${task.id}-${each}`)) ?? null) : null,
  );
  const [isPlanning, setPlanning] = useState(() => canEdit && hasDraft(planDraft(task.id)));
  const [isOpened, setOpened] = useState(false);
  // The plan before the last edit of it, and the commit of that edit: it can be undone.
  const [saved, setSaved] = useState<{ before: string; commit: string } | null>(null);
  const [isWide, setWide] = useKept("spectask-side-by-side", false);
  const box = useRef<HTMLDivElement>(null);
  const picked = useSelected(box);
  const shown = edited ? [edited] : isPlanning ? (["tasks"] as const) : isWide ? DOCUMENTS : [name];
  useMarked(box, comments, `${shown.join()} ${specs.content_hash}`);
  useSought(box, place, `${shown.join()} ${specs.content_hash}`);

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
          gap: { xs: 0.5, sm: 1 },
          pl: { xs: 2, sm: 2.5 },
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
        {edited || isPlanning ? (
          <Typography variant="subtitle2" component="p" sx={{ py: 1.25 }}>
            {edited ? `Editing ${edited}.md` : "Editing the plan"}
          </Typography>
        ) : isWide ? (
          <Typography variant="subtitle2" component="p" sx={{ py: 1.25 }}>
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
            {DOCUMENTS.map((each) => (
              <Tab key={each} value={each} label={DOCUMENT_LABELS[each]} />
            ))}
          </Tabs>
        )}
        <Box sx={{ flex: 1 }} />
        {onComment && !edited && !isPlanning && (
          <Button
            variant={picked ? "contained" : "text"}
            color={picked ? "primary" : "inherit"}
            startIcon={<CommentOutlined />}
            aria-label={picked ? "Comment on the selection" : "Comment"}
            // The selection has to outlive the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={comment}
            sx={{
              minWidth: { xs: 34, sm: 64 },
              px: { xs: 0.75, sm: 1.5 },
              flexShrink: 0,
              "& .MuiButton-startIcon": { ml: { xs: 0, sm: "-2px" }, mr: { xs: 0, sm: 1 } },
            }}
          >
            <Box component="span" sx={{ display: { xs: "none", sm: "inline" } }}>
              {picked ? "Comment on the selection" : "Comment"}
            </Box>
          </Button>
        )}
        {canEdit && !edited && !isPlanning && !isWide && name === "tasks" && (
          <Tooltip title="Edit the plan task by task">
            <IconButton
              id={EDIT_PLAN}
              onClick={() => {
                setPlanning(true);
                setOpened(true);
              }}
              aria-label="Edit the plan task by task"
              sx={{ color: "text.secondary" }}
            >
              <ChecklistOutlined fontSize="small" />
            </IconButton>
          </Tooltip>
        )}
        {canEdit && !edited && !isPlanning && !isWide && (
          <Tooltip title={`Edit ${name}.md`}>
            <IconButton
              id={EDIT_DOCUMENT}
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
            aria-label={DOCUMENT_LABELS[each]}
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
              // The number of an item stands to its left, where the others have their mark.
              "& li[data-commented]": {
                boxShadow: "inset 2px 0 0 var(--mui-palette-warning-main)",
                pl: 1,
              },
              "& [data-sought]": { bgcolor: SOUGHT, borderRadius: 0.5 },
            }}
          >
            {each === "tasks" && !edited && task.spec_approved_at !== null && (
              <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 1.5 }}>
                As approved; progress is on{" "}
                <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} search={{ tab: "overview" }}>
                  Overview
                </TextLink>
                .
              </Typography>
            )}
            {each === "tasks" && saved && !isPlanning && !edited && (
              <SavedPlan
                task={task.id}
                {...saved}
                onClose={() => {
                  setSaved(null);
                  focusSoon(EDIT_PLAN);
                }}
              />
            )}
            {isPlanning && !edited ? (
              <Suspense fallback={<Paragraphs lines={8} />}>
                <PlanEditor
                  task={task}
                  takesFocus={isOpened}
                  onShow={onPlace}
                  onClose={(undo) => {
                    setPlanning(false);
                    setSaved(undo ? { before: textOf(specs, "tasks"), commit: undo.commit } : null);
                    focusSoon(EDIT_PLAN);
                  }}
                />
              </Suspense>
            ) : edited ? (
              <DocumentEditor
                task={task}
                document={each}
                onClose={() => {
                  setEdited(null);
                  focusSoon(EDIT_DOCUMENT);
                }}
              />
            ) : (
              <Markdown text={textOf(specs, each)} compact={isWide} numbered />
            )}
          </Box>
        ))}
      </Box>
    </Box>
  );
}

/** Shows the line that is looked for, and marks it. */
function useSought(box: React.RefObject<HTMLDivElement | null>, place: DocumentPlace, drawn: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn again is marked again
  useEffect(() => {
    if (place.line === undefined) return;
    const article = box.current?.querySelector<HTMLElement>(`[data-document="${place.document}"]`);
    const element = article && elementAt(article, place.line);
    if (!element) return;
    element.dataset.sought = "true";
    element.setAttribute("aria-current", "location");
    element.scrollIntoView({ block: "center" });
    return () => {
      delete element.dataset.sought;
      element.removeAttribute("aria-current");
    };
  }, [box, place, drawn]);
}

/** Marks the places of the documents that open comments are about. */
function useMarked(box: React.RefObject<HTMLDivElement | null>, comments: Comment[], drawn: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn again is marked again
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
