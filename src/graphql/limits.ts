import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives';
import type { ValidationContext, ValidationRule } from 'graphql';
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

/** Validation rules that refuse documents which ask for too much. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ ...rejecting('levels', limits.depth), flattenFragments: true }),
  maxAliasesRule(rejecting('aliases', limits.aliases)),
  maxDirectivesRule(rejecting('directives', limits.directives)),
] as ValidationRule[];
