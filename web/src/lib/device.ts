// What a device is called: of what a browser says of itself, the two words that a person knows it by.

const browsers: ReadonlyArray<readonly [RegExp, string]> = [[/\bEdgA?\//, "Edge"], [/\bOPR\//, "Opera"], [/\b(Firefox|FxiOS)\//, "Firefox"], [/(Chrome|CriOS)\//, "Chrome"], [/\bSafari\//, "Safari"]];
const systems: ReadonlyArray<readonly [RegExp, string]> = [[/Android/, "Android"], [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]];

const find = (words: ReadonlyArray<readonly [RegExp, string]>, agent: string): string | undefined => words.find(([sign]) => sign.test(agent))?.[1];

/** "Firefox on Linux"; whatever is no browser is called as it calls itself. */
export function deviceName(agent: string): string {
  if (!agent.startsWith("Mozilla/")) return agent;
  const browser = find(browsers, agent);
  const system = find(systems, agent);
  if (browser === undefined) return system === undefined ? agent : `A browser on ${system}`;
  return system === undefined ? browser : `${browser} on ${system}`;
}
