import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import {
  visit,
  type FieldNode,
  type OperationDefinitionNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import { snakeCase } from '../kernel/attributes';
import { AetherError } from '../kernel/errors';

/** What one document may ask for; far above what a screen needs, far below what would hurt. */
export const limits = { depth: 15, aliases: 100, directives: 50, tokens: 4000 } as const;

const rejecting = (what: string, n: number) => ({
  n,
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null) => {
      context?.reportError(new AetherError('LIMIT_EXCEEDED', `A document has at most ${String(n)} ${what}.`));
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

/** Validation rules that refuse documents which ask for too much. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ ...rejecting('levels', limits.depth), flattenFragments: true }),
  aliasRule,
  maxDirectivesRule(rejecting('directives', limits.directives)),
] as ValidationRule[];
