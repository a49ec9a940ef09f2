import type * as z from 'zod/mini';
import { type Facts, factsOf } from './field.ts';

/**
 * A schema as a plain tree: what the walkers need (paths, levels of support, OpenAPI, the reference), without zod's
 * insides. Built once for each schema, on first use.
 */
export type Node = { readonly facts: Facts; readonly optional: boolean } & Shape;

type Shape =
  | { readonly type: 'object'; readonly fields: ReadonlyMap<string, Node> }
  | { readonly type: 'list'; readonly element: Node }
  | { readonly type: 'map'; readonly value: Node }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'string' | 'number' | 'boolean' | 'portOrName' | 'anything' };

const nodes = new WeakMap<object, Node>();

export function nodeOf(schema: z.core.$ZodType): Node {
  const known = nodes.get(schema);
  if (known !== undefined) return known;
  const built = build(schema);
  nodes.set(schema, built);
  return built;
}

function build(schema: z.core.$ZodType): Node {
  const facts = factsOf(schema);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'optional') {
    const inner = nodeOf(def.innerType);
    return { ...inner, optional: true, facts: { ...inner.facts, ...facts } };
  }
  return { ...shapeOf(def), optional: false, facts };
}

function shapeOf(def: z.core.$ZodTypes['_zod']['def']): Shape {
  switch (def.type) {
    case 'object':
      return {
        type: 'object',
        fields: new Map(Object.entries(def.shape).map(([name, field]) => [name, nodeOf(field)])),
      };
    case 'array':
      return { type: 'list', element: nodeOf(def.element) };
    case 'record':
      return { type: 'map', value: nodeOf(def.valueType) };
    case 'enum':
      return { type: 'enum', values: Object.values(def.entries).map(String) };
    case 'literal':
      return { type: 'enum', values: def.values.map(String) };
    case 'union':
      return { type: 'portOrName' };
    case 'unknown':
      return { type: 'anything' };
    case 'string':
    case 'number':
    case 'boolean':
      return { type: def.type };
    default:
      throw new Error(`schemas of type ${def.type} are not used in configuration kinds`);
  }
}

/** The node at a path of a value, where list indexes and map keys are path elements too. */
export function nodeAt(node: Node, path: readonly (string | number)[]): Node | undefined {
  let current: Node | undefined = node;
  for (const part of path) {
    if (current?.type === 'object') current = current.fields.get(String(part));
    else if (current?.type === 'list') current = current.element;
    else if (current?.type === 'map') current = current.value;
    else return undefined;
  }
  return current;
}

export type SchemaField = { readonly path: string; readonly node: Node };

/** Every field below a node, in order; lists are written `name[]` and maps `name{}`. */
export function* fieldsBelow(node: Node, path = ''): Generator<SchemaField> {
  switch (node.type) {
    case 'object':
      for (const [name, field] of node.fields) {
        const below = path === '' ? name : `${path}.${name}`;
        yield { path: below, node: field };
        yield* fieldsBelow(field, below);
      }
      break;
    case 'list':
      yield* fieldsBelow(node.element, `${path}[]`);
      break;
    case 'map':
      yield* fieldsBelow(node.value, `${path}{}`);
      break;
    default:
  }
}
