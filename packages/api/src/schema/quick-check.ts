import type * as z from 'zod/mini';

/** Whether the value is certainly valid. */
export type QuickCheck = (value: unknown) => boolean;

const checks = new WeakMap<object, QuickCheck>();

/**
 * The same question that zod answers, from the same schema, but without finding out what is wrong: most objects are valid,
 * and zod tries every field that they could have. A `false` means that zod has to be asked.
 */
export function quickCheckOf(schema: z.core.$ZodType): QuickCheck {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const built = withRules(schema, ofType((schema as z.core.$ZodTypes)._zod.def));
  checks.set(schema, built);
  return built;
}

function withRules(schema: z.core.$ZodType, ofTypeAlone: QuickCheck): QuickCheck {
  const rules = schema._zod.def.checks ?? [];
  if (rules.length === 0) return ofTypeAlone;
  // Rules with conditions, or that answer later, are for zod.
  if (rules.some(({ _zod: { def } }) => def.check !== 'custom' || def.when !== undefined)) return () => false;
  return (value) => {
    if (!ofTypeAlone(value)) return false;
    const payload: z.core.ParsePayload<never> = { value: value as never, issues: [] };
    for (const rule of rules) {
      const pending = rule._zod.check(payload);
      if (pending !== undefined || payload.issues.length > 0) return false;
    }
    return true;
  };
}

function ofType(def: z.core.$ZodTypes['_zod']['def']): QuickCheck {
  switch (def.type) {
    case 'object':
      return ofObject(def);
    case 'optional':
      // The value is there, or nobody would ask.
      return quickCheckOf(def.innerType);
    case 'array': {
      const element = quickCheckOf(def.element);
      return (value) => Array.isArray(value) && value.every(element);
    }
    case 'record':
      return ofRecord(quickCheckOf(def.keyType), quickCheckOf(def.valueType));
    case 'enum': {
      const values = new Set<unknown>(Object.values(def.entries));
      return (value) => values.has(value);
    }
    case 'literal': {
      const values = new Set<unknown>(def.values);
      return (value) => values.has(value);
    }
    case 'union': {
      const options = def.options.map(quickCheckOf);
      return (value) => options.some((option) => option(value));
    }
    case 'unknown':
      return () => true;
    case 'number':
      return Number.isFinite;
    case 'string':
      return (value) => typeof value === 'string';
    case 'boolean':
      return (value) => typeof value === 'boolean';
    default:
      return () => false;
  }
}

function ofObject(def: z.core.$ZodObjectDef): QuickCheck {
  const fields = new Map<string, QuickCheck>();
  const required = new Set<string>();
  for (const [name, field] of Object.entries(def.shape)) {
    fields.set(name, quickCheckOf(field));
    if (field._zod.optin === undefined) required.add(name);
  }
  return (value) => {
    if (!isPlain(value)) return false;
    let found = 0;
    for (const name of Object.keys(value)) {
      if (fields.get(name)?.(value[name]) !== true) return false;
      if (required.has(name)) found++;
    }
    return found === required.size;
  };
}

function ofRecord(key: QuickCheck, element: QuickCheck): QuickCheck {
  return (value) => {
    if (!isPlain(value)) return false;
    for (const name of Object.keys(value)) if (!key(name) || !element(value[name])) return false;
    return true;
  };
}

/** Made of a literal, as everything is that was read from YAML or JSON. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
