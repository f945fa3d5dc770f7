import { createHash } from 'node:crypto';

/** Whether a password is that of an entry of htpasswd: `{SHA}…`, `$apr1$…` or `$1$…`; undefined for bcrypt, which is not read here. */
export function isPassword(password: string, secret: string): boolean | undefined {
  if (secret.startsWith('{SHA}')) return secret.slice(5) === createHash('sha1').update(password).digest('base64');
  if (/^\$2[abxy]\$/.test(secret)) return undefined;
  const [, magic, salt] = secret.split('$', 4);
  return magic !== undefined && salt !== undefined && secret === md5Crypt(Buffer.from(password), Buffer.from(salt), `$${magic}$`);
}

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The bytes of the digest in the order in which they are written. */
const ORDER = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];

const md5 = (...parts: readonly (Uint8Array | string)[]): Buffer => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The MD5 of crypt(3), as Apache and FreeBSD write it. */
function md5Crypt(password: Buffer, salt: Buffer, magic: string): string {
  const mixed = md5(password, salt, password);
  const parts: Uint8Array[] = [password, Buffer.from(magic), salt];
  for (let i = 0; i < password.length; i++) parts.push(mixed.subarray(i % 16, (i % 16) + 1));
  for (let i = password.length; i > 0; i >>= 1) parts.push(i % 2 === 0 ? password.subarray(0, 1) : Buffer.alloc(1));
  let digest = md5(...parts);
  for (let round = 0; round < 1000; round++) {
    const isOdd = round % 2 === 1;
    const middle = [...(round % 3 === 0 ? [] : [salt]), ...(round % 7 === 0 ? [] : [password])];
    digest = md5(isOdd ? password : digest, ...middle, isOdd ? digest : password);
  }
  const bytes = ORDER.map((at) => digest[at] ?? 0);
  return `${magic}${salt.toString()}$${sixBitDigits(bytes)}`;
}

/** Three bytes become four digits, the lowest bits first. */
function sixBitDigits(bytes: readonly number[]): string {
  let out = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.slice(at, at + 3);
    let value = group.reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
    for (let i = 0; i <= group.length; i++) {
      out += DIGITS[value % 64] ?? '';
      value = Math.floor(value / 64);
    }
  }
  return out;
}
