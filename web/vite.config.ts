import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // a font or picture in a style sheet would be loaded whether it is shown or not
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});
