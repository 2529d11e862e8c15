// What a session is called when its person says no name: as the repository or the archive that it begins with.

/** A name as the API takes it, which is one line; most: characters. */
const asName = (text: string, most: number): string => [...text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "").trim()].slice(0, most).join("");

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Empty while the address names none. */
export function nameOfRepository(url: string, most: number): string {
  const [, path = ""] = /^[a-z]+:\/\/[^/]+\/(.*)$/i.exec(url.trim()) ?? [];
  const last = path.replace(/\/+$/, "").split("/").at(-1) ?? "";
  return asName(decoded(last).replace(/\.git$/, ""), most);
}

export function nameOfArchive(fileName: string, most: number): string {
  const name = fileName.replace(/\.(tar|zip|tgz|tar\.gz|gz)$/i, "");
  return asName(name === "" ? fileName : name, most);
}
