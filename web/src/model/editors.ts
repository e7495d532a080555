// The editors that open a folder of the server, each by a link or by a command to copy.

/** Where a folder is: on this machine, or on one that editors reach over SSH. */
export interface Folder {
  path: string;
  /** The host of the server; null where it is this machine. */
  host: string | null;
}

export interface Editor {
  id: string;
  name: string;
  /** What opens the folder; null where there is a command only. */
  link: (folder: Folder) => string | null;
  /** What opens the folder in a terminal. */
  command: (folder: Folder) => string;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export const folderOf = (path: string, hostname: string): Folder => ({
  path,
  host: LOOPBACK.test(hostname) ? null : hostname,
});

const encoded = (path: string) => path.split("/").map(encodeURIComponent).join("/");

/** A path as an argument in a shell. */
const quoted = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** The links and commands of VS Code and what is made of it. */
const likeCode = (id: string, name: string): Editor => ({
  id,
  name,
  link: ({ path, host }) =>
    host === null
      ? `${id}://file${encoded(path)}`
      : `${id}://vscode-remote/ssh-remote+${encodeURIComponent(host)}${encoded(path)}`,
  command: ({ path, host }) =>
    host === null
      ? `${id === "vscode" ? "code" : id} ${quoted(path)}`
      : `${id === "vscode" ? "code" : id} --remote ssh-remote+${quoted(host)} ${quoted(path)}`,
});

const ZED: Editor = {
  id: "zed",
  name: "Zed",
  link: ({ path, host }) =>
    host === null ? `zed://file${encoded(path)}` : `zed://ssh/${encodeURIComponent(host)}${encoded(path)}`,
  command: ({ path, host }) =>
    host === null ? `zed ${quoted(path)}` : `zed ${quoted(`ssh://${host}${path}`)}`,
};

const JETBRAINS: Editor = {
  id: "jetbrains",
  name: "JetBrains IDE",
  link: () => null,
  // Remote folders are opened in JetBrains Gateway, which has no command for them: the path is what it asks for.
  command: ({ path, host }) => (host === null ? `idea ${quoted(path)}` : path),
};

export const EDITORS: readonly Editor[] = [
  ZED,
  likeCode("vscode", "VS Code"),
  likeCode("cursor", "Cursor"),
  JETBRAINS,
];

/** The editor with an id, or the first. */
export const editorOf = (id: string | undefined): Editor => EDITORS.find((editor) => editor.id === id) ?? ZED;
