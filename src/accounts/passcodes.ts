import { levels, type Level } from '../kernel/levels';

/** The passcodes among the settings of a site, by level, highest first. */
export function passcodesOf(settings: unknown): Map<Level, string> {
  const byLevel = (settings !== null && typeof settings === 'object' ? settings : {}) as Partial<
    Record<Level, unknown>
  >;
  return new Map(
    [...levels].reverse().flatMap((level) => {
      const code = byLevel[level];
      return level !== 'anonymous' && (typeof code === 'string' || typeof code === 'number') && code !== ''
        ? [[level, String(code)]]
        : [];
    }),
  );
}
