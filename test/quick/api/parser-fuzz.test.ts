/** The parsers of what users write: whatever comes, a value that makes sense or an error that says what is wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CapsuleCreate } from '../../../src/api/capsules/schemas.ts';
import { readTemplate } from '../../../src/api/capsules/template.ts';
import { compileSchema } from '../../../src/api/http/validate.ts';
import { defaultApiOptions } from '../../../src/api/options.ts';
import { logTail, logTime } from '../../../src/api/parse/log-time.ts';
import { cpuLimits, memoryLimits, quantity, timeoutLimits } from '../../../src/api/parse/quantity.ts';
import { shellWords } from '../../../src/api/parse/shell-words.ts';
import { Policy } from '../../../src/api/policy.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { explicitDomain, imageInRegistry, imageReference, isFromRegistry, normalDomain, parseImageName } from '../../../src/model/image.ts';
import { cidrRange, formatCidr, formatIp, inCidr, parseCidr, parseIp } from '../../../src/model/ip.ts';
import { mutated } from '../../support/bad-input/bodies.ts';

const runs = { numRuns: 1000 };

/** The value, or null when the user is told why there is none. */
function orRefused<T>(parse: () => T): T | null {
	try {
		return parse();
	} catch (error) {
		assert.ok(error instanceof ZunboxError && error.status === 400 && error.message.length < 400, String(error));
		return null;
	}
}

/** Text of pieces that mean something to the parser, and some that do not. */
const textOf = (...pieces: readonly string[]) =>
	fc.oneof(
		{
			weight: 4,
			arbitrary: fc
				.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 10 })
				.map((parts) => parts.join('')),
		},
		{ weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
	);

describe('image references of any text', () => {
	const reference = textOf(
		'/',
		':',
		'@',
		'.',
		'localhost',
		'docker.io',
		'a',
		'5000',
		'sha256:',
		'f'.repeat(64),
		'::',
		'//',
		'latest',
		'é',
		'\0',
	);

	test('name and tag together are the reference, and no tag holds a part of the path', () => {
		fc.assert(
			fc.property(reference, (text) => {
				const name = parseImageName(text);
				if (text.includes('@')) assert.equal(`${name.repo}@${name.tag}`, text);
				else {
					assert.equal(imageReference(name), text === name.repo ? `${text}:latest` : text);
					assert.ok(!name.tag.includes('/'));
				}
			}),
			runs,
		);
	});

	test('an image that was put into a registry is from there, and no other is', () => {
		fc.assert(
			fc.property(
				reference,
				fc.constantFrom('r.test', 'R.test:5000', 'https://r.test/v2/', 'docker.io', 'index.docker.io'),
				(text, domain) => {
					const inside = imageInRegistry(text, domain);
					if (isFromRegistry(inside, domain)) assert.ok(normalDomain(explicitDomain(inside) ?? 'docker.io') === normalDomain(domain));
					else assert.notEqual(explicitDomain(text), null, 'only one that names its registry can be from elsewhere');
				},
			),
			runs,
		);
	});
});

describe('command lines of any text', () => {
	test('are words or refused; quoted again they are the same words', () => {
		fc.assert(
			fc.property(textOf('"', "'", '\\', ' ', '\t', '\n', 'a', '$(x)', '`', ';', '|', '\0', '\u00a0', '\u2028'), (line) => {
				const words = orRefused(() => shellWords(line));
				if (words === null) return;
				assert.deepEqual(shellWords(words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')), words);
				// Nothing is expanded: all that is in the words was in the line.
				for (const character of words.join('')) assert.ok(line.includes(character));
			}),
			runs,
		);
	});

	test('long ones take time in proportion', () => {
		const started = performance.now();
		assert.equal(shellWords('"a" \\b '.repeat(100_000)).length, 200_000);
		assert.equal(shellWords("'".repeat(200_000)).length, 1);
		assert.ok(performance.now() - started < 20_000);
	});
});

describe('numbers and times of any text', () => {
	const number = textOf('0', '9', '.', '-', '+', 'e', 'E', ' ', '0x', 'NaN', 'Infinity', '_', ',', '9'.repeat(400), '٣', 'None');

	test('quantities are within their limits or refused', () => {
		fc.assert(
			fc.property(fc.oneof(number, fc.double(), fc.integer()), fc.constantFrom(cpuLimits, memoryLimits, timeoutLimits), (value, limits) => {
				const read = orRefused(() => quantity('memory', value, limits));
				if (read === null || read === undefined) return;
				assert.ok(read >= limits.minimum && read <= limits.maximum && (limits.integer !== true || Number.isInteger(read)));
			}),
			runs,
		);
	});

	test('times of logs are seconds that exist, or refused', () => {
		const time = textOf(
			'2026-01-02',
			'2026-02-31',
			'9999-99-99',
			' ',
			'T',
			'25:00:00',
			'03:04:05',
			'.',
			',',
			'123456789',
			'Z',
			'+01:00',
			'-1',
			'1e9',
		);
		fc.assert(
			fc.property(time, (text) => {
				const read = orRefused(() => logTime(text));
				if (read !== null) assert.ok(Number.isFinite(read) && read >= -62_167_219_200 && read < 1e12);
			}),
			runs,
		);
	});
	for (const text of ['2026-02-31 00:00:00', '2026-04-31T00:00:00', '2026-01-01 24:00:00']) {
		test(`${text} is no time`, () => assert.throws(() => logTime(text), { code: 'invalid-value' }));
	}

	test('tails are numbers of lines, or refused', () => {
		fc.assert(
			fc.property(number, (text) => {
				const read = orRefused(() => logTail(text));
				if (read !== null) assert.ok(Number.isSafeInteger(read) && read >= 0);
			}),
			runs,
		);
	});
});

describe('addresses and blocks of any text', () => {
	const address = textOf(
		'10.0.0.1',
		'256',
		'::',
		':',
		'fe80',
		'%eth0',
		'/',
		'24',
		'/33',
		'/-1',
		'/1e1',
		'/ 8',
		'.',
		'0x7f',
		'00',
		'::ffff:',
		'1.2.3.4',
		'[',
		']',
	);

	test('what is read is written so that it is read again as the same', () => {
		fc.assert(
			fc.property(address, (text) => {
				const ip = parseIp(text);
				if (ip !== null) assert.deepEqual(parseIp(formatIp(ip)), ip);
				const cidr = parseCidr(text);
				if (cidr === null) return;
				assert.deepEqual(parseCidr(formatCidr(cidr)), cidr);
				const { first, last } = cidrRange(cidr);
				assert.ok(first <= last && first === cidr.base);
				for (const value of [first, last]) assert.ok(inCidr(cidr, { version: cidr.version, value }));
			}),
			runs,
		);
	});

	test('every address that there is comes back', () => {
		const ip = fc.oneof(
			fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ version: 4 as const, value })),
			fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ version: 6 as const, value })),
		);
		fc.assert(
			fc.property(ip, (made) => assert.deepEqual(parseIp(formatIp(made)), made)),
			runs,
		);
	});
});

describe('templates of capsules', () => {
	const nobody = { userId: 'u', userName: 'u', projectId: 'p', projectName: 'p', roles: ['member'], requestId: 'req-1' } as const;
	const context = { policy: new Policy({}), options: defaultApiOptions };
	const check = compileSchema(CapsuleCreate, 'body');
	const right = mutated('POST /v1/capsules');

	test('are read or refused, as objects and as text, and as text no more loosely', () => {
		assert.ok(right !== null);
		let read = 0;
		fc.assert(
			fc.property(right, fc.integer({ min: 1, max: 41 }), (made, version) => {
				const body: unknown = JSON.parse(JSON.stringify(made));
				const asRead = (given: unknown) => {
					const checked = check(given);
					if ('error' in checked) throw checked.error;
					return readTemplate(checked.value, version, nobody, context);
				};
				const template: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'template') : undefined;
				const plain = orRefused(() => asRead({ template }));
				if (plain !== null) read += 1;
				if (typeof template === 'object' && template !== null) {
					assert.deepEqual(
						orRefused(() => asRead({ template: JSON.stringify(template) })),
						plain,
					);
				}
			}),
			runs,
		);
		assert.ok(read > 50, `${read} were read`);
	});
});
