import type { Attribute } from '../kernel/attributes';
import { allEntities, type Access, type Entity } from '../kernel/entity';
import { atLeast, levels, type Level } from '../kernel/levels';

/*
 * Who may do what, as the declarations say it: for the page and for the file that is reviewed with each change of a rule.
 */

interface Column {
  name: string;
  cells: string[];
}

/** What each level may do beyond those before it, a row a type. */
const rights = (): Column[] =>
  allEntities().map(({ table, access }) => {
    const granted = grantsOf(access);
    return {
      name: table,
      cells: levels.map((level) =>
        granted
          .filter(([from]) => from === level)
          .map(([, what]) => what)
          .join('; '),
      ),
    };
  });

function grantsOf(access: Access): [Level | 'never', string][] {
  const { read, list, search, hidden, own, holder, create, update, remove, ownEdits, doc } = access;
  const { readAll = read, writeAll = readAll } = access;
  const isOwn = own !== undefined;
  const seesOwn = isOwn && readAll !== read;
  const writesOwn = (level: Level | 'never'): boolean =>
    isOwn && level !== 'never' && !atLeast(level, writeAll);
  const found = search && `${String(search.rows)} by ${String(search.letters)} letters`;
  return [
    [read, seesOwn ? 'read own' : list ? 'read one' : 'read'],
    ...(found ? [[read, `find ${found}`] as [Level, string]] : []),
    ...(list ? [[list, 'list'] as [Level, string]] : []),
    ...(search ? [[search.below, 'find all'] as [Level, string]] : []),
    ...(seesOwn ? [[readAll, 'read all'] as [Level, string]] : []),
    ...(hidden ? [[hidden.below, `read ${hidden.what}`] as [Level, string]] : []),
    [create, writesOwn(create) ? `create ${doc ?? 'own'}` : 'create'],
    ...(writesOwn(create) ? [[writeAll, 'create all'] as [Level, string]] : []),
    [update, writesOwn(update) ? (ownEdits ? 'some fields of own' : `update ${doc ?? 'own'}`) : 'update'],
    ...(writesOwn(update) ? [[writeAll, 'update all'] as [Level, string]] : []),
    [remove, 'delete'],
    ...(holder === undefined ? [] : [['anonymous', 'read, create, update as holder'] as [Level, string]]),
  ];
}

/** Fields that not every reader of the type reads, or not every writer sets. */
const fields = (): Column[] =>
  allEntities().flatMap((entity) =>
    [...entity.attributes.values()]
      .filter(({ read, write, name }) => read ?? (write && !kept.has(name)))
      .map((attribute) => ({ name: entity.table, cells: fieldCells(entity, attribute) })),
  );

/** Of every type, and by nobody set. */
const kept = new Set(['accountId', 'createdOn', 'updatedOn', 'defaultQryStr']);

function fieldCells({ access }: Entity, attribute: Attribute): string[] {
  const { column, read, mask } = attribute;
  return [
    column,
    read === 'never' ? 'nobody' : (read ?? access.read),
    read ? (mask ? 'a mask' : 'null') : '',
    setFrom(access, attribute),
  ];
}

function setFrom({ update, ownEdits, readAll, writeAll = readAll }: Access, attribute: Attribute): string {
  const { name, write, sql } = attribute;
  if (sql) return 'nobody';
  if (write === 'server') return 'the server';
  if (!ownEdits) return write ?? update;
  const level = write ?? writeAll ?? update;
  return [...ownEdits.defaults, ...(ownEdits.grantable ?? [])].includes(name) ? `${level}, its owner` : level;
}

const tables = [
  { title: 'What each level may do', head: ['type', ...levels], rows: rights },
  {
    title: 'Fields with rules of their own',
    head: ['type', 'field', 'read from', 'below it', 'set from'],
    rows: fields,
  },
];

const about =
  'Always within the account of the call. Each level may also do what those before it may: its column tells what is added. Updating includes hiding and disabling; deleting is for good. Own is what belongs to the person or user of the token; a trusted key without a person acts for all of them.';

/** `schema/access.md`. */
export const accessText = (): string =>
  [
    '# Who may do what',
    about,
    ...tables.map(({ title, head, rows }) =>
      [
        `## ${title}\n`,
        line(head),
        line(head.map(() => '---')),
        ...rows().map(({ name, cells }) => line([name, ...cells])),
      ].join('\n'),
    ),
  ].join('\n\n') + '\n';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The same for people, as the body of a page. */
export const accessBody = (): string => `<main class="access">
<h1>Who may do what</h1>
<p>${about}</p>
${tables
  .map(
    ({ title, head, rows }) => `<h2>${title}</h2>
<div><table>
<thead>${row('th', head)}</thead>
<tbody>
${rows()
  .map(({ name, cells }) => row('td', [`<code>${name}</code>`, ...cells]))
  .join('\n')}
</tbody>
</table></div>`,
  )
  .join('\n')}
</main>`;

const row = (tag: 'th' | 'td', cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
