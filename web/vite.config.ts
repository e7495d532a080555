import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The server that the development server passes API calls on to.
const server = process.env.SPECTASK_URL ?? "http://127.0.0.1:8420";

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: {
      // The Host header stays: the server compares it with the Origin.
      "/api": { target: server, ws: true, changeOrigin: false },
    },
  },
  build: {
    // The content security policy allows no data: fonts or scripts; everything is a file of its own.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: "mui", test: /node_modules[\\/](@mui|@emotion)[\\/]/ },
            { name: "tanstack", test: /node_modules[\\/]@tanstack[\\/]/ },
          ],
        },
      },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
