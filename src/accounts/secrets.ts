import type { Json } from '../kernel/attributes';

const secretName = /key|secret|password|token|passcode/i;

/** A copy of free-form settings without what their names call secret, at any depth. */
export function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !secretName.test(name))
      .map(([name, inner]) => [name, withoutSecrets(inner)]),
  );
}
