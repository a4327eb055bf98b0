import type { GraphQLSchema } from 'graphql';

/** The REST surface as an OpenAPI 3.1 document. */
export function openApiOf(_schema: GraphQLSchema): object {
  return { openapi: '3.1.0' };
}
