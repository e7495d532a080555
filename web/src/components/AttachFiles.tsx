// Choosing files that go with a message: pasted, dropped, or picked with a button.

import AttachFileRounded from "@mui/icons-material/AttachFileRounded";
import CloseRounded from "@mui/icons-material/CloseRounded";
import { Box, IconButton, Stack, Typography } from "@mui/material";
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from "react";
import { plainName } from "../model/hidden";
import { isImage, NameAndSize } from "./Attachments";

/** How many files go with one message at most. */
const MAX_FILES = 10;

const isSame = (one: File, other: File) =>
  one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;

const names = (files: readonly File[]) => files.map((file) => plainName(file.name)).join(", ");

/** The files that a person chose for a message, and what was not attached of the last choice. */
export function useFiles() {
  const [files, setFiles] = useState<readonly File[]>([]);
  const [refusal, setRefusal] = useState("");
  return {
    files,
    refusal,
    add: (more: Iterable<File>) => {
      const fresh = [...more].filter((file) => !files.some((each) => isSame(each, file)));
      const empty = fresh.filter((file) => file.size === 0);
      const full = fresh.filter((file) => file.size > 0);
      const room = MAX_FILES - files.length;
      const over = full.slice(room);
      setFiles([...files, ...full.slice(0, room)]);
      setRefusal(
        [
          empty.length > 0 && `Not attached, because empty: ${names(empty)}.`,
          over.length > 0 && `At most ${MAX_FILES} files go with a message. Not attached: ${names(over)}.`,
        ]
          .filter(Boolean)
          .join(" "),
      );
    },
    remove: (file: File) => {
      setFiles(files.filter((each) => each !== file));
      setRefusal("");
    },
    clear: () => {
      setFiles([]);
      setRefusal("");
    },
  };
}

/** What makes an element take files that are pasted or dropped on it. */
export function takesFiles(add: (files: Iterable<File>) => void) {
  return {
    onPaste: (event: ClipboardEvent) => {
      const files = [...event.clipboardData.files];
      if (files.length === 0) return;
      event.preventDefault();
      add(files);
    },
    onDragOver: (event: DragEvent) => {
      if (event.dataTransfer.types.includes("Files")) event.preventDefault();
    },
    onDrop: (event: DragEvent) => {
      const files = [...event.dataTransfer.files];
      if (files.length === 0) return;
      event.preventDefault();
      add(files);
    },
  };
}

export function ChosenFiles({ files, refusal, remove }: Omit<ReturnType<typeof useFiles>, "add" | "clear">) {
  return (
    <>
      {files.length > 0 && <FileList files={files} onRemove={remove} />}
      <Typography variant="caption" color="error" component="p" role="status">
        {refusal}
      </Typography>
    </>
  );
}

function FileList({ files, onRemove }: { files: readonly File[]; onRemove: (file: File) => void }) {
  return (
    <Stack
      component="ul"
      direction="row"
      aria-label="Files to send"
      sx={{ flexWrap: "wrap", gap: 0.75, p: 0, m: 0, mt: 0.75, listStyle: "none" }}
    >
      {files.map((file) => (
        <Stack
          component="li"
          direction="row"
          key={`${file.name}-${file.size}-${file.lastModified}`}
          sx={{
            alignItems: "center",
            gap: 0.75,
            maxWidth: "100%",
            pl: isImage(file.type) ? 0.5 : 1,
            border: 1,
            borderColor: "divider",
            borderRadius: 1,
            bgcolor: "background.paper",
          }}
        >
          {isImage(file.type) && <Thumbnail file={file} />}
          <Typography variant="caption" component="span" sx={{ overflowWrap: "anywhere" }}>
            <NameAndSize name={file.name} size={file.size} />
          </Typography>
          <IconButton
            size="small"
            aria-label={`Remove ${plainName(file.name)}`}
            onClick={() => onRemove(file)}
          >
            <CloseRounded sx={{ fontSize: 16 }} />
          </IconButton>
        </Stack>
      ))}
    </Stack>
  );
}

/** An image as it is sent. The content security policy lets pages show data, and no object URLs. */
function Thumbnail({ file }: { file: File }) {
  const [source, setSource] = useState<string>();
  useEffect(() => {
    const reader = new FileReader();
    reader.onload = () => setSource(String(reader.result));
    reader.readAsDataURL(file);
    return () => reader.abort();
  }, [file]);
  return (
    <Box
      component="img"
      src={source}
      alt=""
      sx={{ width: 40, height: 40, my: 0.5, flexShrink: 0, objectFit: "cover", borderRadius: 0.75 }}
    />
  );
}

export function AttachButton({ onChoose }: { onChoose: (files: Iterable<File>) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files"
        onChange={(event) => {
          onChoose([...(event.target.files ?? [])]);
          // The same file can be chosen again after it was removed.
          event.target.value = "";
        }}
      />
      <IconButton
        size="small"
        aria-label="Attach files"
        title="Attach files"
        onClick={() => input.current?.click()}
      >
        <AttachFileRounded fontSize="small" />
      </IconButton>
    </>
  );
}
