/** The body of put_archive, read as it comes: the same as JSON.parse reads it, cut at every place. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ArchiveText, Base64Text, PlainText } from '../../../../src/api/archives/archive-text.ts';
import { PutBody } from '../../../../src/api/archives/put-body.ts';

interface Read {
	readonly path: string | undefined;
	/** undefined = there is none. */
	readonly data: string | undefined;
}

/** What is read of the pieces; null = refused. */
function read(pieces: readonly Uint8Array[]): Read | null {
	const body = new PutBody();
	try {
		const data = Buffer.concat(pieces.map((piece) => Buffer.from(body.push(piece))));
		body.end();
		return { path: body.path, data: body.hasData ? data.toString('utf8') : undefined };
	} catch (error) {
		assert.equal(code(error), 'schema-validation-error');
		return null;
	}
}

function code(error: unknown): unknown {
	return typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
}

const cut = (bytes: Buffer, at: number) => [bytes.subarray(0, at), bytes.subarray(at)];

/** Half characters become U+FFFD when they are written as UTF-8. */
const wellFormed = (text: string) => text.toWellFormed();

const right: readonly (readonly [string, Read])[] = [
	['{"path":"/tmp","data":"aGk="}', { path: '/tmp', data: 'aGk=' }],
	['{"data":"aGk=","path":"/tmp"}', { path: '/tmp', data: 'aGk=' }],
	['\n{\t"path" :\r "/tmp" , "data": "aGk=" } \n', { path: '/tmp', data: 'aGk=' }],
	['', { path: undefined, data: undefined }],
	[' \r\n', { path: undefined, data: undefined }],
	['{}', { path: undefined, data: undefined }],
	['{"data":""}', { path: undefined, data: '' }],
	['{"path":"/tmp"}', { path: '/tmp', data: undefined }],
	['{"p\\u0061th":"\\/t\\u006dp","d\\u0061ta":"a\\/b\\n\\r\\u002b=\\"\\\\\\b\\f\\t"}', { path: '/tmp', data: 'a/b\n\r+="\\\b\f\t' }],
	['{"data":"\\u0000\\u00ff\\u20ac\\ud83d\\ude00é€😀","path":"é😀"}', { path: 'é😀', data: '\0ÿ€😀é€😀' }],
	['{"data":"\\ud83d","path":"a"}', { path: 'a', data: '\ufffd' }],
	['{"data":"\\ud83d\\ud83d\\ude00\\ude00x\\ud83dy\\ud83d\\n","path":"a"}', { path: 'a', data: '\ufffd😀\ufffdx\ufffdy\ufffd\n' }],
	['{"other":[1,{"a":"]}\\"","b":[]}],"n":-1.5e3,"t":true,"path":"p","z":null,"data":"d","last":0}', { path: 'p', data: 'd' }],
	['{"other":"}","data":"d","e":{} }', { path: undefined, data: 'd' }],
];

const wrong: readonly string[] = [
	'[]',
	'"data"',
	'null',
	'5',
	'{',
	'{"',
	'{"data',
	'{"data"',
	'{"data":',
	'{"data":"',
	'{"data":"x',
	'{"data":"x"',
	'{"data":"x",',
	'{"data":"x",}',
	'{,"data":"x"}',
	'{"data" "x"}',
	'{"data":"x" "path":"y"}',
	'{"data":"x"}}',
	'{"data":"x"}{}',
	'{"data":5}',
	'{"data":null}',
	'{"data":["x"]}',
	'{"path":5,"data":"x"}',
	'{"path":null,"data":"x"}',
	'{"data":"x","data":"y"}',
	'{"data":"\\x"}',
	'{"data":"\\u12g4"}',
	'{"data":"a\nb"}',
	'{"path":"a\nb","data":"x"}',
	'{"path":"a\\u0000b","data":"x"}',
	'{"other":tru,"data":"x"}',
	'{"other":01,"data":"x"}',
	'{"other":[1,"data":"x"}',
	'{"other":,"data":"x"}',
	"{'data':'x'}",
	'{data:"x"}',
	`{"other":"${'x'.repeat(70_000)}","data":"x"}`,
	`{"other":${'['.repeat(100)}${']'.repeat(100)},"data":"x"}`,
	'\ufeff{"data":"x"}',
	'\0',
];

describe('the body of put_archive', () => {
	for (const [text, expected] of right) {
		test(`${text} is read, cut at every place`, () => {
			const bytes = Buffer.from(text);
			for (let at = 0; at <= bytes.length; at += 1) assert.deepEqual(read(cut(bytes, at)), expected, `cut at ${at}`);
			assert.deepEqual(read([...bytes].map((byte) => Uint8Array.of(byte))), expected);
		});
	}

	for (const text of wrong) {
		test(`${text.slice(0, 60)} is refused, cut at every place`, () => {
			const bytes = Buffer.from(text);
			const step = Math.max(1, Math.floor(bytes.length / 200));
			for (let at = 0; at <= bytes.length; at += step) assert.equal(read(cut(bytes, at)), null, `cut at ${at}`);
		});
	}

	const texts = fc.string({ unit: 'binary', maxLength: 80 });
	/** A text as JSON, with some of its characters as escapes. */
	const written = (text: string, escaped: readonly boolean[]) =>
		`"${text
			.split('')
			.map((char, index) => {
				const asEscape = `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
				return escaped[index % Math.max(1, escaped.length)] === true ? asEscape : JSON.stringify(char).slice(1, -1);
			})
			.join('')}"`;

	test('any texts come out as JSON.parse gives them, in pieces of any size', () => {
		fc.assert(
			fc.property(
				texts,
				texts,
				fc.array(fc.boolean()),
				fc.boolean(),
				fc.integer({ min: 1, max: 30 }),
				(path, data, escaped, order, size) => {
					const members = [`"path": ${written(path, escaped)}`, `"data":${written(data, escaped)}`];
					const bytes = Buffer.from(`{${(order ? members : members.reverse()).join(',')}}`);
					const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
						bytes.subarray(index * size, (index + 1) * size),
					);
					const found = read(pieces);
					if (path.includes('\0')) assert.equal(found, null);
					else
						assert.deepEqual(
							{ path: wellFormed(found?.path ?? ''), data: found?.data },
							{ path: wellFormed(path), data: wellFormed(data) },
						);
				},
			),
			{ numRuns: 1000 },
		);
	});

	test('text of any kind is read exactly when it is such an object', () => {
		const pieces = fc.constantFrom(
			'{',
			'}',
			'[',
			']',
			'"',
			':',
			',',
			'\\',
			'"data"',
			'"path"',
			'"x"',
			' ',
			'\n',
			'1',
			'-',
			'null',
			'true',
			'\\"',
			'\\u00',
			'{"data":"',
		);
		fc.assert(
			fc.property(fc.array(pieces, { maxLength: 14 }), fc.nat(60), (parts, at) => {
				const bytes = Buffer.from(parts.join(''));
				const found = read(cut(bytes, at % (bytes.length + 1)));
				assert.deepEqual(found, read([bytes]));
				if (found === null || bytes.toString().trim() === '') return;
				const value: unknown = JSON.parse(bytes.toString());
				assert.ok(typeof value === 'object' && value !== null);
				assert.deepEqual([found.path, found.data], [Reflect.get(value, 'path'), Reflect.get(value, 'data')]);
			}),
			{ numRuns: 3000 },
		);
	});
});

describe('the text of an archive', () => {
	const through = (text: ArchiveText, content: string, at: number) => {
		const pieces = cut(Buffer.from(content), at);
		return Buffer.concat([...pieces.map((piece) => text.push(piece)), text.end()]);
	};
	const plainBytes = async (content: string, at: number) => {
		const text = new PlainText();
		const handedOn = through(text, content, at);
		const parts: Uint8Array[] = [];
		const pieces = async function* () {
			yield* cut(handedOn, Math.floor(handedOn.length / 2));
		};
		for await (const part of text.bytes(pieces())) parts.push(part);
		const bytes = Buffer.concat(parts);
		assert.equal(text.size, bytes.length);
		return bytes;
	};

	test('any bytes survive both forms, cut anywhere', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(), async (bytes, at) => {
				const buffer = Buffer.from(bytes);
				const base64 = buffer.toString('base64');
				assert.deepEqual(through(new Base64Text(), base64, at % (base64.length + 1)), buffer);
				const plain = buffer.toString('latin1');
				assert.deepEqual(await plainBytes(plain, at % (Buffer.byteLength(plain) + 1)), buffer);
			}),
		);
	});

	test('plain text with any other character is meant as UTF-8', async () => {
		for (let at = 0; at <= 7; at += 1) assert.equal((await plainBytes('aé€b', at)).toString('utf8'), 'aé€b');
	});

	for (const data of ['%%%', 'YQ==YQ==', 'Y', 'a b', 'YQ=Y', 'YR==', 'YWJj*', '-_-_', 'YWJjZ', 'YWJjé']) {
		test(`${data} is no base64, cut anywhere`, () => {
			for (let at = 0; at <= Buffer.byteLength(data); at += 1) {
				assert.throws(() => through(new Base64Text(), data, at), { code: 'base-64-exception' });
			}
		});
	}

	for (const [data, meant] of [
		['YWI', 'ab'],
		['YW\nI=\n', 'ab'],
		['Y\r\nW\r\nI\r\n=', 'ab'],
		['YWJj', 'abc'],
		['', ''],
	] as const) {
		test(`${JSON.stringify(data)} is base64 of ${meant}, cut anywhere`, () => {
			for (let at = 0; at <= data.length; at += 1) assert.equal(through(new Base64Text(), data, at).toString(), meant);
		});
	}
});
