import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The server that the development server passes API calls on to.
const server = process.env.SPECTASK_URL ?? "http://127.0.0.1:8420";

/** The letters that every page needs are fetched with the page, before its styles ask for them. */
const preloadLetters: Plugin = {
  name: "preload-letters",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (_, { bundle }) =>
      Object.keys(bundle ?? {})
        .filter((file) => file.includes("inter-latin-wght"))
        .map((file) => ({
          tag: "link",
          attrs: { rel: "preload", as: "font", type: "font/woff2", crossorigin: "", href: `/${file}` },
          injectTo: "head-prepend",
        })),
  },
};

/** Files that are text are compressed once, here, and not with each request. */
const compressOnce: Plugin = {
  name: "compress-once",
  apply: "build",
  writeBundle({ dir = "" }) {
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (![".js", ".css", ".html", ".svg"].includes(extname(name))) continue;
      const file = join(dir, name);
      writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
    }
  },
};

/** The tests that need a page and a network. */
const IN_PAGE = ["src/**/*.test.tsx", "src/api/client.test.ts"];

export default defineConfig({
  plugins: [react(), preloadLetters, compressOnce],
  server: {
    proxy: {
      // The Host header stays: the server compares it with the Origin.
      "/api": { target: server, ws: true, changeOrigin: false },
    },
  },
  build: {
    // The content security policy allows no data: fonts or scripts; everything is a file of its own.
    assetsInlineLimit: 0,
    // A few kilobytes: one file costs less than finding out which ones a page needs.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: { index: "index.html", sw: "src/push/worker.ts" },
      output: {
        // A service worker serves what is beneath its own address, which stays the same.
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: "mui", test: /node_modules[\\/](@mui[\\/](?!x-)|@emotion[\\/])/ },
            { name: "tanstack", test: /node_modules[\\/]@tanstack[\\/]/ },
          ],
        },
      },
    },
  },
  test: {
    // Each test leaves nothing behind, and starting anew for every file costs more than they do.
    isolate: false,
    projects: [
      { extends: true, test: { name: "model", include: ["src/**/*.test.ts"], exclude: IN_PAGE } },
      {
        extends: true,
        test: {
          name: "page",
          include: IN_PAGE,
          environment: "jsdom",
          setupFiles: "src/testing/setup.ts",
          // A busy machine takes its time; what a test waits for comes long before.
          testTimeout: 60_000,
        },
      },
    ],
  },
});
