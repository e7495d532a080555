// A document while a person edits its source.

import { Button, Stack, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useEditDocument } from "../../api/actions";
import { ApiError } from "../../api/client";
import { documentQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { ActionError, Failed, Paragraphs } from "../../components/States";
import type { DocumentName } from "../../model/documents";
import { useDraft } from "../../model/drafts";
import { MONO } from "../../theme";

interface Props {
  task: TaskDetail;
  document: DocumentName;
  onClose: () => void;
}

interface Edit {
  text: string;
  base: string;
}

export function DocumentEditor({ task, document, onClose }: Props) {
  const query = useQuery(documentQuery(task.id, document));
  // What is edited, and the version that it is an edit of; a page that is left keeps both.
  const [edit, setEdit, forget] = useDraft<Edit | null>(`document-${task.id}-${document}`, null);
  const save = useEditDocument(task.id, document);
  const read = query.data;
  if (query.isError && !read) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!read) return <Paragraphs lines={12} />;
  const { text, base } = edit ?? { text: read.content, base: read.commit };
  const close = () => {
    forget();
    onClose();
  };
  const movedOn = save.error instanceof ApiError && save.error.code === "document_moved_on";
  const isApproved = task.spec_approved_at !== null;
  return (
    <>
      <TextField
        multiline
        fullWidth
        minRows={16}
        value={text}
        onChange={(event) => setEdit({ text: event.target.value, base })}
        slotProps={{
          htmlInput: {
            "aria-label": `${document}.md`,
            spellCheck: false,
            style: { fontFamily: MONO, fontSize: "0.8125rem", lineHeight: 1.6 },
          },
        }}
      />
      <ActionError error={save.error} />
      {isApproved && (
        <Typography variant="caption" color="warning" component="p" sx={{ mt: 1 }}>
          It is approved: with another wording the approval is void, agents stop, and it is reviewed again.
        </Typography>
      )}
      <Stack
        direction="row"
        sx={{
          gap: 1,
          mt: 0.5,
          py: 1.25,
          // A document is long, and what is done with it at hand; on a phone above the places to go.
          position: "sticky",
          bottom: { xs: "calc(54px + env(safe-area-inset-bottom))", md: 0 },
          zIndex: 1,
          bgcolor: "background.paper",
        }}
      >
        <ActionButton
          variant="contained"
          disabled={text === read.content}
          loading={save.isPending}
          onClick={() => save.mutate({ content: text, base_commit: base }, { onSuccess: close })}
        >
          Save
        </ActionButton>
        {movedOn && (
          <Button
            variant="outlined"
            color="inherit"
            onClick={() => {
              forget();
              save.reset();
              void query.refetch();
            }}
          >
            Discard my edit and reload
          </Button>
        )}
        <Button variant="text" color="inherit" onClick={close}>
          Discard
        </Button>
      </Stack>
    </>
  );
}
