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
export const limits = { depth: 15, aliases: 100, rootFields: 100, directives: 50, tokens: 4000 } as const;

const limitExceeded = (message: string): AetherError => new AetherError('LIMIT_EXCEEDED', message);

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

/** Counts what an operation asks for at its root, in fragments too: each is work of its own. */
const rootFieldRule: ValidationRule = (context) => ({
  OperationDefinition({ selectionSet }) {
    let count = 0;
    const add = ({ selections }: SelectionSetNode, within: readonly string[]): void => {
      for (const selection of selections) {
        if (count > limits.rootFields) return;
        if (selection.kind === Kind.FIELD) count += 1;
        else if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet, within);
        else {
          const { value } = selection.name;
          const fragment = within.includes(value) ? undefined : context.getFragment(value);
          if (fragment) add(fragment.selectionSet, [...within, value]);
        }
      }
    };
    add(selectionSet, []);
    if (count > limits.rootFields)
      context.reportError(
        limitExceeded(`An operation has at most ${String(limits.rootFields)} root fields.`),
      );
  },
});

/** Validation rules that refuse documents which ask for too much. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ ...rejecting('levels', limits.depth), flattenFragments: true }),
  aliasRule,
  rootFieldRule,
  maxDirectivesRule(rejecting('directives', limits.directives)),
] as ValidationRule[];
