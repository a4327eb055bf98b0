const words = (text: string): string[] => text.trim().split(/\s+/);

const givenNames = words(`
  Amara Benedikt Chiara Dmitri Eilidh Farid Gabriela Hiroshi Ingrid João Katarzyna Lwazi Mei Nadia Óscar Priya Quentin
  Rosa Søren Tatiana Umberto Vera Wanjiru Ximena Yusuf Zoë Anselm Brigid Cem Dalia Emeka`);

const familyNames = words(`
  Abebe Bauer Conti Dvořák Eriksen Fontaine García Haddad Ivanova Jensen Kowalski Lindqvist Mbeki Nakamura O'Brien Petrov
  Quispe Rossi Schmidt Tanaka Unger Varga Williams Xu Yılmaz Zimmermann Achterberg Bianchi Cardoso`);

const places = words(
  'Lausanne Nairobi Uppsala Osaka Porto Bologna Kraków Toronto Santiago Leuven Bergen Pune',
);

const departments = [
  'University Hospital',
  'Institute of Public Health',
  'Technical University',
  'Centre for Digital Medicine',
  'School of Nursing',
];

const titles = ['Professor', 'Senior Registrar', 'Research Fellow', 'Head of Department', 'Nurse Consultant'];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

/**
 * The nth person of a crowd of 899 different names: always the same one. The lists of names are of lengths without a common
 * divisor, so stepping through both at once meets every pair.
 */
export function personNumber(n: number) {
  const givenName = pick(givenNames, n);
  const familyName = pick(familyNames, n);
  const place = pick(places, Math.floor(n / 3));
  const mailbox = `${givenName}.${familyName}.${n}`.normalize('NFD').replace(/[^\w.]/g, '');
  return {
    givenName,
    familyName,
    fullName: `${givenName} ${familyName}`,
    professionalTitle: pick(titles, n),
    affiliations: `${pick(departments, Math.floor(n / 2))}, ${place}`,
    email: `${mailbox.toLowerCase()}@example.org`,
    place,
  };
}
