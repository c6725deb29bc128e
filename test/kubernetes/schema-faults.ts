/**
 * Holds a manifest against the schemas of the Kubernetes API, as `kubectl apply --validate=strict` would: what is missing,
 * of another type, or not known at all.
 */
import { createRequire } from 'node:module';
import { z } from 'zod';

const require = createRequire(import.meta.url);

const head = z.object({
  apiVersion: z.string().regex(/^([a-z0-9.]+\/)?v[a-z0-9]+$/),
  kind: z.string().regex(/^[A-Za-z]+$/),
});

const validationError = z.object({
  errors: z.array(z.object({ instancePath: z.string(), message: z.string().optional(), keyword: z.string() })),
});

/** A line each, with the place; none if the manifest is what the API takes. */
export function schemaFaults(manifest: unknown): string[] {
  const parsed = head.safeParse(manifest);
  if (!parsed.success) return ['/: has no apiVersion and kind'];
  const { apiVersion, kind } = parsed.data;
  const models = require(`kubernetes-models/${apiVersion}`) as Record<string, Model | undefined>;
  const model = models[kind];
  if (model === undefined) return [`/: there is no ${kind} in ${apiVersion}`];
  const looked = new Set<string>();
  try {
    // The package's schemas are compiled: they look at every field that they know, and at no other.
    model.prototype.validate.call(watched(manifest, '', looked));
  } catch (error) {
    const { errors } = validationError.parse(error);
    return errors.map(({ instancePath, message, keyword }) => `${instancePath || '/'}: ${message ?? keyword}`);
  }
  return unknownFields(manifest, '', looked);
}

interface Model {
  prototype: { validate: (this: unknown) => void };
}

/** The same value, which notes the place of each field that somebody looks at. */
function watched(value: unknown, place: string, looked: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get: (target, name) => {
      const field: unknown = Reflect.get(target, name);
      if (typeof name !== 'string' || !Object.hasOwn(target, name)) return field;
      looked.add(`${place}/${name}`);
      return watched(field, `${place}/${name}`, looked);
    },
  });
}

function unknownFields(value: unknown, place: string, looked: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const at = `${place}/${name}`;
    return looked.has(at) ? unknownFields(field, at, looked) : [`${at}: no such field`];
  });
}
