import { allEntities, type Entity } from '../kernel/entity';
import { AetherError } from '../kernel/errors';

let tables: Map<string, string> | undefined;

/** An error of the graph in the words of REST: columns and types in snake_case. */
export function reworded({ code, message, details }: AetherError, entity: Entity): AetherError {
  tables ??= new Map(
    allEntities().flatMap(({ name, plural, table }) => [
      [name, table],
      [plural, table],
    ]),
  );
  const column = (name: string): string => entity.attributes.get(name)?.column ?? name;
  // Only words with a capital: the others are the same in both, or plain English.
  const inWords = (text: string): string =>
    text.replace(/\b\w*[A-Z]\w*\b/g, (word) => tables?.get(word) ?? column(word));
  const fields =
    details.fields &&
    Object.fromEntries(Object.entries(details.fields).map(([name, text]) => [column(name), inWords(text)]));
  return new AetherError(code, inWords(message), { ...details, ...(fields && { fields }) });
}
