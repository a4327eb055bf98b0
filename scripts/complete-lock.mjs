import { readFileSync, writeFileSync } from 'node:fs';

// npm leaves a platform's optional package out of the lock when the registry does not offer it, and `npm ci` then
// refuses the lock on every platform. This adds those entries, so that only their own platform misses them.
// To be run after each change of the dependencies.

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;
const installed = new Set(
  Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 13)),
);

const platform =
  /[-/](?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(?<cpu>arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)(?:-(?<abi>\w+))?$/;
const libc = { gnu: 'glibc', glibc: 'glibc', musl: 'musl' };

const added = [];
for (const { dev, license, optionalDependencies = {} } of Object.values(packages))
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const target = platform.exec(name)?.groups;
    if (!target || installed.has(name)) continue;
    packages[`node_modules/${name}`] = {
      version,
      cpu: [target.cpu],
      ...(dev && { dev }),
      ...(target.abi in libc && { libc: [libc[target.abi]] }),
      license,
      optional: true,
      os: [target.os],
    };
    installed.add(name);
    added.push(name);
  }

const byPath = new Intl.Collator('en').compare;
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => byPath(a, b)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} packages of other platforms added to the lock`);
