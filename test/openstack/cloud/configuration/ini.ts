/** Sections of a configuration file in the form that OpenStack's services read. */
export type Sections = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

export function renderIni(sections: Sections): string {
	return Object.entries(sections)
		.map(
			([name, values]) =>
				`[${name}]\n${Object.entries(values)
					.map(([key, value]) => `${key} = ${value}\n`)
					.join('')}`,
		)
		.join('\n');
}
