import sql, { type config as Config, type ConnectionPool } from 'mssql'
import pg from 'pg'
import { createLogger } from '#src/core/logger.ts'
import type { Encryption } from '#src/simulators/sic/tds/prelogin.ts'
import { type SicServer, startSicServer } from '#src/simulators/sic/server.ts'
import { testDatabase } from '#test/support/database.ts'

export const LOGIN = 'lecteur'
export const PASSWORD = 'Mot de passe «€» 2026'

/** A few rows of each kind of column, in two source databases. */
const TABLES = `
  create schema "SIC";
  create schema "BI_ODS";
  create table "SIC"."Ventes" (
    "N° COMPTEUR" varchar(40) not null,
    "POLICE" varchar(40) not null,
    "DATE_VENTE" timestamp(3) not null,
    "Total énergie" numeric(18, 3),
    "MONTANT_TTC" numeric(18, 2),
    "TOKEN" varchar(100)
  );
  insert into "SIC"."Ventes" values
    ('01000000001', 'P1', '2026-01-05 08:30:00', 113.900, 14000.00, '1234 5678 9012 3456 7890'),
    ('01000000001', 'P1', '2026-02-05 09:15:30.123', 0.050, -0.50, null),
    ('01000000001', 'P2', '2026-02-06 00:00:00', null, 5000.10, 'Réf. é'),
    ('abc', 'P3', '2025-12-31 23:59:59.997', 999999999999999.999, 9999999999999999.99, '');
  create table "SIC"."types" (
    "petit" smallint, "entier" integer, "grand" bigint, "oui" boolean, "reel" real, "double" double precision,
    "exact" numeric(38, 10), "jour" date, "heure" time(3), "instant" timestamp(6), "decale" timestamptz(3),
    "texte" text, "code" char(4), "id" uuid, "octets" bytea
  );
  insert into "SIC"."types" values
    (-32768, 2147483647, 9007199254740993, true, 1.5, 0.1, 1234567890123456789012345678.0123456789, '2026-02-28', '23:59:58.123',
     '2026-07-01 12:34:56.123456', '2026-07-01 12:00:00+02', 'Où ça ? À Thiès… €', 'ab', '6f9619ff-8b86-d011-b42d-00c04fc964ff', '\\x00ff10'),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
  create table "SIC"."compteurs_app_mobile" ("numero" varchar(40) not null, "type_compteur" integer not null);
  create table "BI_ODS"."ADR2" ("ADDRNUMBER" varchar(40) not null, "TELNR_CALL" varchar(40));
  insert into "BI_ODS"."ADR2" values ('1', '771234567'), ('2', null);
  create table "BI_ODS"."Villes" ("nom" varchar(40), "habitants" integer);
  insert into "BI_ODS"."Villes" values ('Thiès', 400000), ('thiès ', 1), ('DAKAR', 1200000), ('Saint-Louis', 250000), (null, 7);
`

export interface SicFixture {
  readonly server: SicServer
  readonly databaseUrl: string
  close(): Promise<void>
}

export async function startSic(
  encryption: Encryption,
  { controlPort }: { controlPort?: number } = {},
): Promise<SicFixture> {
  const database = await testDatabase({ empty: true })
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(TABLES)
  await client.end()
  const server = await startSicServer({
    host: '127.0.0.1',
    port: 0,
    ...(controlPort === undefined ? {} : { controlPort }),
    databaseUrl: database.url,
    login: LOGIN,
    password: PASSWORD,
    encryption,
    log: createLogger('silent'),
  })
  return {
    server,
    databaseUrl: database.url,
    close: async () => {
      await server.close()
      await database.close()
    },
  }
}

/** Settings of the product's own client. */
export function clientConfig(server: SicServer, changes: Partial<Config> = {}): Config {
  const { options, ...rest } = changes
  return {
    server: '127.0.0.1',
    port: server.port,
    user: LOGIN,
    password: PASSWORD,
    database: 'SIC',
    pool: { max: 2, min: 0 },
    connectionTimeout: 5000,
    requestTimeout: 10_000,
    ...rest,
    options: { encrypt: false, trustServerCertificate: false, ...options },
  }
}

export async function connect(server: SicServer, changes: Partial<Config> = {}): Promise<ConnectionPool> {
  const pool = new sql.ConnectionPool(clientConfig(server, changes))
  pool.on('error', () => undefined)
  return pool.connect()
}
