/** Makes docs/cli.md from the commands: `node src/cli/reference.ts > docs/cli.md`. */
import { commands, groups } from './commands/commands.ts';
import { exitCodes } from './exit-code.ts';
import { argumentText, commandText, optionSummary, optionText } from './tree/help.ts';
import type { CommandSpec, OptionSpec } from './tree/spec.ts';

const introduction = `# The \`zunbox\` command

This page is made from the commands themselves by \`node src/cli/reference.ts > docs/cli.md\`.

## Where it works, and as whom

Without more it works with the service of this machine: it reads where that is, and its first administrator's password,
from \`credentials/openrc\` in the data directory, which its own user (root) may read. What comes first wins:

1. \`--os-cloud <name>\` or \`OS_CLOUD\`: an entry of a clouds.yaml (\`OS_CLIENT_CONFIG_FILE\`, \`./clouds.yaml\`,
   \`~/.config/openstack\`, \`/etc/openstack\`, the local service's own);
2. \`OS_AUTH_URL\` with \`OS_USERNAME\`, \`OS_PASSWORD\` and \`OS_PROJECT_NAME\`, or \`OS_APPLICATION_CREDENTIAL_ID\` and
   \`OS_APPLICATION_CREDENTIAL_SECRET\`, or \`OS_TOKEN\`;
3. the local service, whose files are where \`--data-directory\`, \`ZUNBOX_DATA_DIRECTORY\` or the configuration file say.

The first two are OpenStack's own, and so work with Keystone too: also with a \`secure.yaml\` beside the clouds.yaml, domains
by id or name (\`OS_USER_DOMAIN_NAME\`, \`OS_PROJECT_DOMAIN_ID\` ...), \`OS_REGION_NAME\`, \`OS_INTERFACE\` and \`OS_CACERT\`. The
service itself is found in the catalog: type \`container\`.

Tokens are kept in \`~/.cache/zunbox\` (\`XDG_CACHE_HOME\`), readable for the user alone, until they end.

## Results

Tables are for people and may change. For programs there is \`-o json\`, which is what the API answered, and \`-q\`, which is
ids only. Results go to standard output; progress and errors go to standard error. On a terminal what is waited for is
shown while it goes on; elsewhere each change is one line. \`NO_COLOR\` takes the colours away.

| Exit code | Meaning |
| --- | --- |
| ${exitCodes.ok} | Done |
| ${exitCodes.failed} | Failed; one line on standard error says why and what to do |
| ${exitCodes.usage} | The command line is wrong |
| ${exitCodes.notFound} | What is named is not there |
| ${exitCodes.noService} | The service is down or cannot be reached |

\`exec\`, \`attach\` and \`run --follow\` end with the exit code of the command that they ran.

## Completion

\`\`\`sh
source <(zunbox completion bash)                    # in ~/.bashrc
zunbox completion zsh > "\${fpath[1]}/_zunbox"        # once
\`\`\`
`;

export function cliReference(): string {
	const shown = commands.filter((command) => !command.hidden);
	const everywhere = [
		...new Map(
			shown
				.flatMap((one) => one.options ?? [])
				.filter((one) => one.everywhere)
				.map((one) => [one.name, one]),
		).values(),
	];
	const singles = shown.filter(({ path }) => !path.includes(' '));
	const parts = groups
		.filter(({ path }) => !path.includes(' '))
		.map(({ path, summary }) => {
			const members = shown.filter((command) => command.path.startsWith(`${path} `));
			return `## ${path}\n\n${summary}.\n\n${members.map(describe).join('\n')}`;
		});
	return [
		introduction,
		`## Options of every command that speaks with the service\n\n${optionList(everywhere)}`,
		`## Short forms and roles\n\n${singles.map(describe).join('\n')}`,
		...parts,
	].join('\n');
}

function describe(command: CommandSpec): string {
	const options = (command.options ?? []).filter((option) => !option.everywhere);
	const words = [
		'zunbox',
		command.path,
		...(options.length > 0 ? ['[options]'] : []),
		...(command.arguments ?? []).map(argumentText),
		...(command.command === undefined ? [] : [commandText(command).trim()]),
	];
	return [
		`### zunbox ${command.path}\n`,
		`${command.summary}.${command.details === undefined ? '' : ` ${command.details}`}\n`,
		`\`\`\`\n${words.join(' ')}\n\`\`\`\n`,
		...(options.length > 0 ? [optionList(options)] : []),
		`\`\`\`sh\n${command.examples.join('\n')}\n\`\`\`\n`,
	].join('\n');
}

function optionList(options: readonly OptionSpec[]): string {
	return options.map((option) => `- \`${optionText(option).trim()}\` ${optionSummary(option)}\n`).join('');
}

if (import.meta.main) process.stdout.write(cliReference());
