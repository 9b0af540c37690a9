import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { lenient, mergeParameters } from '../../../src/api/http/body.ts';
import { normalizeUrl } from '../../../src/api/http/paths.ts';
import { flag, flagWords } from '../../../src/api/parse/flag.ts';
import { logTail, logTime } from '../../../src/api/parse/log-time.ts';
import { cpuLimits, memoryLimits, quantity } from '../../../src/api/parse/quantity.ts';
import { shellWords } from '../../../src/api/parse/shell-words.ts';
import { requestedSignal } from '../../../src/api/parse/signal-name.ts';
import { zunActionTime, zunTime } from '../../../src/api/parse/time.ts';

describe('shellWords', () => {
	for (const [line, words] of [
		['echo hello', ['echo', 'hello']],
		['"sh" "-c" "ls -l"', ['sh', '-c', 'ls -l']],
		[`a 'b "c" \\d' e`, ['a', 'b "c" \\d', 'e']],
		['a\\ b "c\\"d\\\\e\\f"', ['a b', 'c"d\\e\\f']],
		['"" \'\'', ['', '']],
		['  \t a\n b ', ['a', 'b']],
		['', []],
		['a\'b\'"c"', ['abc']],
	] as const) {
		test(JSON.stringify(line), () => assert.deepEqual(shellWords(line), words));
	}
	for (const line of ['"open', "'open", 'end\\', '"end\\']) {
		test(`${JSON.stringify(line)} is refused`, () => assert.throws(() => shellWords(line), { code: 'invalid-value' }));
	}

	test('what is quoted comes out as it was', () => {
		fc.assert(
			fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
				const quoted = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
				assert.deepEqual(shellWords(quoted), words);
			}),
		);
	});

	test('words in double quotes, as stock clients write them, come out as they were', () => {
		fc.assert(
			fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
				const quoted = words.map((word) => `"${word.replaceAll(/["\\]/g, '\\$&')}"`).join(' ');
				assert.deepEqual(shellWords(quoted), words);
			}),
		);
	});
});

describe('requestedSignal', () => {
	for (const [text, name] of [
		['SIGHUP', 'SIGHUP'],
		['HUP', 'SIGHUP'],
		['sighup', 'SIGHUP'],
		['hup', 'SIGHUP'],
		['1', 'SIGHUP'],
		[9, 'SIGKILL'],
		['None', null],
		['', null],
		[null, null],
		[undefined, null],
	] as const) {
		test(`${text} is ${name}`, () => assert.equal(requestedSignal(text), name));
	}
	for (const text of ['SIGNOTHING', '0', '999', 'constructor', ' ']) {
		test(`${text} is refused`, () => assert.throws(() => requestedSignal(text), { code: 'schema-validation-error' }));
	}
});

describe('flag', () => {
	test('every word is what Python takes it for', () => {
		for (const word of flagWords) assert.equal(flag(word), ['true', '1', 'on', 'yes'].includes(word.toLowerCase()));
		assert.equal(flag(undefined, true), true);
		assert.equal(flag(null), false);
		assert.equal(flag(true), true);
	});
});

describe('quantity', () => {
	test('numbers and numbers as text are the same', () => {
		fc.assert(
			fc.property(fc.integer({ min: 4, max: 8192 }), (memory) => {
				assert.equal(quantity('memory', memory, memoryLimits), memory);
				assert.equal(quantity('memory', String(memory), memoryLimits), memory);
			}),
		);
		assert.equal(quantity('cpu', '.5', cpuLimits), 0.5);
		assert.equal(quantity('cpu', null, cpuLimits), undefined);
	});
	for (const value of [3, 8193, '3', '1e3', '0x10', ' 5', '-5', '', 5.5, Number.NaN, Number.POSITIVE_INFINITY]) {
		test(`${JSON.stringify(value)} MiB is refused`, () =>
			assert.throws(() => quantity('memory', value, memoryLimits), { code: 'schema-validation-error', message: /from 4 to 8192/ }));
	}
});

describe('times and lines of logs', () => {
	for (const [text, seconds] of [
		['1700000000', 1_700_000_000],
		['1700000000.25', 1_700_000_000.25],
		['2026-01-02 03:04:05,678', Date.UTC(2026, 0, 2, 3, 4, 5, 678) / 1000],
		['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5) / 1000],
		['None', null],
	] as const) {
		test(text, () => assert.equal(logTime(text), seconds));
	}
	for (const text of ['yesterday', '2026-13-40 00:00:00', '-1']) {
		test(`${text} is refused`, () => assert.throws(() => logTime(text), { code: 'invalid-value' }));
	}
	test('tail', () => {
		assert.equal(logTail('all'), null);
		assert.equal(logTail(undefined), null);
		assert.equal(logTail('10'), 10);
		assert.throws(() => logTail('-1'), { code: 'invalid-value' });
	});
	test('times are written as Zun writes them', () => {
		const time = Date.UTC(2026, 0, 2, 3, 4, 5);
		assert.equal(zunTime(time), '2026-01-02 03:04:05');
		assert.equal(zunTime(time + 678), '2026-01-02 03:04:05.678000');
		assert.equal(zunActionTime(time + 678), '2026-01-02T03:04:05.678000');
	});
});

describe('paths', () => {
	const segment = fc.stringMatching(/^[a-z0-9-]{1,8}$/);
	test('empty segments, trailing slashes and a missing v1 make no difference', () => {
		fc.assert(
			fc.property(
				fc.array(segment, { minLength: 1, maxLength: 4 }),
				fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 5, maxLength: 5 }),
				(parts, slashes) => {
					const plain = `/v1/containers/${parts.join('/')}`;
					const untidy = `${'/'.repeat(slashes[0] ?? 1)}containers${parts.map((part, index) => '/'.repeat(slashes[index + 1] ?? 1) + part).join('')}/`;
					assert.equal(normalizeUrl(untidy), plain);
					assert.equal(normalizeUrl(plain), plain);
					assert.equal(normalizeUrl(`/box${untidy}?a=//b/`, '/box'), `${plain}?a=//b/`);
				},
			),
		);
	});
	for (const [given, wanted] of [
		['/', '/'],
		['', '/'],
		['//', '/'],
		['/v1', '/v1'],
		['/v1/', '/v1'],
		['/?x=1', '/?x=1'],
		['/identity/v3/', '/identity/v3'],
		['/openapi.json', '/openapi.json'],
		['/v1containers', '/v1/v1containers'],
	] as const) {
		test(`${given || '(nothing)'} is ${wanted}`, () => assert.equal(normalizeUrl(given), wanted));
	}
});

describe('bodies', () => {
	test('whatever the text, an object or nothing comes of it', () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
				const value = lenient(text);
				assert.ok(value === undefined || (typeof value === 'object' && !Array.isArray(value)));
			}),
		);
	});
	test('merging takes the body first and changes no prototype', () => {
		const merged = mergeParameters({ a: '1', b: '2' }, JSON.parse('{"b":3,"__proto__":{"c":4}}'));
		assert.deepEqual(Object.keys(merged), ['a', 'b', '__proto__']);
		assert.equal(merged['b'], 3);
		assert.equal(merged['c'], undefined);
	});
});
