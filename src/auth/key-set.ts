import { importJWK, type CryptoKey, type JWK } from 'jose';

/** A key of a set: all of them verify, those with a private part can sign. */
export interface TokenKey {
  kid: string;
  alg: 'EdDSA' | 'RS256';
  /** What others need to verify, and nothing else. */
  published: JWK;
  verifying: CryptoKey;
  signing?: CryptoKey;
}

/** Members of a key that are public: whatever else stands in a file is not told. */
const publicMembers = ['kty', 'crv', 'x', 'n', 'e', 'kid'] as const;

/** @throws when one of the keys is not what it says. */
export const importKeys = (keys: readonly JWK[]): Promise<TokenKey[]> =>
  Promise.all(
    keys.map(async (key): Promise<TokenKey> => {
      const alg = key.kty === 'RSA' ? 'RS256' : 'EdDSA';
      const published: JWK = {
        ...Object.fromEntries(
          publicMembers.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]])),
        ),
        alg,
        use: 'sig',
      };
      return {
        kid: key.kid ?? '',
        alg,
        published,
        verifying: (await importJWK(published, alg)) as CryptoKey,
        ...(key.d !== undefined && { signing: (await importJWK({ ...key, alg }, alg)) as CryptoKey }),
      };
    }),
  );
