/**
 * Certificates for servers and clients of one test, signed by an authority that it makes up.
 */
import { generate } from 'selfsigned';

export interface Signed {
  cert: string;
  key: string;
}

export interface Authority {
  /** What whoever trusts it is given. */
  ca: string;
  /** A certificate for this name and for 127.0.0.1. */
  sign: (name: string) => Promise<Signed>;
}

const STRONG = { keyType: 'ec', algorithm: 'sha256' } as const;

export async function makeAuthority(name: string): Promise<Authority> {
  const own = await generate([{ name: 'commonName', value: name }], {
    ...STRONG,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return {
    ca: own.cert,
    sign: async (subject) => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: subject }], {
        ...STRONG,
        ca: { key: own.private, cert: own.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: 'localhost' },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      });
      return { cert, key };
    },
  };
}
