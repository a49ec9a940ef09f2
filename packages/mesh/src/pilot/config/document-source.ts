import type { PathPart } from '@lateen/api/field-path.ts';
import { lineInText, lineOfPath, readPart, readYaml, type YamlDocument } from './yaml-document.ts';

/** Where things stand in a document. */
export interface DocumentSource {
  readonly lineOfPath: (path: readonly PathPart[]) => number;
  /** Line in the file of a line, counted from 1, of the text at the path. */
  readonly lineInText: (path: readonly PathPart[], line: number) => number;
  /** `lineOfPath` for later: it keeps the text, not the syntax tree, because trees would take most of the memory. */
  readonly reader: () => (path: readonly PathPart[]) => number;
}

export function sourceOf(document: YamlDocument): DocumentSource {
  const { text, linesBefore } = document;
  return {
    lineOfPath: (path) => lineOfPath(document, path),
    lineInText: (path, line) => lineInText(document, path, line),
    reader: () => (path) => {
      const again = readYaml(text)[0];
      return linesBefore + (again === undefined ? 1 : lineOfPath(again, path));
    },
  };
}

/** Of a text that is one document and was read without positions: it is read with them when somebody asks. */
export function quickSource(text: string, line: number): DocumentSource {
  let precise: DocumentSource | undefined;
  const read = () => {
    precise ??= sourceOf(onlyDocument(text));
    return precise;
  };
  return {
    lineOfPath: (path) => (path.length === 0 ? line : read().lineOfPath(path)),
    lineInText: (path, lineOfText) => read().lineInText(path, lineOfText),
    reader: () => (path) => lineOfPath(onlyDocument(text), path),
  };
}

function onlyDocument(text: string): YamlDocument {
  const [document] = readPart(text, 0);
  if (document === undefined) throw new Error('there is no document in what was read as one');
  return document;
}
