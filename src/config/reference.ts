/** Makes docs/configuration.md from the schema: `node src/config/reference.ts > docs/configuration.md`. */
import { note, type Setting, settingGroups } from './settings.ts';

const introduction = `# Configuration

This page is made from the schema in \`src/config/schema.ts\` by \`node src/config/reference.ts > docs/configuration.md\`.

Settings come from four places. What is further down wins:

1. the defaults below;
2. a file in YAML (of which JSON is a part): the one that \`--config\` or \`ZUNBOX_CONFIG\` names, else \`/etc/zunbox/zunbox.yaml\` when it exists;
3. environment variables;
4. options of \`zunbox serve\`.

An unknown setting, variable or option, or a value that is not allowed, ends the start with a message that says what,
where, and what would be right. In variables and options a list is separated by commas, a map is JSON, and an empty text
is null where null is allowed.

\`\`\`yaml
# /etc/zunbox/zunbox.yaml
publicUrl: https://containers.example.org
listen:
  host: 0.0.0.0
network:
  cidr: 10.120.0.0/16
  nameservers: [192.0.2.53]
\`\`\`
`;

export function configurationReference(): string {
	const parts = settingGroups.map((group) => {
		const title = group.name === null ? 'Top level' : `\`${group.name}\``;
		return `## ${title}\n\n${group.description}\n\n${group.settings.map(describe).join('\n')}`;
	});
	return `${introduction}\n${parts.join('\n')}`;
}

function describe(setting: Setting): string {
	const unit = setting.unit === null ? '' : ` In ${setting.unit}.`;
	return `### \`${setting.name}\`

${setting.description}${unit}

- Value: ${setting.expected}
- Default: ${setting.defaultText.startsWith('name of') ? setting.defaultText : `\`${setting.defaultText}\``}
- Variable \`${setting.variable}\`${note(setting.schema, 'secret') === true ? '; no option, since options are seen by everybody' : `, option \`${setting.flag}\``}
`;
}

if (import.meta.main) process.stdout.write(configurationReference());
