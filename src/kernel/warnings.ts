import type { Attribute } from './attributes';
import type { Entity } from './entity';

/** A value that is not what was declared, and what it is answered as. */
export interface Flaw {
  entity: Entity;
  attribute: Attribute;
  /** Public id of the object. */
  id: string;
  what: string;
}

const maxWarnings = 20;

/** What a caller should know of an answer that is sound all the same: the first few things, and how many there are beside. */
export class Warnings {
  private readonly told = new Map<string, Flaw | undefined>();
  private untold = 0;

  add(warning: string | Flaw): void {
    const name = typeof warning === 'string' ? warning : inGraph(warning);
    if (this.told.has(name)) return;
    if (this.told.size === maxWarnings) this.untold += 1;
    else this.told.set(name, typeof warning === 'string' ? undefined : warning);
  }

  /** In the names of the graph: `EventSession X: cfgJson …`. */
  inGraph(): string[] {
    return this.list(inGraph);
  }

  /** In the names of REST: `event_session X: cfg_json …`. */
  inColumns(): string[] {
    return this.list(inColumns);
  }

  private list(spell: (flaw: Flaw) => string): string[] {
    const texts = [...this.told].map(([text, flaw]) => (flaw ? spell(flaw) : text));
    return this.untold > 0 ? [...texts, `There are ${String(this.untold)} more warnings.`] : texts;
  }
}

const inGraph = ({ entity, attribute, id, what }: Flaw): string =>
  `${entity.name} ${id}: ${attribute.name} ${what}`;

const inColumns = ({ entity, attribute, id, what }: Flaw): string =>
  `${entity.table} ${id}: ${attribute.kind === 'id' ? 'id' : attribute.column} ${what}`;
