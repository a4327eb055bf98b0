import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  Kind,
  visit,
  type FieldNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { snakeCase } from '../kernel/attributes';
import { AetherError } from '../kernel/errors';

/** What one document may ask for; far above what a screen needs, far below what would hurt. */
export const limits = {
  depth: 15,
  aliases: 100,
  rootFields: 100,
  directives: 50,
  tokens: 4000,
  fragments: 100,
} as const;

const limitExceeded = (message: string): AetherError => new AetherError('LIMIT_EXCEEDED', message);

/**
 * Asked before GraphQL itself looks: it compares each fragment with each other, one within the next, and of too many that lead to each
 * other it would not come back.
 * @throws LIMIT_EXCEEDED
 */
export function checkFragments(query: unknown): void {
  if (typeof query !== 'string' || query.length < limits.fragments * 'fragment a on B{c}'.length) return;
  const { length } = query.match(/\bfragment\b/g) ?? [];
  if (length > limits.fragments)
    throw limitExceeded(`A document has at most ${String(limits.fragments)} fragments.`);
}

const rejecting = (what: string, n: number) => ({
  n,
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null) => {
      context?.reportError(limitExceeded(`A document has at most ${String(n)} ${what}.`));
    },
  ],
});

const aliases = maxAliasesRule(rejecting('aliases', limits.aliases)) as unknown as (
  context: ValidationContext,
) => { OperationDefinition: { enter: (operation: OperationDefinitionNode) => void } };

/**
 * Counts aliases, but those that are the field's own name as REST spells it: a document of REST is full of them, and none reads
 * anything twice.
 */
const aliasRule: ValidationRule = (context) => {
  const { enter } = aliases(context).OperationDefinition;
  return {
    OperationDefinition(operation) {
      enter(visit(operation, { Field: withoutSpelling }));
    },
  };
};

const withoutSpelling = ({ alias, ...field }: FieldNode): FieldNode | undefined =>
  alias?.value.replace(/_random$/, '') === snakeCase(field.name.value) ? field : undefined;

/**
 * Counts what an operation asks for at its root, in fragments too: each is work of its own. A fragment is counted once, however often
 * it stands in others: twice each in a chain of them would never end.
 */
const rootFieldRule: ValidationRule = (context) => {
  const known = new Map<string, number>();
  const inFragment = (name: string): number => {
    let count = known.get(name);
    if (count === undefined) {
      // One within itself is refused by another rule.
      known.set(name, 0);
      const fragment = context.getFragment(name);
      known.set(name, (count = fragment ? countOf(fragment.selectionSet) : 0));
    }
    return count;
  };
  const countOf = ({ selections }: SelectionSetNode): number => {
    let count = 0;
    for (const selection of selections)
      if (selection.kind === Kind.FIELD) count += 1;
      else if (selection.kind === Kind.INLINE_FRAGMENT) count += countOf(selection.selectionSet);
      else count += inFragment(selection.name.value);
    return count;
  };
  return {
    OperationDefinition({ selectionSet }) {
      if (countOf(selectionSet) > limits.rootFields)
        context.reportError(
          limitExceeded(`An operation has at most ${String(limits.rootFields)} root fields.`),
        );
    },
  };
};

/** Validation rules that refuse documents which ask for too much. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ ...rejecting('levels', limits.depth), flattenFragments: true }),
  aliasRule,
  rootFieldRule,
  maxDirectivesRule(rejecting('directives', limits.directives)),
] as ValidationRule[];
