import { apiVersionOf, type Kind } from './kinds.ts';
import type { Facts } from './schema/field.ts';
import { type Node, nodeOf } from './schema/node.ts';
import { writtenKind } from './written-kind.ts';

/** OpenAPI v3 as Kubernetes wants it of CRDs: a "structural" schema, in which rules never carry types. */
export type OpenApiSchema = {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly [more: string]: unknown;
};

/** Schema of the whole object, without what every object has (apiVersion, kind, metadata). */
export function openApiSchemaOf(kind: Kind): OpenApiSchema {
  const { properties = {}, required = [], ...rest } = schemaOf(nodeOf(kind.schema));
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...own } = properties;
  const ownRequired = required.filter((name) => Object.hasOwn(own, name));
  return {
    ...rest,
    description: kind.summary,
    properties: own,
    ...(ownRequired.length > 0 && { required: ownRequired }),
  };
}

function schemaOf(node: Node): OpenApiSchema {
  const { openapi = {} } = node.facts;
  const description = descriptionOf(node.facts);
  return { ...(description !== '' && { description }), ...typeOf(node), ...openapi, ...oneOfRules(node.facts) };
}

function descriptionOf({ description = '', support }: Facts): string {
  if (support === undefined) return description;
  return support.level === 'later' ? `Not supported by Lateen yet (${support.reason}).` : description;
}

function typeOf(node: Node): OpenApiSchema {
  switch (node.type) {
    case 'object': {
      const fields = [...node.fields];
      const required = fields.filter(([, field]) => !field.optional).map(([name]) => name);
      return {
        type: 'object',
        properties: Object.fromEntries(fields.map(([name, field]) => [name, schemaOf(field)])),
        ...(required.length > 0 && { required }),
      };
    }
    case 'list':
      return { type: 'array', items: schemaOf(node.element) };
    case 'map': {
      const keepsAll = node.facts.openapi?.['x-kubernetes-preserve-unknown-fields'] === true;
      return keepsAll ? { type: 'object' } : { type: 'object', additionalProperties: schemaOf(node.value) };
    }
    case 'enum':
      return { type: 'string', enum: node.values };
    case 'portOrName':
    case 'anything':
      return {};
    default:
      return { type: node.type };
  }
}

/** "At most one" and "exactly one" in the form that structural schemas allow: `required` only, no types. */
function oneOfRules({ oneOf: groups = [] }: Facts): Record<string, unknown> {
  const rules = groups.map(({ fields, needed }) => {
    const each = fields.map((name) => ({ required: [name] }));
    return { oneOf: needed ? each : [{ not: { anyOf: each } }, ...each] };
  });
  return rules.length > 1 ? { allOf: rules } : (rules[0] ?? {});
}

/** The CustomResourceDefinition of a kind, to be printed as YAML. Objects are stored in the first version. */
export function crdOf(kind: Kind): Record<string, unknown> {
  const schema = openApiSchemaOf(kind);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: writtenKind(kind.kind),
        listKind: `${writtenKind(kind.kind)}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
      },
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      versions: kind.versions.map((name) => ({
        name,
        served: true,
        storage: apiVersionOf(kind).endsWith(`/${name}`),
        subresources: { status: {} },
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}
