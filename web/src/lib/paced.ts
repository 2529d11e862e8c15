/** Runs at once, then at most once in ms: what is called for meanwhile runs once afterwards. */
export function paced(ms: number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWanted = false;
  const turn = (): void => {
    isWanted = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) turn();
    }, ms);
    run();
  };
  return () => {
    if (timer === undefined) turn();
    else isWanted = true;
  };
}
