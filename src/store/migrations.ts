/**
 * The schema's history: each entry runs once, in order, in one transaction with its number. Entries are never
 * changed after a release, only added to.
 */
export const migrations: readonly string[] = [
	`
CREATE TABLE sandbox (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, host TEXT, availability_zone TEXT,
  requested_host TEXT, driver TEXT NOT NULL, provider_ids TEXT NOT NULL, status TEXT NOT NULL, status_reason TEXT, task_state TEXT,
  desired_status TEXT NOT NULL, labels TEXT NOT NULL, hostname TEXT NOT NULL, cpu REAL, memory INTEGER, disk INTEGER,
  namespaces TEXT NOT NULL, runtime TEXT, hints TEXT NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER,
  expires_remaining INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version INTEGER NOT NULL,
  spec_version INTEGER NOT NULL
);
CREATE INDEX sandbox_by_project ON sandbox (project_id, name);
CREATE INDEX sandbox_by_host ON sandbox (host);
CREATE INDEX sandbox_by_expiry ON sandbox (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE container (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL,
  sandbox_id TEXT NOT NULL REFERENCES sandbox (id), kind TEXT NOT NULL, ordinal INTEGER NOT NULL, image TEXT NOT NULL,
  image_driver TEXT NOT NULL, image_pull_policy TEXT NOT NULL, registry_id TEXT REFERENCES registry (id), command TEXT, entrypoint TEXT,
  image_command TEXT, image_entrypoint TEXT, image_workdir TEXT, runtime_hostname TEXT, cpu REAL, cpu_policy TEXT NOT NULL,
  memory INTEGER, disk INTEGER, pids INTEGER, workdir TEXT, hostname TEXT, environment TEXT NOT NULL, labels TEXT NOT NULL,
  interactive INTEGER NOT NULL, tty INTEGER NOT NULL, privileged INTEGER NOT NULL, auto_remove INTEGER NOT NULL,
  auto_heal INTEGER NOT NULL, restart_policy TEXT, healthcheck TEXT, exposed_ports TEXT, mounts TEXT NOT NULL, status TEXT NOT NULL,
  status_reason TEXT, task_state TEXT, desired_status TEXT NOT NULL, revision INTEGER NOT NULL, runtime_id TEXT, ports TEXT NOT NULL,
  exit_code INTEGER, oom_killed INTEGER NOT NULL, health TEXT, restart_count INTEGER NOT NULL, pull TEXT, started_at INTEGER,
  finished_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version INTEGER NOT NULL
);
CREATE INDEX container_by_project ON container (project_id, name);
CREATE INDEX container_by_sandbox ON container (sandbox_id);
CREATE INDEX container_by_registry ON container (registry_id) WHERE registry_id IS NOT NULL;

CREATE TABLE operation (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, request_id TEXT NOT NULL, project_id TEXT NOT NULL,
  user_id TEXT NOT NULL, target TEXT NOT NULL, target_id TEXT NOT NULL, sandbox_id TEXT NOT NULL, kind TEXT NOT NULL,
  args TEXT NOT NULL, host TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT, created_at INTEGER NOT NULL,
  started_at INTEGER, finished_at INTEGER
);
CREATE INDEX operation_by_target ON operation (target_id, seq);
CREATE INDEX operation_open ON operation (sandbox_id, seq) WHERE state IN ('queued', 'running');
CREATE INDEX operation_finished ON operation (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, project_id TEXT NOT NULL, kind TEXT NOT NULL, sandbox_id TEXT, container_id TEXT,
  status TEXT, reason TEXT, detail TEXT NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX event_by_project ON event (project_id, seq);
CREATE INDEX event_by_time ON event (created_at);

CREATE TABLE host (
  id TEXT PRIMARY KEY, hostname TEXT NOT NULL UNIQUE, facts TEXT NOT NULL, availability_zone TEXT NOT NULL, disabled INTEGER NOT NULL,
  disabled_reason TEXT, forced_down INTEGER NOT NULL, last_seen_at INTEGER, report_count INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE TABLE claim (
  sandbox_id TEXT PRIMARY KEY REFERENCES sandbox (id) ON DELETE CASCADE, host TEXT NOT NULL, project_id TEXT NOT NULL,
  cpu REAL NOT NULL, memory_mib INTEGER NOT NULL, disk_gib INTEGER NOT NULL
);
CREATE INDEX claim_by_host ON claim (host);
CREATE INDEX claim_by_project ON claim (project_id);

CREATE TABLE network (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, description TEXT NOT NULL, shared INTEGER NOT NULL,
  is_default INTEGER NOT NULL, external INTEGER NOT NULL, admin_state_up INTEGER NOT NULL, mtu INTEGER NOT NULL,
  port_security_enabled INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX network_by_project ON network (project_id);
CREATE TABLE subnet (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, network_id TEXT NOT NULL REFERENCES network (id),
  description TEXT NOT NULL, ip_version INTEGER NOT NULL, cidr TEXT NOT NULL, gateway_ip TEXT, allocation_pools TEXT NOT NULL,
  dns_nameservers TEXT NOT NULL, host_routes TEXT NOT NULL, enable_dhcp INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX subnet_by_network ON subnet (network_id);
CREATE TABLE port (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, network_id TEXT NOT NULL REFERENCES network (id),
  description TEXT NOT NULL, mac_address TEXT NOT NULL, port_security_enabled INTEGER NOT NULL, allowed_address_pairs TEXT NOT NULL,
  admin_state_up INTEGER NOT NULL, status TEXT NOT NULL, sandbox_id TEXT REFERENCES sandbox (id), position INTEGER NOT NULL,
  preserve_on_delete INTEGER NOT NULL, host TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (network_id, mac_address)
);
CREATE INDEX port_by_sandbox ON port (sandbox_id) WHERE sandbox_id IS NOT NULL;
CREATE INDEX port_by_project ON port (project_id);
CREATE INDEX port_by_host ON port (host) WHERE host IS NOT NULL;
CREATE TABLE port_ip (
  port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE, network_id TEXT NOT NULL, subnet_id TEXT NOT NULL REFERENCES subnet (id),
  ip_address TEXT NOT NULL, sort_key TEXT NOT NULL, PRIMARY KEY (subnet_id, sort_key)
);
CREATE INDEX port_ip_by_port ON port_ip (port_id);
CREATE TABLE security_group (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, description TEXT NOT NULL, owner_container_id TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX security_group_by_project ON security_group (project_id, name);
CREATE TABLE security_group_rule (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, security_group_id TEXT NOT NULL REFERENCES security_group (id) ON DELETE CASCADE,
  description TEXT NOT NULL, direction TEXT NOT NULL, ethertype TEXT NOT NULL, protocol TEXT, port_range_min INTEGER,
  port_range_max INTEGER, remote_ip_prefix TEXT, remote_group_id TEXT REFERENCES security_group (id), created_at INTEGER NOT NULL
);
CREATE INDEX security_group_rule_by_group ON security_group_rule (security_group_id);
CREATE TABLE port_security_group (
  port_id TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE, security_group_id TEXT NOT NULL REFERENCES security_group (id),
  PRIMARY KEY (port_id, security_group_id)
);
CREATE INDEX port_security_group_by_group ON port_security_group (security_group_id);
CREATE TABLE published_port (
  id TEXT PRIMARY KEY, sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE, host TEXT NOT NULL, protocol TEXT NOT NULL,
  host_ip TEXT NOT NULL, host_port INTEGER NOT NULL, sandbox_port INTEGER NOT NULL, UNIQUE (host, protocol, host_port, host_ip)
);
CREATE INDEX published_port_by_sandbox ON published_port (sandbox_id);

CREATE TABLE volume (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL, provider TEXT NOT NULL, size INTEGER NOT NULL,
  status TEXT NOT NULL, status_reason TEXT, host TEXT, auto_remove INTEGER NOT NULL, contents TEXT, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX volume_by_project ON volume (project_id, name);
CREATE TABLE volume_attachment (
  id TEXT PRIMARY KEY, volume_id TEXT NOT NULL UNIQUE REFERENCES volume (id), sandbox_id TEXT NOT NULL REFERENCES sandbox (id),
  read_only INTEGER NOT NULL, detaching INTEGER NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX volume_attachment_by_sandbox ON volume_attachment (sandbox_id);

CREATE TABLE image (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, image_id TEXT, repo TEXT NOT NULL, tag TEXT NOT NULL,
  size TEXT, host TEXT NOT NULL, status TEXT NOT NULL, status_reason TEXT, progress TEXT,
  pull_policy TEXT NOT NULL, registry_id TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (repo, tag, host)
);
CREATE TABLE registry (
  id TEXT PRIMARY KEY, name TEXT, project_id TEXT NOT NULL, user_id TEXT NOT NULL, domain TEXT NOT NULL, username TEXT NOT NULL,
  password TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX registry_by_project ON registry (project_id);
CREATE TABLE quota (project_id TEXT NOT NULL, resource TEXT NOT NULL, hard_limit INTEGER NOT NULL, PRIMARY KEY (project_id, resource));
CREATE TABLE quota_class (class_name TEXT NOT NULL, resource TEXT NOT NULL, hard_limit INTEGER NOT NULL, PRIMARY KEY (class_name, resource));
CREATE TABLE idempotency (
  project_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, target_id TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);

CREATE TABLE project (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, enabled INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE user (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, enabled INTEGER NOT NULL, default_project_id TEXT,
  created_at INTEGER NOT NULL
);
CREATE TABLE role_assignment (
  user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE, project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  role TEXT NOT NULL, PRIMARY KEY (user_id, project_id, role)
);
CREATE TABLE application_credential (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  secret_hash TEXT NOT NULL, roles TEXT NOT NULL, expires_at INTEGER, created_at INTEGER NOT NULL, UNIQUE (user_id, name)
);
CREATE TABLE token (
  digest TEXT PRIMARY KEY, audit_id TEXT NOT NULL, user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE, project_id TEXT,
  roles TEXT NOT NULL, methods TEXT NOT NULL, application_credential_id TEXT, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
);
CREATE INDEX token_by_expiry ON token (expires_at);
`,
	`
ALTER TABLE user ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN email TEXT;
ALTER TABLE application_credential ADD COLUMN description TEXT NOT NULL DEFAULT '';
CREATE INDEX token_by_user ON token (user_id);
CREATE INDEX token_by_application_credential ON token (application_credential_id) WHERE application_credential_id IS NOT NULL;
`,
	`
CREATE TABLE capsule (
  sandbox_id TEXT PRIMARY KEY REFERENCES sandbox (id) ON DELETE CASCADE, annotations TEXT NOT NULL, restart_policy TEXT NOT NULL
);
`,
	`
CREATE INDEX volume_by_host ON volume (host, size) WHERE host IS NOT NULL;
`,
	`
CREATE TABLE committed_image (
  project_id TEXT NOT NULL, reference TEXT NOT NULL, host TEXT NOT NULL, engine_reference TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, reference, host)
);
CREATE INDEX committed_image_by_reference ON committed_image (reference, host);
CREATE TABLE private_image (reference TEXT NOT NULL, project_id TEXT NOT NULL, PRIMARY KEY (reference, project_id));
`,
	`
ALTER TABLE volume ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
`,
	`
CREATE TABLE server (
  sandbox_id TEXT PRIMARY KEY REFERENCES sandbox (id) ON DELETE CASCADE, project_id TEXT NOT NULL, server_id TEXT UNIQUE,
  origin TEXT NOT NULL, request TEXT NOT NULL, vcpus INTEGER NOT NULL, memory_mib INTEGER NOT NULL, disk_gib INTEGER NOT NULL,
  delegation TEXT, stage TEXT NOT NULL, asked INTEGER NOT NULL, state TEXT, goal TEXT, call_id TEXT, call_kind TEXT, call_args TEXT,
  call_started_at INTEGER, call_error TEXT, ready INTEGER NOT NULL, acted_for TEXT, work INTEGER NOT NULL, error TEXT, created_at INTEGER NOT NULL
);
CREATE INDEX server_with_work ON server (created_at) WHERE work > 0;
CREATE TABLE server_port (
  sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE, position INTEGER NOT NULL, project_id TEXT NOT NULL,
  network_id TEXT NOT NULL, port_id TEXT, made INTEGER NOT NULL, asked INTEGER NOT NULL, wanted TEXT NOT NULL, secured INTEGER NOT NULL,
  security_groups TEXT NOT NULL, groups_set TEXT, mac_address TEXT, fixed_ips TEXT NOT NULL, attached INTEGER NOT NULL, binding TEXT,
  active INTEGER NOT NULL, detaching INTEGER NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (sandbox_id, position)
);
CREATE UNIQUE INDEX server_port_by_port ON server_port (port_id) WHERE port_id IS NOT NULL;
CREATE INDEX server_port_by_project ON server_port (project_id);
CREATE TABLE server_group (
  container_id TEXT PRIMARY KEY, sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  group_id TEXT, exposed TEXT NOT NULL, rules_made INTEGER NOT NULL, removing INTEGER NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX server_group_by_sandbox ON server_group (sandbox_id);
`,
	`
ALTER TABLE volume_attachment ADD COLUMN device TEXT;
`,
	`
ALTER TABLE container ADD COLUMN image_source TEXT;
CREATE TABLE image_upload (
  image_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, request_id TEXT NOT NULL, container_id TEXT NOT NULL,
  sandbox_id TEXT NOT NULL, host TEXT NOT NULL, engine_reference TEXT NOT NULL, reference TEXT NOT NULL, stage TEXT NOT NULL,
  error TEXT, created_at INTEGER NOT NULL
);
`,
	`
CREATE TABLE server_volume (
  id TEXT PRIMARY KEY, sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE, project_id TEXT NOT NULL, volume_id TEXT UNIQUE,
  name TEXT NOT NULL, size INTEGER NOT NULL, made INTEGER NOT NULL, keep INTEGER NOT NULL, own INTEGER NOT NULL, asked INTEGER NOT NULL,
  ready INTEGER NOT NULL, attached INTEGER NOT NULL, tries INTEGER NOT NULL, leaving INTEGER NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX server_volume_by_sandbox ON server_volume (sandbox_id);
`,
];
