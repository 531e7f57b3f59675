/**
 * For one program on one machine, small and quick to start and stop. What was committed stays committed: `fsync`
 * and `synchronous_commit` keep their defaults.
 */
const EMBEDDED_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  max_connections: '80',
  shared_buffers: '64MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_compression: 'on',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  // Short queries by the thousand: compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  // A failing statement would be logged with its values, which are people's data.
  log_min_error_statement: 'panic',
  log_line_prefix: '',
  lc_messages: 'C',
}

export interface EngineSettings {
  readonly port: number
  readonly socketDir: string | undefined
  readonly settings: Readonly<Record<string, string>>
}

/** The settings as arguments of `postgres`, the caller's last so that they win. */
export function settingArguments({ port, socketDir, settings }: EngineSettings): string[] {
  const all = { ...EMBEDDED_SETTINGS, port: String(port), unix_socket_directories: socketDir ?? '', ...settings }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
