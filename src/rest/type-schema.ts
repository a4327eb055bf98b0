import type { GraphQLSchema } from 'graphql';
import { tablesOf } from '../kernel/registry';
import { inputOf, recordOf } from './openapi-schemas';
import type { RestRequest } from './request';
import { requiredOf } from './values';
import { shapeOf } from './views';

const variants = ['out', 'in', 'base'] as const;

/**
 * The columns of a type's table, and the fields of its records as JSON Schema: as they are answered (`variant=out`), as they may be
 * written (`in`), or as they are stored (`base`).
 * @throws VALIDATION for another variant
 */
export function schemaOf(schema: GraphQLSchema, request: RestRequest): unknown {
  const { entity, relation } = request;
  const shape = shapeOf(request);
  const variant = request.choice('variant', variants, 'out').toLowerCase();
  const model =
    variant === 'in'
      ? { ...inputOf(entity), required: requiredOf(entity, relation?.attribute).map(({ column }) => column) }
      : recordOf(schema, entity, variant === 'base' ? { view: 'alt', parts: [] } : shape);
  const [table] = tablesOf([entity]);
  const secret = (column: string): boolean => entity.byColumn.get(column)?.read === 'never';
  return {
    object_type: entity.table,
    view: shape.view,
    variant,
    columns: Object.fromEntries(Object.entries(table?.columns ?? {}).filter(([column]) => !secret(column))),
    // References to other schemas lead into the document that has them all.
    fields: JSON.parse(JSON.stringify(model).replaceAll('"#/', '"/openapi.json#/')) as unknown,
  };
}
