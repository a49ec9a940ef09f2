/**
 * What the comments of a case say: `# LAT0110 path: message` at the end of the line it is about, or after `# ^` on a
 * line of its own below it. Gives `LINE: LAT0110 path: message`.
 */
export function expectedIn(text: string): string[] {
  let about = 0;
  return text.split('\n').flatMap((line, index) => {
    const below = /^ *# \^ (LAT\d{4} .*)$/.exec(line);
    if (below === null) about = index + 1;
    const said = below ?? / # (LAT\d{4} .*)$/.exec(line);
    return said?.[1] === undefined ? [] : [`${about}: ${said[1]}`];
  });
}
