import { rule, shield, deny } from 'graphql-shield';
import {
  defaultFieldResolver,
  isObjectType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import type { Context } from './context';
import { AetherError, forbidden } from './errors';
import { atLeast, isLevel, levels, type Level } from './levels';

/**
 * Guards the door: each root field lets in callers from the level that it declares (`@Extensions({ level })`), and one that
 * declares none lets in nobody. Elsewhere only the few fields that declare a level are guarded: a rule on every field would cost
 * more than the query. Rows are looked after by the tenancy rules.
 */
export function guard(schema: GraphQLSchema): void {
  const rules: Record<string, Record<string, (typeof byLevel)[Level] | typeof deny>> = {};
  const guarded: { type: string; field: Guarded }[] = [];
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    const root = roots.includes(type);
    for (const field of Object.values(type.getFields()) as Guarded[]) {
      const level = levelOf(field);
      if (level === undefined && !root) continue;
      (rules[type.name] ??= {})[field.name] = level === undefined ? deny : byLevel[level];
      guarded.push({ type: type.name, field });
    }
  }
  const generator = shield(rules, {
    allowExternalErrors: true,
    fallbackRule: deny,
    fallbackError: forbidden('Not allowed.'),
  }) as unknown as { generate: (schema: GraphQLSchema) => Record<string, Record<string, Check>> };
  const checks = generator.generate(schema);
  // Put in place: graphql-middleware would make the whole schema anew.
  for (const { type, field } of guarded) {
    const { resolve = defaultFieldResolver } = field;
    const check = checks[type]?.[field.name] as Check;
    field.resolve = (parent, args, ctx, info) => check(resolve, parent, args, ctx, info);
  }
}

type Guarded = GraphQLField<unknown, Context>;

type Resolve = GraphQLFieldResolver<unknown, Context>;

type Check = (resolve: Resolve, ...of: Parameters<Resolve>) => unknown;

function levelOf({ extensions }: Guarded): Level | undefined {
  return isLevel(extensions.level) ? extensions.level : undefined;
}

/** Rules read the caller alone, but are not cached: shield keeps answers by name, and a name must never answer for another. */
const byLevel = Object.fromEntries(
  levels.map((level) => [
    level,
    rule(`level-${level}`, { cache: 'no_cache' })((_root, _args, ctx: Context) => {
      try {
        return (
          atLeast(ctx.viewer.level, level) ||
          forbidden(`This needs level ${level}; you are ${ctx.viewer.level}.`)
        );
      } catch (error) {
        return new AetherError('INTERNAL', 'A permission could not be checked.', {}, error);
      }
    }),
  ]),
) as Record<Level, ReturnType<ReturnType<typeof rule>>>;
