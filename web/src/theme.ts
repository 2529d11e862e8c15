// All that the pages look like: colours, type, space and motion. Pages name these tokens and nothing else.
// Chakra's own theme without the recipes of components that no page uses: they would be a tenth of the first load.
import { createSystem, defaultBaseConfig, defineConfig } from "@chakra-ui/react";
import {
  animationStyles, breakpoints, buttonRecipe, checkboxSlotRecipe, checkmarkRecipe, dialogSlotRecipe, drawerSlotRecipe, fieldSlotRecipe, globalCss, headingRecipe,
  inputRecipe, kbdRecipe, keyframes, layerStyles, linkRecipe, menuSlotRecipe, popoverSlotRecipe, progressSlotRecipe, semanticTokens, skeletonRecipe, spinnerRecipe,
  textStyles, toastSlotRecipe, tokens,
} from "@chakra-ui/react/theme";

// Not `base`: the defaults that these replace name `_light`, which would win over it.
const both = (light: string, dark: string) => ({ value: { _light: light, _dark: dark } });

const state = (light: readonly [string, string], dark: readonly [string, string]) => ({
  fg: both(light[0], dark[0]),
  subtle: both(light[1], dark[1]),
});

// Variables that Chakra sets on every element: set once they are inherited, and an element costs a third less to style.
const { "*": { fontFeatureSettings, ...variables } = {}, html, ...others } = globalCss;

const used = defineConfig({
  preflight: true,
  cssVarsPrefix: "chakra",
  cssVarsRoot: ":where(html, .chakra-theme)",
  globalCss: { ...others, "*": { fontFeatureSettings }, html: { ...html, ...variables } },
  theme: {
    breakpoints,
    keyframes,
    tokens,
    semanticTokens,
    textStyles,
    layerStyles,
    animationStyles,
    recipes: { button: buttonRecipe, checkmark: checkmarkRecipe, heading: headingRecipe, input: inputRecipe, kbd: kbdRecipe, link: linkRecipe, skeleton: skeletonRecipe, spinner: spinnerRecipe },
    slotRecipes: { checkbox: checkboxSlotRecipe, dialog: dialogSlotRecipe, drawer: drawerSlotRecipe, field: fieldSlotRecipe, menu: menuSlotRecipe, popover: popoverSlotRecipe, progress: progressSlotRecipe, toast: toastSlotRecipe },
  },
});

const config = defineConfig({
  globalCss: {
    "html, body": { bg: "bg", color: "fg", height: "100%" },
    body: { textStyle: "sm" }, // not on html, whose size is what every rem is measured in
    html: { colorPalette: "accent", fontFeatureSettings: '"cv11", "ss03"' },
    // A dialog takes the pointer from the body and thereby from all that inherits it: the page behind lies under its backdrop anyway.
    "#root": { minHeight: "100%", display: "flex", flexDirection: "column", pointerEvents: "auto" },
    "::selection": { bg: "accent.muted" },
    "*, *::before, *::after": {
      "@media (prefers-reduced-motion: reduce)": {
        animationDuration: "0.01ms !important",
        // What turns for ever would be drawn anew with every frame, to no purpose.
        animationIterationCount: "1 !important",
        // None, not a short one: a short one would run for each property, and what is inherited would arrive frame by frame.
        transitionDuration: "0s !important",
      },
    },
    // As the person's settings say.
    "[data-still] *, [data-still] *::before, [data-still] *::after": { animationDuration: "0.01ms !important", animationIterationCount: "1 !important", transitionDuration: "0s !important" },
  },
  theme: {
    recipes: {
      button: { variants: { size: { xs: { fontSize: "13px" } } } },
    },
    tokens: {
      fonts: {
        body: { value: "'Inter Variable', system-ui, sans-serif" },
        heading: { value: "'Inter Variable', system-ui, sans-serif" },
        mono: { value: "'JetBrains Mono Variable', ui-monospace, monospace" },
      },
    },
    semanticTokens: {
      colors: {
        bg: {
          DEFAULT: both("#fafafa", "#0c0c0e"),
          subtle: both("#f4f4f5", "#18181b"),
          muted: both("#ececee", "#222226"),
          emphasized: both("#e0e0e3", "#2e2e33"),
          panel: both("#ffffff", "#131316"),
        },
        fg: {
          DEFAULT: both("#18181b", "#ededef"),
          muted: both("#52525b", "#a4a4ad"),
          subtle: both("#696971", "#8e8e98"),
        },
        border: {
          DEFAULT: both("#e4e4e7", "#26262a"),
          muted: both("#eeeef0", "#1e1e22"),
          emphasized: both("#cfcfd4", "#3a3a40"),
        },
        accent: {
          solid: both("#4f46e5", "#5558e8"),
          contrast: both("#ffffff", "#ffffff"),
          fg: both("#4338ca", "#a5b4fc"),
          subtle: both("#eef2ff", "#1c1d3a"),
          muted: both("#e0e7ff", "#2a2c58"),
          emphasized: both("#c7d2fe", "#3b3e7d"),
          focusRing: both("#6366f1", "#818cf8"),
          border: both("#c7d2fe", "#3b3e7d"),
        },
        good: state(["#166534", "#ecfdf3"], ["#4ade80", "#0f2417"]),
        warn: state(["#854d0e", "#fefce8"], ["#fbbf24", "#2a2108"]),
        bad: state(["#b42318", "#fef3f2"], ["#f98a80", "#2d1413"]),
      },
      radii: { l1: { value: "4px" }, l2: { value: "6px" }, l3: { value: "10px" } },
      shadows: {
        card: both("0 1px 2px rgb(0 0 0 / 4%)", "none"),
        lift: both("0 8px 30px rgb(0 0 0 / 12%)", "0 8px 30px rgb(0 0 0 / 60%)"),
      },
    },
  },
});

export const system = createSystem(defaultBaseConfig, used, config);
