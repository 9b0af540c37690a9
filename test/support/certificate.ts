/** A certificate of one's own for `localhost`, made here: no program and no file of the machine is needed for it. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
	/** Also what a client must trust. */
	readonly cert: string;
	readonly key: string;
}

export function selfSigned(): Certificate {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const spki = publicKey.export({ type: 'spki', format: 'der' });
	const name = sequence(tagged(0x31, sequence(oid(2, 5, 4, 3), tagged(0x0c, Buffer.from('localhost')))));
	const ecdsaWithSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2));
	const time = (date: Date) => tagged(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-T:]/g, '')}Z`));
	const day = 86_400_000;
	const extensions = sequence(
		// An authority that may sign, itself first of all.
		sequence(oid(2, 5, 29, 19), yes, octets(sequence(yes))),
		sequence(oid(2, 5, 29, 15), yes, octets(tagged(0x03, Buffer.of(2, 0b1000_0100)))),
		sequence(oid(2, 5, 29, 14), octets(octets(createHash('sha1').update(spki).digest()))),
		sequence(oid(2, 5, 29, 17), octets(sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.of(127, 0, 0, 1))))),
	);
	const content = sequence(
		tagged(0xa0, tagged(0x02, Buffer.of(2))),
		tagged(0x02, Buffer.of(1)),
		ecdsaWithSha256,
		name,
		sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + 7 * day))),
		name,
		spki,
		tagged(0xa3, extensions),
	);
	const signature = sign('sha256', content, privateKey);
	const der = sequence(content, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
	const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
	return {
		cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
		key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
	};
}

/** A value in DER: its tag, its length, its content. */
function tagged(tag: number, content: Buffer): Buffer {
	const { length } = content;
	const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
	return tagged(0x30, Buffer.concat(parts));
}

function octets(content: Buffer): Buffer {
	return tagged(0x04, content);
}

const yes = tagged(0x01, Buffer.of(0xff));

function oid(first: number, second: number, ...rest: readonly number[]): Buffer {
	const bytes = rest.flatMap((part) => {
		const digits = [part & 0x7f];
		for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
		return digits;
	});
	return tagged(0x06, Buffer.of(first * 40 + second, ...bytes));
}
