import fc from 'fast-check';

/** Text that parsers stumble over. */
const nasty = fc.constantFrom(
	'',
	' ',
	'None',
	'null',
	'true',
	'0',
	'-1',
	'1e309',
	'NaN',
	'../../etc/passwd',
	'a'.repeat(300),
	'x\ny',
	'\u0000',
	'\ud800',
	'\u202e\u{1f4a3}',
	"' OR 1=1 --",
	'%s%n',
	'__proto__',
	'constructor',
	'{}',
	'[]',
	'"',
	'\\',
	'"unclosed',
	'web',
	'shelf',
	'22222222-2222-4222-8222-222222222222',
);

const text = fc.oneof({ weight: 3, arbitrary: nasty }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) });

const anything = fc.oneof(
	text,
	fc.integer(),
	fc.double(),
	fc.boolean(),
	fc.constant(null),
	fc.array(text, { maxLength: 3 }),
	fc.object({ maxDepth: 2 }),
);

/** Values that are often right for the schema, and otherwise anything. */
export function nearly(schema: unknown): fc.Arbitrary<unknown> {
	return fc.oneof({ weight: 6, arbitrary: right(schema) }, { weight: 1, arbitrary: anything });
}

function right(schema: unknown): fc.Arbitrary<unknown> {
	if (!isRecord(schema)) return anything;
	if (Array.isArray(schema['anyOf'])) return fc.oneof(...schema['anyOf'].map(nearly));
	if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum']);
	if ('const' in schema) return fc.constant(schema['const']);
	switch (schema['type']) {
		case 'object':
			return rightObject(schema);
		case 'array':
			return fc.array(nearly(schema['items']), { maxLength: 3 });
		case 'string':
			return fc.oneof(text, fc.stringMatching(typeof schema['pattern'] === 'string' ? new RegExp(schema['pattern']) : /^[a-z]{2,8}$/));
		case 'integer':
			return fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer());
		case 'number':
			return fc.oneof(fc.integer({ min: 0, max: 16 }), fc.double());
		case 'boolean':
			return fc.boolean();
		case 'null':
			return fc.constant(null);
		default:
			return anything;
	}
}

function rightObject(schema: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
	const properties = isRecord(schema['properties']) ? schema['properties'] : {};
	const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
	const entries = Object.entries(properties).map(([name, property]) => {
		const present = fc.tuple(fc.constant(name), nearly(property));
		const absent = fc.constant(null);
		// What is required is seldom left out; of the rest, a few at a time.
		return required.includes(name)
			? fc.oneof({ weight: 12, arbitrary: present }, { weight: 1, arbitrary: absent })
			: fc.oneof({ weight: 1, arbitrary: present }, { weight: 6, arbitrary: absent });
	});
	const pattern = isRecord(schema['patternProperties']) ? Object.values(schema['patternProperties'])[0] : undefined;
	const free = fc.array(fc.tuple(text, nearly(pattern)), { maxLength: pattern === undefined ? 0 : 3 });
	const stray = fc.oneof(
		{ weight: 12, arbitrary: fc.constant([]) },
		{ weight: 1, arbitrary: fc.array(fc.tuple(text, anything), { maxLength: 1 }) },
	);
	return fc
		.tuple(fc.tuple(...entries), free, stray)
		.map(([known, more, odd]) => Object.fromEntries([...known.filter((entry) => entry !== null), ...more, ...odd]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
