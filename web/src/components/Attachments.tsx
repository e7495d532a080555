// Files that go with a message or a prompt, or that an agent sent: images as they are, others by name, all to download.

import { Box, Link, Stack, Typography } from "@mui/material";
import { download } from "../api/client";
import type { Attachment } from "../api/types";
import { plainName } from "../model/hidden";
import { FileName } from "./FileName";

const IMAGES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** Whether browsers show files of a type as pictures. */
export const isImage = (mediaType: string): boolean => IMAGES.has(mediaType);

/** A size in the unit that people read. */
function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The name of a file with its size. */
export function NameAndSize({ name, size }: { name: string; size: number }) {
  return (
    <>
      <FileName name={name} /> · {sizeOf(size)}
    </>
  );
}

export function Attachments({
  task,
  files,
  label = "Attached files",
}: {
  task: string;
  files: readonly Attachment[];
  label?: string;
}) {
  if (files.length === 0) return null;
  return (
    <Stack
      component="ul"
      aria-label={label}
      direction="row"
      sx={{ flexWrap: "wrap", gap: 1, p: 0, m: 0, mt: 0.75, listStyle: "none" }}
    >
      {files.map((file) => (
        <li key={file.id}>
          <File task={task} file={file} />
        </li>
      ))}
    </Stack>
  );
}

function File({ task, file }: { task: string; file: Attachment }) {
  const href = download("/api/v1/spec-tasks/{id}/attachments/{attachment}", {
    path: { id: task, attachment: file.id },
  });
  if (isImage(file.media_type)) {
    return (
      <Link
        href={href}
        target="_blank"
        rel="noopener"
        underline="hover"
        sx={{ display: "block", maxWidth: 240 }}
      >
        <Box
          component="img"
          src={href}
          alt=""
          loading="lazy"
          sx={{
            display: "block",
            maxWidth: 240,
            maxHeight: 160,
            width: "auto",
            height: "auto",
            objectFit: "contain",
            border: 1,
            borderColor: "divider",
            borderRadius: 1,
          }}
        />
        <Typography variant="caption" component="span" sx={{ overflowWrap: "anywhere" }}>
          <NameAndSize {...file} />
        </Typography>
      </Link>
    );
  }
  return (
    <Link
      href={href}
      download={plainName(file.name)}
      variant="body2"
      sx={{
        display: "inline-block",
        px: 1,
        py: 0.25,
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        overflowWrap: "anywhere",
      }}
    >
      <NameAndSize {...file} />
    </Link>
  );
}
