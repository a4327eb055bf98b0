import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';

/** A part of the schema that programs are asked to leave. */
export interface DeprecatedPart {
  /** Its coordinate: `Event.name`, `Query.events(first:)`, `EventFilter.name`, `Level.TRUSTED`. */
  name: string;
  /** What to use instead, in the words of the schema. */
  reason: string;
}

/** All that is deprecated in a schema. */
export function deprecatedParts(schema: GraphQLSchema): DeprecatedPart[] {
  const parts: DeprecatedPart[] = [];
  const look = (name: string, { deprecationReason: reason }: { deprecationReason?: string | null }): void => {
    if (reason != null) parts.push({ name, reason });
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isObjectType(type) || isInterfaceType(type))
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field);
        for (const argument of field.args) look(`${type.name}.${field.name}(${argument.name}:)`, argument);
      }
    else if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field);
    else if (isEnumType(type))
      for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
  }
  return parts;
}

/** Tells which deprecated parts of the schema a valid document names; values in variables are not looked at. */
export function deprecationsIn(schema: GraphQLSchema): (document: DocumentNode) => readonly string[] {
  const deprecated = new Set(deprecatedParts(schema).map(({ name }) => name));
  const known = new WeakMap<DocumentNode, readonly string[]>();
  if (deprecated.size === 0) return () => [];

  function find(document: DocumentNode): string[] {
    const found = new Set<string>();
    const info = new TypeInfo(schema);
    const meet = (name: string): void => {
      if (deprecated.has(name)) found.add(name);
    };
    const fieldName = (): string => `${info.getParentType()?.name ?? ''}.${info.getFieldDef()?.name ?? ''}`;
    visit(
      document,
      visitWithTypeInfo(info, {
        Field: () => meet(fieldName()),
        Argument: ({ name }) => meet(`${fieldName()}(${name.value}:)`),
        ObjectField: ({ name }) =>
          meet(`${getNamedType(info.getParentInputType())?.name ?? ''}.${name.value}`),
        EnumValue: ({ value }) => meet(`${getNamedType(info.getInputType())?.name ?? ''}.${value}`),
      }),
    );
    return [...found];
  }

  return (document) => {
    const before = known.get(document);
    if (before) return before;
    const found = find(document);
    known.set(document, found);
    return found;
  };
}
