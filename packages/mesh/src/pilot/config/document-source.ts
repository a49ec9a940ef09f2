import { type PathPart, pathParts } from '@lateen/api/field-path.ts';
import { lineInText, lineOfPath, readPart, readYaml, type YamlDocument } from './yaml-document.ts';

/** Where things stand in a document. */
export interface DocumentSource {
  /** The document's own text, and the number of lines in the file before it. */
  readonly text: string;
  readonly linesBefore: number;
  readonly lineOfPath: (path: readonly PathPart[]) => number;
  /** Line in the file of a line, counted from 1, of the text at the path. */
  readonly lineInText: (path: readonly PathPart[], line: number) => number;
}

export function sourceOf(document: YamlDocument): DocumentSource {
  const { text, linesBefore } = document;
  return {
    text,
    linesBefore,
    lineOfPath: (path) => lineOfPath(document, path),
    lineInText: (path, line) => lineInText(document, path, line),
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
    text,
    linesBefore: 0,
    lineOfPath: (path) => (path.length === 0 ? line : read().lineOfPath(path)),
    lineInText: (path, lineOfText) => read().lineInText(path, lineOfText),
  };
}

function onlyDocument(text: string): YamlDocument {
  const [document] = readPart(text, 0);
  if (document === undefined) throw new Error('there is no document in what was read as one');
  return document;
}

/** Where an object was written. */
export type Origin = {
  readonly file: string;
  /** First line of the object, 1-based. */
  readonly line: number;
  /** Line of a field such as `spec.http[0].route[1].destination.subset`, or of the nearest field around it. */
  readonly lineOf: (path: string) => number;
};

/** Keeps the text, not the syntax tree: lines are asked for rarely, and trees are large. */
export class TextOrigin implements Origin {
  readonly file: string;
  readonly line: number;
  readonly #text: string;
  readonly #linesBefore: number;
  readonly #base: readonly PathPart[];

  constructor(file: string, line: number, text: string, linesBefore: number, base: readonly PathPart[]) {
    this.file = file;
    this.line = line;
    this.#text = text;
    this.#linesBefore = linesBefore;
    this.#base = base;
  }

  lineOf(path: string): number {
    const document = readYaml(this.#text)[0];
    if (document === undefined) return this.line;
    return this.#linesBefore + lineOfPath(document, [...this.#base, ...pathParts(path)]);
  }

  /** Of the same text, with more lines in front of it. */
  movedBy(lines: number): TextOrigin {
    if (lines === 0) return this;
    return new TextOrigin(this.file, this.line + lines, this.#text, this.#linesBefore + lines, this.#base);
  }
}
