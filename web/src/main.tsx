import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import { ChakraProvider } from "@chakra-ui/react";
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries";
import { App } from "./app";
import { Boundary } from "./components/boundary";
import { Toaster } from "./components/toaster";
import { watchNetwork } from "./stores/connection";
import { system } from "./theme";
import "./stores/theme";

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no #root.");
createRoot(root).render(
  <ChakraProvider value={system}>
    <QueryClientProvider client={queryClient}>
      <Boundary><App /></Boundary>
      <Toaster />
    </QueryClientProvider>
  </ChakraProvider>,
);
watchNetwork();
// Shows a page of ours, not the browser's, when this one is loaded while the server is away, and hands downloads to the browser (public/sw.js).
void (navigator as Partial<Navigator>).serviceWorker?.register("/sw.js").catch(() => undefined);
